"""What label and groups say of the rows of a table: of each, its class and its groups."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from components import measured as measured_groups
from components.features import Features
from fairgate.data.membership import Members, Membership, Values
from fairgate.errors import DataError
from pipeline.data.from_csv.converting import Value
from pipeline.data.from_csv.reading import Table

LEFT_OUT = -1


def labels(table: Table, features: Features) -> NDArray[np.int8]:
    """(n,) 1 of the positive class, 0 of the negative one, LEFT_OUT of neither; or places of classes."""
    found = _members(table, features.label.name, features.label.membership)
    if features.label.classes:
        of = np.stack(found.groups, axis=1)
        return np.where(of.any(axis=1), of.argmax(axis=1), LEFT_OUT).astype(np.int8)
    negative, positive = found.groups
    result = np.where(negative, np.int8(0), np.int8(LEFT_OUT))
    return np.where(positive, np.int8(1), result)


def groups(table: Table, features: Features) -> dict[str, NDArray[np.bool_]]:
    """Feature -> (n, groups), who is in which of its groups; crossings are features, too."""
    found = {
        feature: np.stack(_members(table, group.name, group.membership).groups, axis=1)
        for feature, group in features.groups.items()
    }
    for crossing in features.crossings_named:
        cells = [
            functools.reduce(
                np.logical_and,
                [
                    found[feature][:, features.group_names[feature].index(name)]
                    for feature, name in cell
                ],
            )
            for cell in features.cells(crossing)
        ]
        found[crossing] = np.stack(cells, axis=1)
    return found


def measured(table: Table, rows: Sequence[int], features: Features) -> Features:
    """The same with the quantiles, and the small crossings, of some rows.

    Raises:
      DataError: with these numbers the groups are none.
    """
    if not features.waits_for_training:
        return features

    def sizes(found: Features) -> dict[str, int]:
        members = groups(table, found)
        return {
            name: int(members[crossing][list(rows), at].sum())
            for crossing in found.crossings_named
            for at, name in enumerate(found.group_names[crossing])
        }

    def column(name: str) -> Values:
        values = table.columns[name]
        return Values.of(values[row] for row in rows)

    try:
        return measured_groups.measured(features, column, sizes)
    except ValueError as error:
        raise DataError(f"{error} (measured on the training split)") from None


def strata(table: Table, features: Features) -> list[tuple[int, ...]]:
    """Of each row, what should be equally frequent in every split: its label, and its groups."""
    members = groups(table, features)
    columns = [labels(table, features).tolist()]
    for feature in features.groups:
        _, codes = np.unique(members[feature], axis=0, return_inverse=True)
        columns.append(codes.reshape(-1).tolist())
    return list(zip(*columns, strict=True))


def _members(table: Table, column: str, membership: Membership) -> Members:
    places: dict[Value, int] = {}  # values repeat
    rows = [places.setdefault(value, len(places)) for value in table.columns[column]]
    found = membership.members(Values.of(places))
    return Members(
        tuple(group[rows] for group in found.groups), found.unknown[rows], found.strange[rows]
    )
