"""How often bounds err where examples count more or less than one each.

As `units`: the true rate is at the limit, where a pass is a false one, and of each draw it is asked
whether the bound is below the truth. Beside the gate's bound stand two that people take: that of Clopper
and Pearson of the rows, as if they had no weights, and of so many examples as would tell as much (Kish,
Survey Sampling, 1965, section 11.7) at the weighted rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from benchmarks.gate.simulation import DELTA, interval
from fairgate.bounds import Linear, clopper_pearson_upper
from fairgate.bounds.betting import UnitRate, _Game

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Survey:
    """Independent examples of a few kinds, each with its weight.

    Attributes:
        name: in the table.
        examples: how many are drawn.
        weights: of each kind; the last one is the largest.
        shares: how frequent the kinds are.
        rates: of events in each.
        gap: whether the gap between two halves is asked about, instead of the rate.
    """

    name: str
    examples: int
    weights: Sequence[float]
    shares: Sequence[float]
    rates: Sequence[float]
    gap: bool = False

    @property
    def truth(self) -> float:
        """E[w event] / E[w]."""
        mass = np.multiply(self.weights, self.shares)
        return float(mass @ np.array(self.rates) / mass.sum())

    def draw(self, rng: np.random.Generator) -> tuple[Array, Array]:
        """(weight of the event or 0, weight) of each example."""
        kind = rng.choice(len(self.shares), self.examples, p=self.shares)
        weight = np.array(self.weights)[kind]
        return weight * (rng.random(self.examples) < np.array(self.rates)[kind]), weight


GRID: Sequence[Survey] = (
    Survey("equal weights", 400, (1.0,), (1.0,), (0.2,)),
    Survey("1 and 3, unrelated", 400, (1.0, 3.0), (0.6, 0.4), (0.2, 0.2)),
    Survey("1 and 10, unrelated", 400, (1.0, 10.0), (0.9, 0.1), (0.2, 0.2)),
    Survey("1 and 10, more events where heavy", 400, (1.0, 10.0), (0.9, 0.1), (0.1, 0.4)),
    Survey("1 and 10, fewer events where heavy", 400, (1.0, 10.0), (0.9, 0.1), (0.4, 0.1)),
    Survey("1 and 30, rare and heavy", 1000, (1.0, 30.0), (0.99, 0.01), (0.05, 0.3)),
    Survey("gap, 1 and 10, more where heavy", 800, (1.0, 10.0), (0.9, 0.1), (0.1, 0.4), gap=True),
)


def measure(draws: int, seed: int) -> str:
    """The table, as Markdown."""
    lines = [
        "| weights | examples | rate | gate's bound | as if without weights | effective examples |",
        "|---|---|---|---|---|---|",
    ]
    with Progress() as progress:
        bar = progress.add_task("Drawing examples", total=len(GRID) * draws)
        for survey in GRID:
            rng, wrong = np.random.default_rng(seed), np.zeros(3, int)
            for _ in range(draws):
                wrong += _errs(survey, rng)
                progress.advance(bar)
            low, high = interval(int(wrong[0]), draws)
            of = f"{survey.name} | {survey.examples:,} | {survey.truth:.3g}"
            others = " | ".join("" if survey.gap else f"{w / draws:.2%}" for w in wrong[1:])
            lines.append(f"| {of} | {wrong[0] / draws:.2%} ({low:.2%} to {high:.2%}) | {others} |")
    return "\n".join(lines)


def _errs(survey: Survey, rng: np.random.Generator) -> Array:
    """Whether each bound is below the truth."""
    events, weight = survey.draw(rng)
    most, truth = float(max(survey.weights)), survey.truth
    if survey.gap:
        first = np.arange(survey.examples) % 2 == 0
        pair = [UnitRate(events * who, weight * who, most) for who in (first, ~first)]
        function, one, other = Linear(1, -1).rising(*pair)
        # The gap of 0 at the true rates: at least as often as the bound of the difference errs.
        game = _Game.of((one, other), function)
        return np.array([game.rejected(np.array([[truth, 1 - truth]]), delta=DELTA)[0], 0, 0])
    game = _Game.of((UnitRate(events, weight, most),))
    rate = events.sum() / weight.sum()
    told = round(weight.sum() ** 2 / np.square(weight).sum())
    plain = clopper_pearson_upper(int((events > 0).sum()), survey.examples, DELTA)
    effective = clopper_pearson_upper(round(rate * told), told, DELTA)
    wrong = game.rejected(np.array([[truth]]), delta=DELTA)[0], plain < truth, effective < truth
    return np.array(wrong, int)
