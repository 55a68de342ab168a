"""How often bounds err where the examples of one person resemble each other, or have weights.

The true rate is at the limit, where a pass is a false one. Of each draw it is asked whether the bound
is below the truth; over units that is whether the bets reject it (`fairgate.bounds.betting`: what is
rejected at one rate is rejected above it, so that no bound has to be searched for). Of a gap it is
asked of the two true rates together, which is at least as often as the bound of their difference errs,
but for the hundredth of delta that buys the box.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from benchmarks.gate.simulation import DELTA, interval
from fairgate.bounds import Linear, clopper_pearson_upper
from fairgate.bounds.betting import Game, UnitRate, rejected_of_many, upper_of_units
from fairgate.bounds.over_units import robust_bound

_MOST = 10
_COMPARED = 100
"""Draws of which whole bounds are taken, to compare how far they are from the rate."""
AT_ONCE = 500
"""Draws that are played together."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class People:
    """Units with 1 to 10 examples each.

    Attributes:
        name: in the table.
        units: how many there are.
        rate: of events, over all examples.
        alike: the correlation of two examples of one unit (beta-binomial).
        weighted: whether examples have weights of 0.2 to 1, which are larger where the event is likelier.
        gap: whether the gap between two halves of the units is asked about, instead of the rate.
    """

    name: str
    units: int
    rate: float
    alike: float
    weighted: bool = False
    gap: bool = False

    def draw(self, rng: np.random.Generator) -> tuple[Array, Array]:
        """(events, members) of each unit: numbers, or sums of weights."""
        sizes = rng.integers(1, _MOST + 1, self.units)
        own = np.full(self.units, self.rate)
        if self.alike:
            both = 1 / self.alike - 1
            own = rng.beta(self.rate * both, (1 - self.rate) * both, self.units)
        if not self.weighted:
            return rng.binomial(sizes, own).astype(float), sizes.astype(float)
        of = np.repeat(np.arange(self.units), sizes)
        events = rng.random(len(of)) < own[of]
        weights = rng.uniform(0.2, 0.6, len(of)) + 0.4 * (rng.random(len(of)) < own[of])
        return np.bincount(of, weights * events, self.units), np.bincount(of, weights, self.units)

    @property
    def truth(self) -> float:
        """The rate that sums of weights have: E[w event] / E[w]."""
        if not self.weighted:
            return self.rate
        square = self.rate**2 + self.alike * self.rate * (1 - self.rate)
        return (0.4 * self.rate + 0.4 * square) / (0.4 + 0.4 * self.rate)


_ALIKE = (0.0, 0.05, 0.1, 0.3)
GRID: Sequence[People] = (
    *(People("rate", 200, 0.2, alike) for alike in _ALIKE),
    *(People("gap", 400, 0.2, alike, gap=True) for alike in _ALIKE),
    *(People("weighted rate", 200, 0.2, alike, weighted=True) for alike in (0.0, 0.1, 0.3)),
)


def measure(draws: int, seed: int) -> str:
    """The table, as Markdown."""
    lines = [
        "| of | units | rate | correlation | independent examples | over units | cluster-robust "
        "| margin over units, in cluster-robust ones |",
        "|---|---|---|---|---|---|---|---|",
    ]
    with Progress() as progress:
        bar = progress.add_task("Drawing people", total=len(GRID) * draws)
        for people in GRID:
            wrong = np.zeros(3, int)
            for found in wrongs(people, draws, seed):
                wrong += found.sum(axis=0)
                progress.advance(bar, len(found))
            independent = "" if people.weighted else _share(int(wrong[2]), draws)
            shares = f"{_share(int(wrong[0]), draws)} | {wrong[1] / draws:.2%}"
            margin = "" if people.gap else f"{_margins(people, seed):.2f}"
            lines.append(
                f"| {people.name} | {people.units} | {people.truth:.3g} | {people.alike:g} "
                f"| {independent} | {shares} | {margin} |"
            )
    return "\n".join(lines)


def _share(wrong: int, draws: int) -> str:
    low, high = interval(wrong, draws)
    return f"{wrong / draws:.2%} ({low:.2%} to {high:.2%})"


def wrongs(people: People, draws: int, seed: int) -> Iterator[NDArray[np.bool_]]:
    """Draws, some at a time: (d, 3) whether each bound is below the truth.

    Over units, cluster-robust, and of independent examples: exact of a rate, the z bound of a gap.
    """
    rng = np.random.default_rng(seed)
    function = Linear(1, -1) if people.gap else None
    for first in range(0, draws, AT_ONCE):
        drawn = [people.draw(rng) for _ in range(min(AT_ONCE, draws - first))]
        rates = [_rates(people, *each) for each in drawn]
        if function is None:
            truth, games = [people.truth], [Game.of(each) for each in rates]
        else:
            # Of the difference 0, where both rates are alike.
            rising = [function.rising(*each) for each in rates]
            truth, games = (
                [people.rate, 1 - people.rate],
                [Game.of((x, y), g) for g, x, y in rising],
            )
        over = rejected_of_many(games, np.tile(truth, (len(games), 1)), DELTA)
        others = [_robust_and_plain(people, each) for each in rates]
        yield np.column_stack([over, np.array(others)])


_Z = 1.6448536269514722


def _rates(people: People, events: Array, members: Array) -> tuple[UnitRate, ...]:
    if not people.gap:
        return (UnitRate(events, members, float(_MOST)),)
    first = np.arange(people.units) % 2 == 0
    return tuple(UnitRate(events * who, members * who, float(_MOST)) for who in (first, ~first))


def _robust_and_plain(people: People, rates: tuple[UnitRate, ...]) -> tuple[bool, bool]:
    influences = [(each.events - each.rate * each.members) / each.members.sum() for each in rates]
    if people.gap:
        value = rates[0].rate - rates[1].rate
        spread = sum(float(each @ each) for each in influences)
        plain = sum(each.rate * (1 - each.rate) / each.members.sum() for each in rates)
        return bool(value + _Z * spread**0.5 < 0), bool(value + _Z * plain**0.5 < 0)
    [rate] = rates
    robust = robust_bound(rate.rate, influences[0], DELTA) < people.truth
    if people.weighted:
        return robust, False
    exact = clopper_pearson_upper(int(rate.events.sum()), int(rate.members.sum()), DELTA)
    return robust, exact < people.truth


def _margins(people: People, seed: int) -> float:
    """The mean distance of the bound over units from the rate, in those of the cluster-robust one."""
    rng = np.random.default_rng(seed + 1)
    found = np.zeros(2)
    for _ in range(_COMPARED):
        [rate] = _rates(people, *people.draw(rng))
        influence = (rate.events - rate.rate * rate.members) / rate.members.sum()
        bounds = upper_of_units(rate, DELTA), robust_bound(rate.rate, influence, DELTA)
        found += np.array(bounds) - rate.rate
    return float(found[0] / found[1])
