"""Whether the gate passes an outcome of two groups, for many outcomes at little cost.

Both decisions are those of `bounds.upper_bound_of_two`, or of the plain bound, on counts. For each
count of the first group the passing counts of the second are found from the frontier: the bound of
a difference falls as the second rate grows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fairgate import bounds

Pair = Callable[[int, int, int, int], bool]


class Frontier:
    """The least j with which (i of n, j of m) passes, found once for each i.

    Args:
        passes: whether (i, n, j, m) passes; with j it changes from no to yes once.
        n, m: trials.
    """

    def __init__(self, passes: Pair, n: int, m: int):
        self._passes, self._n, self._m = passes, n, m
        self._least: dict[int, int] = {}

    def __call__(self, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        """(k,) bool for (k,) counts each."""
        return j >= self.least(i)

    def least(self, i: np.ndarray) -> np.ndarray:
        """(k,) for (k,) counts of the first group: the least j that passes; m + 1 if none does."""
        values, places = np.unique(i, return_inverse=True)
        return np.array([self._find(int(value)) for value in values], int)[places]

    def _find(self, i: int) -> int:
        if i not in self._least:
            # A neighbour's frontier is a step or two away: gallop from it, then bisect.
            near = min(self._least, key=lambda known: abs(known - i), default=None)
            guess = 0 if near is None else self._least[near] + (i - near) * self._m // self._n
            self._least[i] = self._from(i, min(max(guess, 0), self._m))
        return self._least[i]

    def _from(self, i: int, guess: int) -> int:
        step, low, high = 1, guess, guess  # low fails (or is -1), high passes (or is m + 1)
        if guess <= self._m and self._passes(i, self._n, guess, self._m):
            low = guess - 1
            while low >= 0 and self._passes(i, self._n, low, self._m):
                high, step = low, 2 * step
                low -= step
            low = max(low, -1)
        else:
            high = guess + 1
            while high <= self._m and not self._passes(i, self._n, high, self._m):
                low, step = high, 2 * step
                high += step
            high = min(high, self._m + 1)
        while high - low > 1:
            middle = (low + high) // 2
            if self._passes(i, self._n, middle, self._m):
                high = middle
            else:
                low = middle
        return high


def plain_gap(limit: float, delta: float) -> Pair:
    """p - q <= limit by Clopper-Pearson at delta / 2 each."""

    def passes(i: int, n: int, j: int, m: int) -> bool:
        above = bounds.clopper_pearson_upper(i, n, delta / 2)
        return above - bounds.clopper_pearson_lower(j, m, delta / 2) <= limit

    return passes


def tight_gap(limit: float, delta: float) -> Pair:
    """p - q <= limit by the bound that the gate uses."""
    return _tight(bounds.Linear(1, -1), limit, delta)


def plain_ratio(limit: float, delta: float) -> Pair:
    """q / p >= limit, that is p / q <= 1 / limit for one direction, by Clopper-Pearson."""

    def passes(i: int, n: int, j: int, m: int) -> bool:
        below = bounds.clopper_pearson_lower(j, m, delta / 2)
        return below >= limit * bounds.clopper_pearson_upper(i, n, delta / 2)

    return passes


def tight_ratio(limit: float, delta: float) -> Pair:
    """p / q <= 1 / limit by the bound that the gate uses."""
    return _tight(bounds.Quotient(0, 1, 0, 1), 1 / limit, delta)


def _tight(function: bounds.Linear | bounds.Quotient, limit: float, delta: float) -> Pair:
    def passes(i: int, n: int, j: int, m: int) -> bool:
        pair = bounds.Trials(i, n), bounds.Trials(j, m)
        return bounds.upper_bound_of_two(function, *pair, delta) <= limit

    return passes
