"""How often bounds err where examples count more or less than one each.

As `units`: the true rate is at the limit, where a pass is a false one, and of each draw it is asked
whether the bound is below the truth. Beside the gate's bound stand two that people take: that of Clopper
and Pearson of the rows, as if they had no weights, and of so many examples as would tell as much (Kish,
Survey Sampling, 1965, section 11.7) at the weighted rate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from benchmarks.gate.simulation import DELTA, interval
from benchmarks.gate.units import AT_ONCE
from fairgate.bounds import Linear, clopper_pearson_upper
from fairgate.bounds.betting import Game, UnitRate, rejected_of_many

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
            wrong = np.zeros(3, int)
            for found in wrongs(survey, draws, seed):
                wrong += found.sum(axis=0)
                progress.advance(bar, len(found))
            low, high = interval(int(wrong[0]), draws)
            of = f"{survey.name} | {survey.examples:,} | {survey.truth:.3g}"
            others = " | ".join("" if survey.gap else f"{w / draws:.2%}" for w in wrong[1:])
            lines.append(f"| {of} | {wrong[0] / draws:.2%} ({low:.2%} to {high:.2%}) | {others} |")
    return "\n".join(lines)


def wrongs(survey: Survey, draws: int, seed: int) -> Iterator[NDArray[np.bool_]]:
    """Draws, some at a time: (d, 3) whether each bound is below the truth.

    The gate's, that of the rows, and that of the effective examples; of a gap only the gate's is asked.
    """
    rng, most = np.random.default_rng(seed), float(max(survey.weights))
    for first in range(0, draws, AT_ONCE):
        drawn = [survey.draw(rng) for _ in range(min(AT_ONCE, draws - first))]
        if survey.gap:
            half = np.arange(survey.examples) % 2 == 0
            pairs = [[UnitRate(e * of, w * of, most) for of in (half, ~half)] for e, w in drawn]
            # The gap of 0 at the true rates: at least as often as the bound of the difference errs.
            rising = [Linear(1, -1).rising(*pair) for pair in pairs]
            games = [Game.of((one, other), function) for function, one, other in rising]
            truth, others = [survey.truth, 1 - survey.truth], np.zeros((len(drawn), 2), np.bool_)
        else:
            games = [Game.of((UnitRate(*each, most),)) for each in drawn]
            truth, others = [survey.truth], np.array([_plain(survey, *each) for each in drawn])
        over = rejected_of_many(games, np.tile(truth, (len(games), 1)), DELTA)
        yield np.column_stack([over, others])


def _plain(survey: Survey, events: Array, weight: Array) -> tuple[bool, bool]:
    """Whether the bounds that people take are below the truth."""
    told = round(weight.sum() ** 2 / np.square(weight).sum())
    plain = clopper_pearson_upper(int((events > 0).sum()), survey.examples, DELTA)
    effective = clopper_pearson_upper(round(events.sum() / weight.sum() * told), told, DELTA)
    return plain < survey.truth, effective < survey.truth
