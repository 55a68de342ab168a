"""Ten tables of counts that bounds are compared on; see `python -m benchmarks.gate peers`.

Nothing here needs the library: the peers' environment reads this module too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

DELTA = 0.05


@dataclass(frozen=True)
class Table:
    """False positives among the negatives of each group, and true rates to draw such tables from.

    Attributes:
        name: what is special about it.
        counts: false positives of each group.
        sizes: negatives of each group.
        rates: true false positive rates whose gap is the limit.
    """

    name: str
    counts: tuple[int, ...]
    sizes: tuple[int, ...]
    rates: tuple[float, ...]

    def __post_init__(self) -> None:
        pairs = zip(self.counts, self.sizes, strict=True)
        if not all(0 <= count <= size for count, size in pairs):
            raise ValueError(f"{self.name}: more false positives than negatives")
        if len(self.rates) != len(self.sizes):
            raise ValueError(f"{self.name}: {len(self.rates)} rates of {len(self.sizes)} groups")

    @property
    def limit(self) -> float:
        """The true gap, so that a model with these rates must pass at most DELTA of the time."""
        return round(max(self.rates) - min(self.rates), 9)

    @property
    def gap(self) -> float:
        """The measured gap."""
        measured = [count / size for count, size in zip(self.counts, self.sizes, strict=True)]
        return max(measured) - min(measured)

    @property
    def level(self) -> tuple[float, ...]:
        """Rates without a gap: the lowest one for every group."""
        return (min(self.rates),) * len(self.rates)

    @property
    def smallest(self) -> int:
        """The place of the smallest group, the first of several."""
        return self.sizes.index(min(self.sizes))


TABLES: Sequence[Table] = (
    Table("two groups of a thousand", (60, 45), (1000, 1000), (0.1, 0.05)),
    Table("the README's groups", (146, 54), (3218, 920), (0.045, 0.095)),
    Table("small group with the higher rate", (6, 100), (60, 2000), (0.2, 0.05)),
    Table("small group with the lower rate", (3, 240), (60, 2000), (0.1, 0.25)),
    Table("thirty each", (5, 3), (30, 30), (0.4, 0.1)),
    Table("none of fifty, twice", (0, 0), (50, 50), (0.11, 0.01)),
    Table("rare: two of five hundred", (2, 0), (500, 500), (0.022, 0.002)),
    Table("every second one", (52, 48), (100, 100), (0.6, 0.4)),
    Table("three groups, one small", (80, 36, 6), (1000, 400, 50), (0.08, 0.12, 0.28)),
    Table(
        "five groups of three hundred",
        (30, 27, 33, 24, 36),
        (300,) * 5,
        (0.05, 0.1, 0.1, 0.1, 0.15),
    ),
)
