"""Draws of test splits with known rates, and how often the gate lets them pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations
from typing import Literal

import numpy as np

from benchmarks.gate import decisions
from components.constrained_optimization import bounds

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


def grid() -> Sequence[Setting]:
    """Settings at the limit, just over it, and well under it."""
    found: list[Setting] = []
    sizes = ((200, 200), (1000, 1000), (5000, 5000), (200, 1000))
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
