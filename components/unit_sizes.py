"""How the examples of a split fall to units: of each, how many of every group and label."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from components import columns, folders
from components.features import Features
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
    files = folders.inside(folder)
    compression = "GZIP" if files and files[0].endswith(".gz") else ""
    records = tf.data.TFRecordDataset(files, compression, buffer_size=8 << 20)
    types = _types(records, [features.unit, *columns.memberships(features)])
    spec = columns.label_and_groups(features, types)
    spec[features.unit] = tf.io.FixedLenFeature([], types[features.unit])
    of_group = list(map(Group, *zip(*features.membership_columns(), strict=True)))
    units, labels, memberships = [], [], []
    for batch in records.batch(_BATCH).prefetch(2):
        raw = tf.io.parse_example(batch, spec)
        units.append(raw[features.unit].numpy())
        labels.append(columns.label_index(raw[features.label.name], features).numpy())
        found = columns.group_members(raw, features)
        memberships.append(np.concatenate([each.numpy() for each in found.values()], axis=1))
    positive, members = np.concatenate(labels) > 0, np.concatenate(memberships)
    different, unit = np.unique(np.concatenate(units), return_inverse=True)
    names = [name.decode() if isinstance(name, bytes) else str(name) for name in different.tolist()]
    places = order(names)[unit.reshape(-1)]
    masks: dict[Group | None, np.ndarray] = {None: np.ones(len(positive), np.bool_)}
    masks |= {group: members[:, column] for column, group in enumerate(of_group)}
    tables = {group: _table(places[mask], positive[mask]) for group, mask in masks.items()}
    most = features.largest_unit or float(np.bincount(places).max())
    return UnitCounts(len(names), tables, most, method)


def _table(places: np.ndarray, positive: np.ndarray) -> UnitTable:
    """Everybody is told No: a positive is a false negative, a negative a true one."""
    found, unit = np.unique(places, return_inverse=True)
    cells = np.zeros((len(found), 4))
    np.add.at(cells, (unit.reshape(-1), np.where(positive, 3, 2)), 1)
    return UnitTable(found, cells)


def _types(records: tf.data.Dataset, names: list[str]) -> dict[str, tf.DType]:
    """Of the columns that the first record has a value of."""
    [first] = records.take(1).as_numpy_iterator()
    held = tf.train.Example.FromString(first).features.feature
    kinds = {"int64_list": tf.int64, "bytes_list": tf.string, "float_list": tf.float32}
    told = {name: held[name].WhichOneof("kind") for name in names}
    return {name: kinds[kind] for name, kind in told.items() if kind}
