"""What somebody who reads everything between attempts reaches: false passes, open and sealed.

An open series shows every figure after every attempt, as versions before sealed attempts did; a sealed
one shows "blocked" until a model passes. In both, k attempts have delta / k each, and the series stops at
the first pass. The constraint is a largest gap of false positive rates, and each group has `n` negatives
in the test split. A false pass is one of a model whose true gap is at the limit or over it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from benchmarks.gate import decisions
from benchmarks.gate.simulation import DELTA, interval

Counts = NDArray[np.int64]  # (draws, groups)
Passes = NDArray[np.bool_]  # (draws,)
# Draws of a series: the generator, how many, whether it is sealed -> whether a model passed falsely.
Series = Callable[[np.random.Generator, int, bool], Passes]

_SHOWN = 6  # mistakes of each group and kind that a report shows


@dataclass(frozen=True)
class Adversary:
    """Somebody with an aim.

    Attributes:
      name: in words.
      setting: in words: groups, examples, rates, limit.
      attempts: how many there are.
      series: draws what comes of it.
    """

    name: str
    setting: str
    attempts: int
    series: Series


def passes(counts: Counts, n: int, limit: float, delta: float) -> Passes:
    """Whether the gate's bound of the largest gap is within the limit, by (draws, groups) errors of n."""
    every = np.ones(len(counts), bool)
    for a, b in permutations(range(counts.shape[1]), 2):
        left = np.flatnonzero(every)
        every[left] = _frontier(limit, delta, n)(counts[left, a], counts[left, b])
    return every


@lru_cache(maxsize=64)
def _frontier(limit: float, delta: float, n: int) -> decisions.Frontier:
    return decisions.Frontier(decisions.tight_gap(limit, delta), n, n)


def served_thresholds(groups: int, n: int, target: float, limit: float) -> Series:
    """The second model is the first with each group's own threshold, at which its rate is `target`.

    A report prints such thresholds: of the test split, where it is open; of as much validation data,
    where the test split is sealed. The first model is far over the limit.
    """

    def series(rng: np.random.Generator, draws: int, sealed: bool) -> Passes:
        above = int(np.floor(target * n))
        # The true rate at the threshold that n drawn negatives have `above` of them over.
        rates = rng.beta(above + 1, n - above, (draws, groups))
        counts = rng.binomial(n, rates) if sealed else np.full((draws, groups), above)
        violated = np.ptp(rates, axis=1) >= limit
        return violated & passes(counts, n, limit, DELTA / 2)

    return series


def averaged(attempts: int, n: int, rates: tuple[float, float], limit: float) -> Series:
    """The last model mixes those of before: of each group, the half that looked nearest to the other.

    All have the same true rates, err independently, and are asked about first. What looks lucky is seen
    on the test split; where that is sealed, on as much validation data.
    """

    def series(rng: np.random.Generator, draws: int, sealed: bool) -> Passes:
        made = attempts - 1
        test = rng.binomial(n, rates, (made, draws, 2))
        seen = rng.binomial(n, rates, (made, draws, 2)) if sealed else test
        passed = np.any([passes(each, n, limit, DELTA / attempts) for each in test], axis=0)
        lucky = max(1, made // 2)
        mixed = np.empty((draws, 2), np.int64)
        for group, sign in enumerate((-1, 1)):  # many errors of the lower group, few of the higher
            best = np.argsort(sign * seen[:, :, group], axis=0, kind="stable")[:lucky]
            chosen = np.take_along_axis(test[:, :, group], best, axis=0)
            asked = rng.multinomial(n, np.full(lucky, 1 / lucky), draws).T
            mixed[:, group] = rng.hypergeometric(chosen, n - chosen, asked).sum(axis=0)
        return passed | passes(mixed, n, limit, DELTA / attempts)

    return series


def corrected(looks: int, n: int, rates: tuple[float, float], limit: float) -> Series:
    """Each next model is the last one with the mistakes of the worse group put right that were shown.

    On the test split they are errors of it no more; those of the validation split never were.
    """

    def series(rng: np.random.Generator, draws: int, sealed: bool) -> Passes:
        counts = rng.binomial(n, rates, (draws, 2))
        passed = np.zeros(draws, bool)
        for look in range(looks + 1):
            right = np.array([0, 0 if sealed else _SHOWN * look])
            passed |= passes(np.maximum(counts - right, 0), n, limit, DELTA / (looks + 1))
        return passed

    return series


def unrelated(attempts: int, n: int, rates: tuple[float, float], limit: float) -> Series:
    """Models at the limit that have nothing in common: the worst that a sealed series meets."""

    def series(rng: np.random.Generator, draws: int, sealed: bool) -> Passes:
        asked = rng.binomial(n, rates, (attempts, draws, 2))
        return np.any([passes(each, n, limit, DELTA / attempts) for each in asked], axis=0)

    return series


def growing(sizes: Sequence[int], rates: tuple[float, float], limit: float) -> Series:
    """One model at the limit, asked again whenever its test split has grown.

    Before, a split with one record more was another page of the ledger, with all of delta.
    """

    def series(rng: np.random.Generator, draws: int, sealed: bool) -> Passes:
        counts, passed = np.zeros((draws, 2), np.int64), np.zeros(draws, bool)
        for before, n in zip((0, *sizes), sizes, strict=False):
            counts = counts + rng.binomial(n - before, rates, (draws, 2))
            passed |= passes(counts, n, limit, DELTA / len(sizes) if sealed else DELTA)
        return passed

    return series


_EDGE, _RARE = (0.1, 0.15), (0.02, 0.07)


def _of(rates: tuple[float, float], n: int) -> str:
    return f"2 groups of {n:,}, true rates {rates[0]:g} and {rates[1]:g}, limit 0.05"


ADVERSARIES = (
    *(
        Adversary(
            "serves the thresholds that the report prints",
            f"{groups} groups of 1,000, rate 0.5, limit 0.045",
            2,
            served_thresholds(groups, 1000, 0.5, 0.045),
        )
        for groups in (3, 5)
    ),
    *(
        Adversary(
            "mixes the models that looked lucky, group by group",
            _of(_EDGE, 1000),
            attempts,
            averaged(attempts, 1000, _EDGE, 0.05),
        )
        for attempts in (5, 10)
    ),
    *(
        Adversary(
            "corrects the six shown mistakes of the worse group",
            _of(_RARE, 200),
            looks + 1,
            corrected(looks, 200, _RARE, 0.05),
        )
        for looks in (1, 4)
    ),
    *(
        Adversary(
            "asks about models that have nothing in common",
            _of(_EDGE, 1000),
            attempts,
            unrelated(attempts, 1000, _EDGE, 0.05),
        )
        for attempts in (2, 5)
    ),
    *(
        Adversary(
            "asks about one model while its test split grows",
            f"{_of(_EDGE, sizes[0])}, then {', '.join(f'{n:,}' for n in sizes[1:])}",
            len(sizes),
            growing(sizes, _EDGE, 0.05),
        )
        for sizes in ((1000, 2000), (1000, 2000, 3000, 4000, 5000))
    ),
)


def table(draws: int, seed: int, progress: Callable[[str], None] = lambda _: None) -> list[str]:
    """Lines of Markdown: a row for each adversary."""
    lines = [
        "| between attempts, somebody | setting | attempts | open: false passes (95%) | sealed (95%) |",
        "|---|---|---|---|---|",
    ]
    for adversary in ADVERSARIES:
        progress(f"{adversary.name}, {adversary.attempts} attempts")
        told = []
        for sealed in (False, True):
            passed = int(adversary.series(np.random.default_rng(seed), draws, sealed).sum())
            low, high = interval(passed, draws)
            told.append(f"{passed / draws:.2%} ({low:.2%} to {high:.2%})")
        lines.append(
            f"| {adversary.name} | {adversary.setting} | {adversary.attempts} | {' | '.join(told)} |"
        )
    return lines
