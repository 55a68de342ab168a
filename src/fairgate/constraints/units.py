"""Outcomes unit by unit, where examples are no independent draws but people (units) with several are.

Also for weights: an example with a weight is a unit of its own, or a part of one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fairgate.constraints.paired import Changes
from fairgate.constraints.rates import Counts, Group

UnitMethod = Literal["betting", "cluster_robust"]
UNIT_METHODS: tuple[UnitMethod, ...] = ("betting", "cluster_robust")
Costs = tuple[float, float, float, float]
"""What an outcome counts: tp, fp, tn, fn; or what the fields of `Changes` do."""


@dataclass(frozen=True)
class UnitTable:
    """The outcomes of one group's examples, by unit.

    Attributes:
        places: (m,) int64, different: which units have examples in the group, 0 to units - 1.
        cells: (m, 4) float64, at least 0: numbers, or sums of weights, of tp, fp, tn and fn; or of the
            examples that two models decide differently, in the order of `Changes`.
    """

    places: NDArray[np.int64]
    cells: NDArray[np.float64]

    @classmethod
    def none(cls) -> UnitTable:
        """Of no units."""
        return cls(np.zeros(0, np.int64), np.zeros((0, 4)))

    @classmethod
    def of(cls, cells: NDArray[np.float64]) -> UnitTable:
        """Of (units, 4) outcomes of all units, those that have any."""
        places = np.flatnonzero(cells.any(axis=1))
        return cls(places, cells[places])

    def total(self) -> Counts:
        """Over all units; with whole numbers where all are."""
        return _counts(self.cells.sum(axis=0))


class UnitCounts(Mapping[Group | None, Counts]):
    """The outcomes of each group, and at None of everybody, and how they fall to units.

    As a mapping it is what `rates.Measured` is; bounds see the units besides.

    Args:
        units: how many there are; their numbers are an order that has nothing to do with outcomes
            (see `order`).
        tables: of each group, and at None of everybody.
        most: the most examples (or the largest sum of weights) that a unit of the population has.
        method: "betting" is guaranteed; "cluster_robust" is approximate.
        numbers: of examples, as `tables`, where those hold weights.
        against: where another model decided the same examples too, those that differ, as `tables`.

    Raises:
        ValueError: a unit has more than `most`, or another method.
    """

    def __init__(
        self,
        units: int,
        tables: Mapping[Group | None, UnitTable],
        most: float,
        method: UnitMethod = "betting",
        numbers: Mapping[Group | None, UnitTable] | None = None,
        against: Mapping[Group | None, UnitTable] | None = None,
    ) -> None:
        if method not in UNIT_METHODS:
            raise ValueError(f"unknown method {method!r}; those of units are {UNIT_METHODS}")
        for group, table in tables.items():
            largest = float(table.cells.sum(axis=1).max(initial=0.0))
            if largest > most * (1 + 1e-9):
                raise ValueError(
                    f"a unit has {largest:g} of {group or 'everybody'}, more than the most of {most:g}"
                )
        self.units = units
        self.tables = tables
        self.most = most
        self.method = method
        self.weighted = numbers is not None
        self.numbers = tables if numbers is None else numbers
        self.against = against
        self._totals = {group: table.total() for group, table in tables.items()}
        if against is not None:
            self._totals = {
                group: replace(total, against=Changes(*_plain(against[group].cells.sum(axis=0))))
                for group, total in self._totals.items()
            }
        self.rows: Mapping[Group | None, Counts] = self._totals
        if numbers is not None:
            self.rows = {group: table.total() for group, table in numbers.items()}

    @property
    def apart(self) -> bool:
        """Whether each example has a weight, and is a unit of its own."""
        return self.weighted and len(self.numbers[None].places) == self.rows[None].examples

    def __getitem__(self, group: Group | None) -> Counts:
        return self._totals[group]

    def __iter__(self) -> Iterator[Group | None]:
        return iter(self._totals)

    def __len__(self) -> int:
        return len(self._totals)

    # Large, and each is its own: two are equal if they are one.
    __hash__ = object.__hash__
    __eq__ = object.__eq__

    def repeated(self, times: float) -> UnitCounts:
        """Outcomes of so many times as many units, in their order, again and again."""
        units = max(1, round(self.units * times))

        def grown(table: UnitTable) -> UnitTable:
            rounds = range(-(-units // max(self.units, 1)))
            places = np.concatenate([table.places + self.units * again for again in rounds])
            cells = np.concatenate([table.cells] * len(rounds))
            return UnitTable(places[places < units], cells[places < units])

        def of(tables: Mapping[Group | None, UnitTable]) -> dict[Group | None, UnitTable]:
            return {group: grown(table) for group, table in tables.items()}

        numbers = of(self.numbers) if self.weighted else None
        against = None if self.against is None else of(self.against)
        return UnitCounts(units, of(self.tables), self.most, self.method, numbers, against)

    def units_of(self, group: Group | None) -> int:
        """How many units have examples in a group."""
        return len(self.tables[group].places)

    def sums(self, group: Group | None, costs: Costs) -> NDArray[np.float64]:
        """(units,) of each unit the sum of its outcomes in a group, each times its cost."""
        return self._summed(self.tables[group], costs)

    def changes(self, group: Group | None, costs: Costs) -> NDArray[np.float64] | None:
        """The same of the examples that two models decide differently; None where there is one model."""
        return None if self.against is None else self._summed(self.against[group], costs)

    def examples(self, group: Group | None, costs: Costs) -> NDArray[np.float64]:
        """As `sums`, of numbers of examples, whatever they weigh."""
        return self._summed(self.numbers[group], costs)

    def _summed(self, table: UnitTable, costs: Costs) -> NDArray[np.float64]:
        found = np.zeros(self.units)
        found[table.places] = table.cells @ np.array(costs)
        return found


def rows_of(counts: Mapping[Group | None, Counts]) -> Mapping[Group | None, Counts]:
    """The numbers of examples behind outcomes, which may be sums of weights."""
    return counts.rows if isinstance(counts, UnitCounts) else counts


def order(names: Sequence[str]) -> NDArray[np.int64]:
    """(n,) each unit's place among all, by a digest of its name.

    Nobody chooses it and nothing that was measured plays a part, so that it cannot be fished, and it is
    the same again for the same units.
    """
    marks = [hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names]
    return _ranks(np.frombuffer(b"".join(marks), "<u8"))


def order_of_rows(rows: int) -> NDArray[np.int64]:
    """(n,) the same for units without names, by their numbers, mixed as SplitMix64 does.

    Source: Steele, Lea and Flood, OOPSLA 2014, figure 14.
    """
    mixed = (np.arange(rows, dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return _ranks(mixed ^ (mixed >> np.uint64(31)))


def _ranks(marks: NDArray[np.uint64]) -> NDArray[np.int64]:
    places = np.empty(len(marks), np.int64)
    places[np.argsort(marks, kind="stable")] = np.arange(len(marks))
    return places


def _counts(cells: NDArray[np.float64]) -> Counts:
    return Counts(*_plain(cells))


def _plain(cells: NDArray[np.float64]) -> list[float]:
    whole = bool(np.all(cells == np.floor(cells)))
    return [int(cell) if whole else float(cell) for cell in cells]
