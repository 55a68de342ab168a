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
from fairgate.bounds import Linear, clopper_pearson_upper, upper_bound
from fairgate.bounds.betting import UnitRate, _Game, upper_of_units
from fairgate.constraints.expressions import RateOf
from fairgate.constraints.units import UnitCounts, UnitTable

_MOST = 10
_COMPARED = 100
"""Draws of which whole bounds are taken, to compare how far they are from the rate."""

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


GRID: Sequence[People] = (
    *(People("rate", 200, 0.2, alike) for alike in (0.0, 0.05, 0.1, 0.3)),
    People("gap", 400, 0.2, 0.1, gap=True),
    People("weighted rate", 200, 0.2, 0.1, weighted=True),
)


def measure(draws: int, seed: int) -> str:
    """The table, as Markdown."""
    lines = [
        "| of | units | rate | correlation | over units | cluster-robust | independent examples "
        "| margin over units, in cluster-robust ones |",
        "|---|---|---|---|---|---|---|---|",
    ]
    with Progress() as progress:
        bar = progress.add_task("Drawing people", total=len(GRID) * draws)
        for people in GRID:
            wrong = np.zeros(3, int)
            for found in _wrong(people, draws, seed):
                wrong += found
                progress.advance(bar)
            low, high = interval(int(wrong[0]), draws)
            independent = "" if people.weighted else f"{wrong[2] / draws:.2%}"
            shares = f"{wrong[0] / draws:.2%} ({low:.2%} to {high:.2%}) | {wrong[1] / draws:.2%}"
            margin = "" if people.gap else f"{_margins(people, seed):.2f}"
            lines.append(
                f"| {people.name} | {people.units} | {people.truth:.3g} | {people.alike:g} "
                f"| {shares} | {independent} | {margin} |"
            )
    return "\n".join(lines)


def _wrong(people: People, draws: int, seed: int) -> Iterator[Array]:
    """Whether each bound is below the truth: over units, cluster-robust, of independent examples."""
    rng = np.random.default_rng(seed)
    most = float(_MOST)
    for _ in range(draws):
        events, members = people.draw(rng)
        if people.gap:
            first = np.arange(people.units) % 2 == 0
            pair = [UnitRate(events * who, members * who, most) for who in (first, ~first)]
            function, one, other = Linear(1, -1).rising(*pair)
            truth = np.array([[people.rate, 1 - people.rate]])
            game = _Game.of((one, other), function)
            # Of the difference 0, where both rates are alike; the z bound of the difference beside it.
            value = pair[0].rate - pair[1].rate
            spread = [
                ((e.events - e.rate * e.members) ** 2).sum() / e.members.sum() ** 2 for e in pair
            ]
            plain = [e.rate * (1 - e.rate) / e.members.sum() for e in pair]
            yield np.array(
                [
                    game.rejected(truth, delta=DELTA)[0],
                    value + _Z * np.sqrt(sum(spread)) < 0,
                    value + _Z * np.sqrt(sum(plain)) < 0,
                ]
            )
            continue
        game = _Game.of((UnitRate(events, members, most),))
        exact = np.inf
        if not people.weighted:
            exact = clopper_pearson_upper(events.sum(), members.sum(), DELTA)
        yield np.array(
            [
                game.rejected(np.array([[people.truth]]), delta=DELTA)[0],
                _robust(events, members) < people.truth,
                exact < people.truth,
            ]
        )


_Z = 1.6448536269514722


def _robust(events: Array, members: Array) -> float:
    cells = np.stack([0 * events, events, members - events, 0 * events], axis=1)
    table = {None: UnitTable(np.arange(len(events)), cells)}
    return upper_bound(
        RateOf("FPR"), UnitCounts(len(events), table, _MOST, "cluster_robust"), DELTA
    )


def _margins(people: People, seed: int) -> float:
    """The mean distance of the bound over units from the rate, in those of the cluster-robust one."""
    rng = np.random.default_rng(seed + 1)
    found = np.zeros(2)
    for _ in range(_COMPARED):
        events, members = people.draw(rng)
        rate = UnitRate(events, members, float(_MOST))
        found += upper_of_units(rate, DELTA) - rate.rate, _robust(events, members) - rate.rate
    return float(found[0] / found[1])
