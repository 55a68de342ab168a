"""Bounds of a gap that need no peer: FairGate's, plain Clopper-Pearson, and the score interval.

The score interval is here because statsmodels 0.15.0 has a wrong coefficient in its own
(statsmodels issue 10269): beside what it gives stands what Miettinen and Nurminen wrote.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import permutations
from types import MappingProxyType

import numpy as np
from scipy.optimize import brentq
from scipy.special import betainccinv, betaincinv, ndtri

from benchmarks.gate import decisions
from benchmarks.gate.counts import DELTA, Table
from benchmarks.gate.passing import Within, decided
from fairgate import bounds
from fairgate.constraints.language import parse
from fairgate.constraints.rates import Counts, Group

GATE, PLAIN, SCORE = "FairGate", "Clopper-Pearson", "score"


def gate_bound(table: Table) -> float:
    """What the gate holds against the limit: the bound of max_gap(FPR, [Group])."""
    names = [f"g{place}" for place in range(len(table.sizes))]
    constraint = parse(f"max_gap(FPR, [Group]) <= {table.limit}", {"Group": names})
    counts = {
        Group("Group", name): Counts(tp=0, fp=hit, tn=n - hit, fn=0)
        for name, hit, n in zip(names, table.counts, table.sizes, strict=True)
    }
    return bounds.upper_bound(constraint.expression, counts, DELTA)


def plain_bounds(i: np.ndarray, n: int, j: np.ndarray, m: int, delta: float = DELTA) -> np.ndarray:
    """Upper bounds of p - q by the union bound: Clopper-Pearson of each rate at delta / 2."""
    with np.errstate(invalid="ignore"):
        above = np.where(i == n, 1.0, betainccinv(i + 1.0, n - i, delta / 2))
        below = np.where(j == 0, 0.0, betaincinv(j, m - j + 1.0, delta / 2))
    return above - below


def score_statistic(
    i: np.ndarray, n: int, j: np.ndarray, m: int, gap: float | np.ndarray
) -> np.ndarray:
    """(p - q - gap) / sqrt(its variance where p - q = gap), of the rates that are then most likely.

        variance = (p (1 - p) / n + q (1 - q) / m) N / (N - 1),  N = n + m

    q is the root of the cubic  N q^3 + a q^2 + b q + c  that lies within [0, 1] and [-gap, 1 - gap].
    Source: Miettinen and Nurminen, Statistics in Medicine 4 (1985), 213-226, and its appendix 1.
    """
    i, j, gap = np.broadcast_arrays(np.float64(i), np.float64(j), np.float64(gap))
    total = n + m
    a = (n + 2 * m) * gap - total - (i + j)
    b = (m * gap - total - 2 * j) * gap + (i + j)
    c = j * gap * (1 - gap)
    third = a / (3 * total)
    u = third**3 - a * b / (6 * total**2) + c / (2 * total)
    v = np.where(u >= 0, 1.0, -1.0) * np.sqrt(np.maximum(third**2 - b / (3 * total), 0.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = np.where(v == 0, 0.0, np.clip(u / v**3, -1, 1))
        q = 2 * v * np.cos((math.pi + np.arccos(cosine)) / 3) - third
        q = np.clip(q, np.maximum(-gap, 0), np.minimum(1 - gap, 1))
        p = np.clip(q + gap, 0, 1)
        variance = (p * (1 - p) / n + q * (1 - q) / m) * total / (total - 1)
        return np.where(
            variance > 1e-18,
            (i / n - j / m - gap) / np.sqrt(variance),
            np.sign(np.round(i / n - j / m - gap, 12)) * np.inf,
        )


def score_bound(i: int, n: int, j: int, m: int, delta: float = DELTA) -> float:
    """The largest p - q that the score test does not reject at delta, to 1e-9."""
    z, measured = float(ndtri(delta)), i / n - j / m

    def excess(gap: float) -> float:
        if gap <= measured:
            return -z
        return max(float(score_statistic(i, n, j, m, gap)), -1e3) - z

    if measured >= 1 or excess(1.0) > 0:
        return 1.0
    return float(brentq(excess, measured, 1.0, xtol=1e-10))


def largest(table: Table, bound: Callable[[int, int, int, int], float]) -> float:
    """The bound of the largest gap: the largest of the bounds of the ordered pairs."""
    groups = list(zip(table.counts, table.sizes, strict=True))
    return max(float(bound(*one, *other)) for one, other in permutations(groups, 2))


def bound_of(table: Table, method: str) -> float:
    """The upper bound of the largest gap, by one of the three methods."""
    if method == GATE:
        return gate_bound(table)
    return largest(table, plain_bounds if method == PLAIN else score_bound)


def within_of(limit: float, method: str) -> Within:
    """The decisions of one of the three methods."""
    return _WITHIN[method](limit)


def _gate_within(limit: float) -> Within:
    rule = decisions.tight_gap(limit, DELTA)
    frontier = lru_cache(maxsize=None)(lambda n, m: decisions.Frontier(rule, n, m))
    return lambda i, n, j, m: j >= frontier(n, m).least(i)[:, None]


def _plain_within(limit: float) -> Within:
    return decided(plain_bounds, limit)


def _score_within(limit: float) -> Within:
    z = float(ndtri(DELTA))
    return lambda i, n, j, m: score_statistic(i[:, None], n, j[None, :], m, limit) <= z + 1e-12


_WITHIN: Mapping[str, Callable[[float], Within]] = MappingProxyType(
    {GATE: _gate_within, PLAIN: _plain_within, SCORE: _score_within}
)
METHODS = tuple(_WITHIN)
