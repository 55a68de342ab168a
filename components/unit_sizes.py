"""How the examples of a split fall to units: of each, how many of every group and label."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from components import folders
from components.features import Features, RawValue
from fairgate.constraints.rates import Group
from fairgate.constraints.units import UnitCounts, UnitMethod, UnitTable, order

_BATCH = 1024


def read(folder: str, features: Features, method: UnitMethod = "betting") -> UnitCounts:
    """The sizes of units, as the outcomes of a model that says No to everybody.

    These are denominators, as in `group_sizes`: they say nothing of any model.

    Args:
      folder: of the raw examples, TFRecords that ImportExampleGen has checked.
      features: what the columns mean, a unit among them.
      method: how units are bounded.
    """
    assert features.unit is not None
    groups = {feature: group.name for feature, group in features.groups.items()}
    columns = [features.label.name, features.unit, *groups.values()]
    found: dict[str, list[np.ndarray]] = {name: [] for name in columns}
    files = folders.inside(folder)
    compression = "GZIP" if files and files[0].endswith(".gz") else ""
    records = tf.data.TFRecordDataset(files, compression, buffer_size=8 << 20)
    spec = {
        name: tf.io.FixedLenFeature([], kind) for name, kind in _types(records, columns).items()
    }
    for batch in records.batch(_BATCH).prefetch(2):
        for name, values in tf.io.parse_example(batch, spec).items():
            found[name].append(values.numpy())
    values = {name: np.concatenate(parts) for name, parts in found.items()}
    positive = _equal(values[features.label.name], features.label.positive)
    different, unit = np.unique(values[features.unit], return_inverse=True)
    names = [name.decode() if isinstance(name, bytes) else str(name) for name in different.tolist()]
    places = order(names)[unit.reshape(-1)]
    masks: dict[Group | None, np.ndarray] = {None: np.ones(len(positive), np.bool_)}
    for feature, group in features.groups.items():
        for name, value in group.values.items():
            masks[Group(feature, name)] = _equal(values[group.name], value)
    tables = {group: _table(places[mask], positive[mask]) for group, mask in masks.items()}
    most = features.largest_unit or float(np.bincount(places).max())
    return UnitCounts(len(names), tables, most, method)


def _table(places: np.ndarray, positive: np.ndarray) -> UnitTable:
    """Everybody is told No: a positive is a false negative, a negative a true one."""
    found, unit = np.unique(places, return_inverse=True)
    cells = np.zeros((len(found), 4))
    np.add.at(cells, (unit.reshape(-1), np.where(positive, 3, 2)), 1)
    return UnitTable(found, cells)


def _types(records: tf.data.Dataset, columns: list[str]) -> dict[str, tf.DType]:
    [first] = records.take(1).as_numpy_iterator()
    held = tf.train.Example.FromString(first).features.feature
    kinds = {"int64_list": tf.int64, "bytes_list": tf.string, "float_list": tf.float32}
    return {name: kinds[held[name].WhichOneof("kind")] for name in columns}


def _equal(values: np.ndarray, value: RawValue) -> np.ndarray:
    return np.asarray(values == (value.encode() if isinstance(value, str) else value))
