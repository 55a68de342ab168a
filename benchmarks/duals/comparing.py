"""All updates on all problems, each at the rate that suits it best, with and without noise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from benchmarks.duals.playing import NOISE, WITHIN, Result, measured, median, player
from benchmarks.duals.problems import PROBLEMS
from benchmarks.duals.updates import UPDATES, Update

Cell = tuple[str, float]  # a problem, and the noise of its constraints
Results = Mapping[Cell, Result]
CELLS: Sequence[Cell] = [(name, noise) for name in PROBLEMS for noise in (0.0, NOISE)]
_NEAR, _FAR = 1e-3, 10.0  # nearer is as good, farther as bad


@dataclass(frozen=True)
class Best:
    """An update at its best rates, by the noise; medians over the seeds."""

    rates: Mapping[float, float]
    results: Results


def compare(
    names: Sequence[str],
    rates: Sequence[float],
    steps: int,
    seeds: int,
    advance: Callable[[], None] = lambda: None,
) -> dict[str, Best]:
    """Plays every update at every rate.

    Args:
        names: keys of `UPDATES`.
        rates: of the multipliers, to be tried.
        steps: of both players.
        seeds: of the noise; without noise one path tells all.
        advance: called after each rate of each update.

    Returns:
        By update. Its rate is one for all problems: the one with the least mean logarithm of the
        distance, to a tenth; of those the quickest. Exact and noisy constraints have one each, as the
        trainer derives its rate from how noisy the estimates are.
    """
    best = {}
    for name in names:
        tried = {}
        for rate in rates:
            tried[rate] = at_rate(UPDATES[name], rate, steps, seeds)
            advance()
        chosen = {
            noise: min(tried, key=lambda rate, noise=noise: _merit(tried[rate], noise, steps))
            for noise in WITHIN
        }
        best[name] = Best(chosen, {cell: tried[chosen[cell[1]]][cell] for cell in CELLS})
    return best


def at_rate(update: Update, rate: float, steps: int, seeds: int) -> Results:
    """One update on all problems; medians over the seeds."""
    path = player(update, rate, steps)
    results = {}
    for title, noise in CELLS:
        convex = PROBLEMS[title]
        found = []
        for seed in range(seeds if noise else 1):
            drawn = noise * np.random.default_rng(seed).normal(size=(steps, 3))
            found.append(measured(convex, path(convex, drawn), noise, update.averaged))
        results[title, noise] = median(found)
    return results


def ranks(best: Mapping[str, Best]) -> dict[str, float]:
    """By update, the mean over all cells of its place by distance; equals share theirs."""
    distances = np.array(
        [[_distance(each.results[cell]) for cell in CELLS] for each in best.values()]
    )
    places = rankdata(distances, axis=0).mean(axis=1)
    return dict(zip(best, places.tolist(), strict=True))


def _merit(results: Results, noise: float, steps: int) -> tuple[float, float]:
    """The less, the better."""
    found = [results[cell] for cell in CELLS if cell[1] == noise]
    distance = np.mean([np.log10(_distance(each)) for each in found])
    return round(float(distance), 1), float(np.mean([min(each.steps, steps) for each in found]))


def _distance(result: Result) -> float:
    return min(max(result.distance, _NEAR), _FAR)
