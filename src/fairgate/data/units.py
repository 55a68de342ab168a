"""Outcomes of units, counted batch by batch: memory grows with the units, not with their rows.

A row with a weight and no unit is a unit of its own; then memory grows with the rows, by 16 bytes each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fairgate import vocabulary
from fairgate.constraints.rates import Group
from fairgate.constraints.units import UnitCounts, UnitMethod, UnitTable, order, order_of_rows
from fairgate.data.columns import Column
from fairgate.data.grouping import names_in
from fairgate.errors import DataError

_PATTERNS = 1 << 20
"""Most different rows, but for units and weights."""
_FEW = 1 << 20
"""Sums that are kept before they are put together."""


class UnitTally:
    """Sums rows by unit and by pattern: label, answers and groups.

    Args:
      weight: name of the column of weights; None: a row counts one.
      largest_weight: what no weight of the population is over.
    """

    def __init__(self, weight: str | None = None, largest_weight: float | None = None) -> None:
        self._weight = weight
        self._largest_weight = largest_weight
        self._names: dict[str, int] = {}
        self._rows = 0
        self._named = False
        self._patterns: dict[tuple[int, ...], int] = {}
        self._keys: list[NDArray[np.int64]] = []
        self._sums: list[NDArray[np.float64]] = []
        self._counts: list[NDArray[np.float64]] = []
        self._kept = 0
        self._next = _FEW

    def add(
        self,
        unit: Column | None,
        weights: NDArray[np.float64] | None,
        codes: Sequence[NDArray[np.int64]],
    ) -> None:
        """Adds rows.

        Args:
          unit: whose row each is; None: its own.
          weights: (n,) of the rows; None: 1.
          codes: label, answer of each model, number of the group of each feature, each (n,).

        Raises:
          DataError: a weight is negative, not finite or over the largest.
        """
        rows = len(codes[0])
        if weights is None:
            weights = np.ones(rows)
        else:
            self._check_weights(weights)
        if unit is None:
            units = np.arange(self._rows, self._rows + rows, dtype=np.int64)
        else:
            self._named = True
            numbers = [self._names.setdefault(name, len(self._names)) for name in unit.values]
            units = np.array(numbers, np.int64)[unit.codes]
        self._rows += rows
        keys = units * _PATTERNS + self._patterns_of(codes)
        self._keep(keys, weights, np.ones(rows))

    def _check_weights(self, weights: NDArray[np.float64]) -> None:
        wrong = ~(np.isfinite(weights) & (weights >= 0))
        if wrong.any():
            raise DataError(
                f"column {self._weight!r} holds {weights[wrong][0]:g} as a weight: expected a finite "
                "number of at least 0"
            )
        assert self._largest_weight is not None
        if weights.max(initial=0.0) > self._largest_weight:
            raise DataError(
                f"column {self._weight!r} holds a weight of {weights.max():g}, over the "
                f"{vocabulary.now().argument('largest_weight')} of {self._largest_weight:g} that was "
                "declared: the bound holds for weights up to a number that was known before; cut larger "
                "weights, or declare a larger one"
            )

    def _patterns_of(self, codes: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
        table = np.stack(codes, axis=1)
        different, place = np.unique(table, axis=0, return_inverse=True)
        numbers = [
            self._patterns.setdefault(tuple(row), len(self._patterns)) for row in different.tolist()
        ]
        if len(self._patterns) >= _PATTERNS:
            raise DataError("there are too many different combinations of groups and answers")
        found: NDArray[np.int64] = np.array(numbers, np.int64)[place.reshape(-1)]
        return found

    def _keep(
        self, keys: NDArray[np.int64], sums: NDArray[np.float64], counts: NDArray[np.float64]
    ) -> None:
        self._keys.append(keys)
        self._sums.append(sums)
        self._counts.append(counts)
        self._kept += len(keys)
        if self._kept > self._next and self._named:
            self._put_together()
            self._next = max(_FEW, 2 * self._kept)

    def _put_together(self) -> None:
        keys, place = np.unique(np.concatenate(self._keys), return_inverse=True)
        place = place.reshape(-1)
        self._sums = [_summed(place, np.concatenate(self._sums), len(keys))]
        self._counts = [_summed(place, np.concatenate(self._counts), len(keys))]
        self._keys, self._kept = [keys], len(keys)

    def outcomes(
        self,
        model: int,
        yes: NDArray[np.bool_],
        groups: Mapping[str, Sequence[str]],
        method: UnitMethod,
        largest_unit: float | None = None,
        beside: tuple[int, NDArray[np.bool_]] | None = None,
    ) -> UnitCounts:
        """The outcomes of a model by unit.

        Args:
          model: its number among the answers.
          yes: which of its answers are a Yes.
          groups: feature -> its patterns (see `grouping`), in the order of their codes.
          method: how units are bounded.
          largest_unit: the most examples of a unit; None: as many as the largest has here.
          beside: number and Yes answers of another model, whose answers differ in places.

        Raises:
          DataError: a unit has more examples than `largest_unit`.
        """
        self._put_together()
        [keys], [sums], [counts] = self._keys, self._sums, self._counts
        units, of_pattern = np.divmod(keys, _PATTERNS)
        table = np.array(list(self._patterns), np.int64)
        said = yes[table[:, 1 + model]]
        cells = np.where(table[:, 0] == 1, np.where(said, 0, 3), np.where(said, 1, 2))
        count = len(self._names) if self._named else self._rows
        places = order(list(self._names)) if self._named else order_of_rows(count)
        most = self._most(_summed(units, counts, count), largest_unit)
        features = list(groups)
        members: dict[Group | None, NDArray[np.bool_]] = {None: np.ones(len(table), np.bool_)}
        for column, feature in enumerate(features, table.shape[1] - len(features)):
            for number, pattern in enumerate(groups[feature]):
                for name in names_in(pattern):
                    group, inside = Group(feature, name), table[:, column] == number
                    members[group] = members[group] | inside if group in members else inside

        def tabulated(
            inside: NDArray[np.bool_],
            values: NDArray[np.float64],
            cells: NDArray[np.int64] = cells,
        ) -> UnitTable:
            chosen = inside[of_pattern]
            found, place = np.unique(places[units[chosen]], return_inverse=True)
            flat = place.reshape(-1) * 4 + cells[of_pattern[chosen]]
            return UnitTable(found, _summed(flat, values[chosen], 4 * len(found)).reshape(-1, 4))

        tables = {group: tabulated(inside, sums) for group, inside in members.items()}
        numbers = None
        if self._weight is not None:
            numbers = {group: tabulated(inside, counts) for group, inside in members.items()}
        against = None
        if beside is not None:
            number, meant = beside
            other = meant[table[:, 1 + number]]
            changed = 2 * (table[:, 0] != 1) + ~said
            against = {
                group: tabulated(inside & (said != other), sums, changed)
                for group, inside in members.items()
            }
        return UnitCounts(count, tables, most, method, numbers, against)

    def _most(self, examples: NDArray[np.float64], largest_unit: float | None) -> float:
        largest = float(examples.max(initial=0.0))
        if largest_unit is not None and largest > largest_unit:
            raise DataError(
                f"a unit has {largest:.0f} examples, more than the "
                f"{vocabulary.now().argument('largest_unit')} of {largest_unit:g} that was declared"
            )
        each = 1.0 if self._largest_weight is None else self._largest_weight
        return each * (largest if largest_unit is None else largest_unit)


def _summed(
    place: NDArray[np.int64], values: NDArray[np.float64], length: int
) -> NDArray[np.float64]:
    """(length,) the sum of the values at each place."""
    return np.bincount(place, values, length).astype(np.float64)
