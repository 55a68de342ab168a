"""How often tables of known rates pass: by enumeration, or in drawn tables for the bootstrap.

Nothing here needs the library: the peers' environment runs this module too.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
from scipy.stats import binom

Within = Callable[[np.ndarray, int, np.ndarray, int], np.ndarray]
"""(i, n, j, m) -> (len(i), len(j)) bool: is the bound of p - q within the limit, of i of n and j of m."""

_LEFT_OUT = 1e-8
_STEP = 0.001
_ROUNDING = 1e-9
"""Bounds over a limit by less than this are at it: 0.8 - 0.6 is more than 0.2 in floating point."""


def decided(bound: Callable[..., np.ndarray], limit: float) -> Within:
    """A method that gives upper bounds of p - q for arrays of counts, as decisions."""

    def within(i: np.ndarray, n: int, j: np.ndarray, m: int) -> np.ndarray:
        return bound(i[:, None], n, j[None, :], m) <= limit + _ROUNDING

    return within


def probability(rates: Sequence[float], sizes: Sequence[int], within: Within) -> float:
    """The probability that the bound of the largest gap is within the limit: every outcome that matters.

    The bound of the largest gap is the largest of the ordered pairs' bounds. Of each group the least
    probable ends, `_LEFT_OUT` each, are left out.
    """
    counts = [
        np.arange(binom.ppf(_LEFT_OUT, n, rate), binom.isf(_LEFT_OUT, n, rate) + 1).astype(int)
        for n, rate in zip(sizes, rates, strict=True)
    ]
    names = string.ascii_lowercase[: len(sizes)]
    subscripts, factors = list(names), []
    for count, n, rate in zip(counts, sizes, rates, strict=True):
        factors.append(binom.pmf(count, n, rate))
    for a, b in combinations(range(len(sizes)), 2):
        subscripts.append(names[a] + names[b])
        factors.append(_both(counts[a], sizes[a], counts[b], sizes[b], within).astype(float))
    return float(np.einsum(",".join(subscripts) + "->", *factors, optimize="greedy"))


def worst(limit: float, sizes: tuple[int, int], within: Within) -> float:
    """The largest `probability` of two groups over all true rates with a gap of `limit`.

    The lower rate is 0, 0.001, 0.002 ... 1 - limit, of the one group and of the other.
    """
    (n, m), low = sizes, np.arange(0, 1 - limit + _ROUNDING, _STEP)
    i, j = np.arange(n + 1), np.arange(m + 1)
    passed = _both(i, n, j, m, within).astype(float)
    found = 0.0
    for p, q in ((low + limit, low), (low, low + limit)):
        p, q = np.minimum(p, 1.0), np.minimum(q, 1.0)
        found = max(found, *_sums(binom.pmf(i, n, p[:, None]), passed, binom.pmf(j, m, q[:, None])))
    return float(found)


def _sums(left: np.ndarray, passed: np.ndarray, right: np.ndarray) -> np.ndarray:
    return ((left @ passed) * right).sum(axis=1)


def _both(i: np.ndarray, n: int, j: np.ndarray, m: int, within: Within) -> np.ndarray:
    return within(i, n, j, m) & within(j, m, i, n).T


def resampled_gaps(
    counts: Sequence[int], sizes: Sequence[int], resamples: int, rng: np.random.Generator
) -> np.ndarray:
    """(resamples,) gaps of tables drawn as fairlearn's bootstrap draws: rows of all groups together,
    with replacement. A group that is drawn by no row has no rate, and the gap is NaN.
    """
    hit, n = np.array(counts), np.array(sizes)
    cells = np.concatenate([hit, n - hit]) / n.sum()
    drawn = rng.multinomial(n.sum(), cells, resamples)
    hits, misses = drawn[:, : len(n)], drawn[:, len(n) :]
    with np.errstate(invalid="ignore"):
        rates = hits / (hits + misses)
    return rates.max(axis=1) - rates.min(axis=1)


def bootstrap_passes(
    rates: Sequence[float],
    sizes: Sequence[int],
    limit: float,
    delta: float,
    draws: int,
    resamples: int,
    rng: np.random.Generator,
) -> int:
    """How many of so many drawn tables pass: the 1 - delta quantile of the resampled gaps is within."""
    tables = rng.binomial(sizes, rates, (draws, len(sizes)))
    bounds = [
        np.quantile(resampled_gaps(table, sizes, resamples, rng), 1 - delta) for table in tables
    ]
    return int((np.array(bounds) <= limit + _ROUNDING).sum())
