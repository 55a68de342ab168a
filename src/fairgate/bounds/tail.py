"""How probable an outcome of two independent binomials is, at worst, along a line of rates.

An outcome is (i, j), i ~ Binomial(n, p) and j ~ Binomial(m, q). A region is a set of outcomes that
holds (i', j') with every (i, j) where i' <= i and j' <= j. So P(region) falls when p or q grows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from fairgate.bounds.one_rate import wilson_limit

Array = NDArray[np.float64]

_TINY = 1e-300
"""In place of a probability of 0, whose logarithm times no events would be no number."""


@dataclass(frozen=True)
class Level:
    """The rates with  a p + b q = c,  a > 0 and b > 0."""

    a: float
    b: float
    c: float

    def q(self, p: Array) -> Array:
        """The other rate."""
        return np.asarray((self.c - self.a * p) / self.b)


@dataclass(frozen=True)
class Box:
    """p in [p_low, p_high] and q in [q_low, q_high]."""

    p_low: float
    p_high: float
    q_low: float
    q_high: float


@dataclass(frozen=True)
class Region:
    """Outcomes whose approximate upper limit of a p + b q is at most c (by `level`), at this z:

        a i/n + b j/m + sqrt(a^2 (w(i, n) - i/n)^2 + b^2 (w(j, m) - j/m)^2) <= c

    where w is Wilson's limit. Since w grows with i, the left side grows with i (its derivative is
    at least a minus a times a number in [0, 1]) and with j: this is a region as above.
    Source: Newcombe, Statistics in Medicine 17 (1998), method 10; Zou and Donner, 27 (2008).
    """

    n: int
    m: int
    level: Level
    z: float

    @cached_property
    def _table(self) -> dict[str, NDArray[np.int64]]:
        return {"first": np.array(0), "largest": np.array([], np.int64)}

    def frontiers(self, first: int, stop: int) -> tuple[int, NDArray[np.int64]]:
        """(i0, frontier of i0, i0 + 1, ...), from `first` to `stop` at least; it is kept."""
        known = self._table
        start, end = int(known["first"]), int(known["first"]) + len(known["largest"])
        if first < start or stop > end:
            margin = (stop - first) // 2
            low = max(first - margin, 0)
            known["first"] = np.array(low)
            known["largest"] = self.frontier(np.arange(low, stop + margin))
        return int(known["first"]), known["largest"]

    def frontier(self, i: NDArray[np.int64]) -> NDArray[np.int64]:
        """For each i the largest j of the region; -1 where there is none. By bisection."""
        part, wide = self._parts(i, self.n, self.level.a)
        # Outcomes that tie in exact arithmetic must tie here, and a larger region is sound.
        limit = self.level.c + 1e-11 * (abs(self.level.c) + self.level.a + self.level.b)
        inside = np.full(i.shape, -1, np.int64)
        outside = np.full(i.shape, self.m + 1, np.int64)
        for _ in range(int(self.m + 2).bit_length()):
            middle = (inside + outside) // 2
            other, other_wide = self._parts(middle, self.m, self.level.b)
            fits = (part + other + np.hypot(wide, other_wide) <= limit) & (middle >= 0)
            fits |= middle < 0
            inside = np.where(fits, middle, inside)
            outside = np.where(fits, outside, middle)
        return inside

    def _parts(self, count: NDArray[np.int64], trials: int, factor: float) -> tuple[Array, Array]:
        kept = np.clip(count, 0, trials).astype(np.float64)
        rate = kept / trials
        return factor * rate, factor * (wilson_limit(kept, trials, self.z) - rate)

    def probability(self, p: Array, q: Array, missing: float) -> Array:
        """P(region) at each of the rates p and q, too small by at most 4 * `missing`.

        sum_i P(i) P(j <= frontier(i)) over the i and j that matter: of each binomial the two ends
        that are less probable than `missing` (Bernstein's inequality) are left out.
        """
        first, mass = _window(p, self.n, missing)
        second, other = _window(q, self.m, missing)
        below = np.zeros((len(q), other.shape[1] + 1))
        np.cumsum(other, axis=1, out=below[:, 1:])
        base, frontier = self.frontiers(int(first.min()), int(first.max()) + mass.shape[1])
        width = mass.shape[1]
        reach = _rows(frontier, first - base, width) + (1 - second[:, None])
        np.minimum(np.maximum(reach, 0, out=reach), other.shape[1], out=reach)
        reach += (np.arange(len(q)) * below.shape[1])[:, None]
        return np.asarray(np.einsum("ij,ij->i", mass, below.ravel()[reach]))


def _window(rate: Array, trials: int, missing: float) -> tuple[NDArray[np.int64], Array]:
    """(first count (k,), probabilities (k, width)) of Binomial(trials, rate) where it has mass."""
    log = -math.log(missing)
    reach = log / 3 + np.sqrt(log * log / 9 + 2 * log * trials * rate * (1 - rate))
    first = np.maximum(np.floor(trials * rate - reach), 0).astype(np.int64)
    width = int(np.max(np.minimum(np.ceil(trials * rate + reach), trials) - first)) + 1
    # One table of log binomial coefficients serves all rates; one logarithm serves a whole row.
    base = int(first.min())
    table = _log_choose(trials, base, int(first.max()) + width)
    logs = _rows(table, first - base, width)
    yes, no = np.log(np.maximum(rate, _TINY)), np.log1p(-np.minimum(rate, 1 - 2**-53))
    no = np.where(rate < 1, no, math.log(_TINY))
    logs += (first * yes + (trials - first) * no)[:, None]
    logs += (yes - no)[:, None] * np.arange(width)
    return first, np.exp(logs, out=logs)


def _rows(table: NDArray[Any], first: NDArray[np.int64], width: int) -> NDArray[Any]:
    """(k, width): so many values of a table (one after the other in memory) from each place on."""
    shape = len(table) - width + 1, width
    windows: NDArray[Any] = np.ndarray(shape, table.dtype, table, 0, 2 * table.strides)
    return np.asarray(windows[first])


def _log_choose(trials: int, start: int, stop: int) -> Array:
    """Logarithms of the binomial coefficients of start, ..., stop - 1; -inf beyond `trials`."""
    counts = np.arange(start, min(stop, trials + 1))
    found = np.full(stop - start, -np.inf)
    found[: len(counts)] = gammaln(trials + 1) - gammaln(counts + 1) - gammaln(trials - counts + 1)
    return found


def highest_probability(
    region: Region, level: Level, box: Box, missing: float, spacing: float | None
) -> float:
    """An upper bound of P(region) over the rates in `box` with  a p + b q >= c.

    P(region) falls with p and q, so its supremum is on the line  a p + b q = c (or at the lowest
    corner, when all of the box is above the line). There it is bounded between nodes: with I the
    Fisher information of (p, q) along the line, and S2 the second-order score,

        |P''| = |Cov(1[region], S2)| <= sqrt(P) sqrt(Var S2) <= sqrt(P) sqrt(2) I,

    so that a maximum P* between two nodes of distance w, where P' = 0, has
    P* - sqrt(P*) sqrt(2) I w^2 / 8 <= the larger P of the two nodes. (Var S2 is Bhattacharyya's
    second information; of a binomial 2 n (n - 1) / (p (1 - p))^2.) In the first and the last
    interval, where I may be infinite, P at the lowest p and the lowest q is an upper bound, too.

    Args:
        spacing: distance of the nodes in units of 1 / sqrt(I), about; None for a rough, quick look
            at 9 nodes that bounds nothing.
    """
    low = max(box.p_low, (level.c - level.b * box.q_high) / level.a)
    high = min(box.p_high, (level.c - level.b * box.q_low) / level.a)
    if level.a * box.p_low + level.b * box.q_low >= level.c:
        low = high = box.p_low  # all of the box is at or above the line
        p, q = np.array([box.p_low]), np.array([box.q_low])
    elif low > high + 1e-12:
        return 0.0
    else:
        # Rounding may have moved them past each other where the line touches a corner.
        p = _nodes(region, level, min(low, high), high, spacing)
        q = np.clip(level.q(p), box.q_low, box.q_high)
    if spacing is None or len(p) == 1:
        return min(float(region.probability(p, q, missing).max()) + 4 * missing, 1.0)
    every = region.probability(np.append(p, [p[0], p[-2]]), np.append(q, [q[1], q[-1]]), missing)
    at, corners = every[:-2] + 4 * missing, every[-2:] + 4 * missing
    ratio = level.a / level.b
    with np.errstate(divide="ignore"):
        information = region.n / (p * (1 - p)) + ratio**2 * region.m / (q * (1 - q))
    width = np.diff(p)
    curve = np.full(len(width), np.inf)
    known = np.isfinite(information[1:]) & np.isfinite(information[:-1])
    largest = np.maximum(information[1:], information[:-1])
    curve[known] = math.sqrt(2) / 8 * largest[known] * width[known] ** 2
    bound = (curve / 2 + np.sqrt(curve**2 / 4 + np.maximum(at[1:], at[:-1]))) ** 2
    bound[0] = min(bound[0], corners[0])
    bound[-1] = min(bound[-1], corners[1])
    return min(float(bound.max()), 1.0)


_ALONG = np.sin(np.linspace(0, math.pi / 2, 257)) ** 2


def _nodes(region: Region, level: Level, low: float, high: float, spacing: float | None) -> Array:
    """p of the nodes from `low` to `high`, evenly spaced in the angles 2 sqrt(n) asin(sqrt(p))."""
    p = low + (high - low) * _ALONG
    q = np.clip(level.q(p), 0, 1)
    angle = np.sqrt(region.n) * np.arcsin(np.sqrt(p)) - np.sqrt(region.m) * np.arcsin(np.sqrt(q))
    length = 2 * (angle[-1] - angle[0])
    count = 8 if spacing is None else max(math.ceil(length / spacing), 2)
    nodes = np.interp(np.linspace(angle[0], angle[-1], count + 1), angle, p)
    nodes[0], nodes[-1] = low, high
    return np.asarray(nodes)
