"""How often the gate lets test splits of known rates pass: in draws of them, and exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations
from typing import Literal

import numpy as np
from scipy.stats import binom

from benchmarks.gate import decisions
from fairgate import bounds

Kind = Literal["gap", "ratio"]
DELTA = 0.05


@dataclass(frozen=True)
class Setting:
    """Groups of known rates, and a limit.

    Attributes:
        kind: gap is max_gap <= limit; ratio is the least ratio of two groups' rates >= limit.
        rates: true rate of each group.
        sizes: examples of each group in the rate's denominator.
        limit: of the constraint.
    """

    kind: Kind
    rates: tuple[float, ...]
    sizes: tuple[int, ...]
    limit: float

    @property
    def value(self) -> float:
        """The true value that the limit is about."""
        low, high = min(self.rates), max(self.rates)
        return high - low if self.kind == "gap" else low / high

    @property
    def violated(self) -> bool:
        """Whether the truth is not within the limit; at the limit counts as such (it is worst)."""
        over = self.value - self.limit if self.kind == "gap" else self.limit - self.value
        return over > -1e-12


def passes(setting: Setting, name: str, draws: int, seed: int) -> int:
    """How many of so many drawn test splits pass by the bound `name`: tight or plain.

    The splits depend on the setting and the seed alone: both bounds see the same ones.
    """
    rng = np.random.default_rng(seed)
    pairs = list(zip(setting.sizes, setting.rates, strict=True))
    counts = [rng.binomial(n, rate, draws) for n, rate in pairs]
    every = np.ones(draws, bool)
    for a, b in permutations(range(len(counts)), 2):
        # Only splits that have passed so far need a decision.
        left = np.flatnonzero(every)
        if len(left):
            n, m = setting.sizes[a], setting.sizes[b]
            rule = _frontier(setting.kind, name, setting.limit, n, m)
            every[left] = rule(counts[a][left], counts[b][left])
    return int(every.sum())


def probability(setting: Setting, name: str) -> float:
    """The probability of passing by the bound `name`: every outcome of it that matters, no draws.

    Of each group the least probable ends, `_LEFT_OUT` each, are left out.

    Raises:
        ValueError: more than two groups that are not of one size.
    """
    counts = [
        np.arange(binom.ppf(_LEFT_OUT, n, rate), binom.isf(_LEFT_OUT, n, rate) + 1, dtype=int)
        for n, rate in zip(setting.sizes, setting.rates, strict=True)
    ]
    if len(counts) > 2:
        return _of_many(setting, name, np.arange(min(map(min, counts)), max(map(max, counts)) + 1))
    (i, j), (n, m), (p, q) = counts, setting.sizes, setting.rates
    passed = j >= _frontier(setting.kind, name, setting.limit, n, m).least(i)[:, None]
    passed &= i[:, None] >= _frontier(setting.kind, name, setting.limit, m, n).least(j)
    return float(binom.pmf(i, n, p) @ passed @ binom.pmf(j, m, q))


def _of_many(setting: Setting, name: str, largest: np.ndarray) -> float:
    """Summed over the largest count: no other may be under its frontier."""
    n, rates = setting.sizes[0], np.array(setting.rates)[:, None]
    if len(set(setting.sizes)) > 1:
        raise ValueError(f"three groups or more must be of one size: {setting}")
    least = _frontier(setting.kind, name, setting.limit, n, n).least(largest)
    assert (np.diff(least) >= 0).all(), "the largest count asks for most"
    under = binom.cdf(np.minimum(least, largest + 1) - 1, n, rates)
    all_within = (binom.cdf(largest, n, rates) - under).prod(axis=0)
    none_is_largest = np.maximum(binom.cdf(largest - 1, n, rates) - under, 0).prod(axis=0)
    return float((all_within - none_is_largest).sum())


_LEFT_OUT = 1e-8


@lru_cache(maxsize=512)
def _frontier(kind: Kind, name: str, limit: float, n: int, m: int) -> decisions.Frontier:
    rule = getattr(decisions, f"{name}_{kind}")(limit, DELTA)
    return decisions.Frontier(rule, n, m)


def interval(passed: int, draws: int) -> tuple[float, float]:
    """Clopper and Pearson's 95% interval of a pass rate."""
    return (
        bounds.clopper_pearson_lower(passed, draws, 0.025),
        bounds.clopper_pearson_upper(passed, draws, 0.025),
    )


def middle() -> Sequence[Setting]:
    """One pair at the limit and the other groups half way between: several groups at their worst."""
    return [
        Setting("gap", (base, *[base + 0.025] * (groups - 2), base + 0.05), (n,) * groups, 0.05)
        for base in (0.02, 0.1, 0.3)
        for groups in (3, 5)
        for n in (200, 1000, 5000)
    ]


def grid() -> Sequence[Setting]:
    """Settings at the limit, just over it, and well under it."""
    found: list[Setting] = []
    sizes = ((200, 200), (1000, 1000), (5000, 5000), (200, 1000), (1000, 5000))
    for base in (0.02, 0.1, 0.3, 0.5):
        for pair in sizes:
            for gap in (0.05, 0.055, 0.02, 0.0):
                for order in (pair, pair[::-1])[: 1 + (pair[0] != pair[1])]:
                    found.append(Setting("gap", (base, base + gap), order, 0.05))
    for base in (0.1, 0.3):
        for groups in (3, 5):
            for n in (200, 1000, 5000):
                for gap in (0.05, 0.055, 0.02):
                    rest = np.linspace(base, base + gap, groups - 1)
                    rates = (*map(float, rest), base)
                    found.append(Setting("gap", rates, (n,) * groups, 0.05))
    for top in (0.8, 0.95):
        for pair in sizes:
            for ratio in (0.8, 0.78, 0.9):
                for order in (pair, pair[::-1])[: 1 + (pair[0] != pair[1])]:
                    found.append(Setting("ratio", (top, top * ratio), order, 0.8))
    return found
