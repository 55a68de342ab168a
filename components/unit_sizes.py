"""How the examples of a split fall to units: of each, how many of every group and label, and weights."""

from __future__ import annotations

import itertools

import numpy as np
import tensorflow as tf

from components import columns, folders, tfrecords
from components.example_gen import tables
from components.features import Features
from fairgate.constraints.rates import Group
from fairgate.constraints.units import UnitCounts, UnitMethod, UnitTable, order, order_of_rows

_BATCH = 1024


def read(folder: str, features: Features, method: UnitMethod = "betting") -> UnitCounts:
    """The sizes of units, as the outcomes of a model that says No to everybody.

    These are denominators, as in `group_sizes`: they say nothing of any model. Weights may say something
    of what goes wrong, so that those of the test split are not to be looked at before a model is judged.

    Args:
      folder: of the raw examples, TFRecords that ImportExampleGen has checked.
      features: what the columns mean, a unit or a weight among them.
      method: how units are bounded.

    Raises:
      DataError: a file is damaged.
    """
    wanted = features.model_copy(update={"numeric": [], "categorical": [], "image": None})
    of_group = list(map(Group, *zip(*features.membership_columns(), strict=True)))
    units, labels, members, weights = [], [], [], []
    for file in folders.inside(folder):
        spec = tables.column_specs(file, wanted)
        records = tfrecords.records(file)
        while batch := list(itertools.islice(records, _BATCH)):
            raw = tf.io.parse_example(tf.constant(batch), spec)
            labels.append(columns.label_index(raw[features.label.name], features).numpy())
            found = columns.group_members(raw, features)
            members.append(np.concatenate([each.numpy() for each in found.values()], axis=1))
            weights.append(tables.weights(file, 0, raw, features))
            if features.unit is not None:
                units.append(raw[features.unit].values.numpy())
    positive, memberships = np.concatenate(labels) > 0, np.concatenate(members)
    places = order_of_rows(len(positive)) if features.unit is None else _places(units)
    masks: dict[Group | None, np.ndarray] = {None: np.ones(len(positive), np.bool_)}
    masks |= {group: memberships[:, column] for column, group in enumerate(of_group)}

    def table(counted: np.ndarray) -> dict[Group | None, UnitTable]:
        return {
            group: _table(places[mask], positive[mask], counted[mask])
            for group, mask in masks.items()
        }

    numbers = table(np.ones(len(positive)))
    most = 1.0
    if features.unit is not None:
        most = features.largest_unit or float(np.bincount(places).max())
    count = int(places.max()) + 1
    if features.largest_weight is None:
        return UnitCounts(count, numbers, most, method)
    weighed = np.minimum(np.concatenate(weights), features.largest_weight)  # float32 rounds up, too
    return UnitCounts(count, table(weighed), most * features.largest_weight, method, numbers)


def _places(units: list[np.ndarray]) -> np.ndarray:
    different, unit = np.unique(np.concatenate(units), return_inverse=True)
    names = [name.decode() if isinstance(name, bytes) else str(name) for name in different.tolist()]
    return order(names)[unit.reshape(-1)]


def _table(places: np.ndarray, positive: np.ndarray, counted: np.ndarray) -> UnitTable:
    """Everybody is told No: a positive is a false negative, a negative a true one."""
    found, unit = np.unique(places, return_inverse=True)
    cells = np.zeros((len(found), 4))
    np.add.at(cells, (unit.reshape(-1), np.where(positive, 3, 2)), counted)
    return UnitTable(found, cells)
