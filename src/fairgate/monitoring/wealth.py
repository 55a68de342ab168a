"""What a gambler owns who bets, round by round, that a promise is broken.

A round pays y, at least `lowest` < 0, whose mean is at most 0 while the promise is kept, whatever came
before. Who owns 1 at the start and puts a fraction of it on y > 0 owns, on average, at most 1 for ever:

    K_r = prod_{i <= r} (1 + lambda y_i),    0 <= lambda < 1 / |lowest|,    E[K_r] <= 1

so that K reaches 1 / delta, ever, with probability at most delta (Ville's inequality). Nobody knows the
best lambda, nor when a promise will break. So the capital is spread: over the fractions
f_j = lambda_j |lowest| of `FRACTIONS`, and over the rounds, since what has not been put down yet cannot
be lost while all is well:

    pocket_r = 1/2 / (1 + ln(1 + r)),    pocket_0 = 1
    stake_i = (pocket_{i-1} - pocket_i) / J
    K_r = pocket_r + sum_j sum_{i <= r} stake_i prod_{i <= k <= r} (1 + lambda_j y_k)

The shares are fixed beforehand, and a mean of such capitals is one itself. In logarithms, with
G_j(r) = sum_{k <= r} ln(1 + lambda_j y_k), the inner sum is exp(G_j(r)) sum_i exp(ln stake_i - G_j(i-1)):
two running sums for each fraction, whatever the number of rounds.

Sources: Shafer, Testing by betting, JRSS A 184 (2021), 407-431; Chugg, Cortes-Gomez, Wilder and Ramdas,
Auditing fairness by betting, NeurIPS 2023, section 3; the late stakes: Shin, Ramdas and Rinaldo,
E-detectors, NEJSDS 2 (2024), section 4.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

Floats = NDArray[np.float64]

FRACTIONS: Floats = 0.9 * 0.5 ** np.arange(11)
"""Of the capital, what a payoff of `lowest` would take: from nearly all to a thousandth."""

_LEAST = 1e-9
"""Where nothing can be lost, as against a rate of at most 0, a bet is a billion all the same."""


def pocket(rounds: NDArray[np.int64]) -> Floats:
    """What has not been put down after so many rounds: 1 before the first, 1/2 / (1 + ln(1 + r)) then.

    >>> pocket(np.array([0, 1, 100_000])).round(3).tolist()
    [1.0, 0.295, 0.04]
    """
    later: Floats = 0.5 / (1.0 + np.log1p(rounds.astype(np.float64)))
    return np.where(rounds == 0, 1.0, later)


@dataclass(frozen=True)
class Start:
    """Where a stake was put down: what had been seen before it.

    Attributes:
      rounds: that were over.
      record: the last that belonged to them.
      total: sum of their payoffs.
    """

    rounds: int = 0
    record: int = 0
    total: float = 0.0


class Wealth:
    """The capital against one promise, after each round.

    Args:
      lowest: the least payoff of a round, at most 0.
      highest: the greatest, above 0.

    Attributes:
      now: all that was seen.
      gains: (J,) G_j.
      stakes: (J,) ln sum_i exp(ln stake_i - G_j(i-1)).
      best: (J,) the largest term of that sum.
      starts: where it was put down, for each j.
    """

    def __init__(self, lowest: float, highest: float) -> None:
        self.lowest, self.highest = min(lowest, -_LEAST), highest
        self.now = Start()
        self.gains: Floats = np.zeros(len(FRACTIONS))
        self.stakes: Floats = np.full(len(FRACTIONS), -np.inf)
        self.best: Floats = np.full(len(FRACTIONS), -np.inf)
        self.starts = [Start()] * len(FRACTIONS)

    def play(self, payoffs: Floats, records: NDArray[np.int64]) -> Floats:
        """Bets on rounds, in order.

        Args:
          payoffs: (n,) in [lowest, highest].
          records: (n,) number of the record that ended each round.

        Returns:
          (n,) ln K after each of them. It does not matter how rounds are divided among calls.
        """
        if not len(payoffs):
            return np.zeros(0)
        before = self.now.rounds + np.arange(len(payoffs), dtype=np.int64)
        kept, left = pocket(before), pocket(before + 1)
        shares = np.log((kept - left) / len(FRACTIONS))
        # Row 0 is what was there before these rounds.
        logs = np.log1p(np.multiply.outer(payoffs, FRACTIONS / -self.lowest))
        gains = np.add.accumulate(np.vstack([self.gains, logs]))
        terms = shares[:, None] - gains[:-1]
        stakes = np.logaddexp.accumulate(np.vstack([self.stakes, terms]))[1:]
        self._remember(payoffs, records, terms)
        self.gains, self.stakes = gains[-1], stakes[-1]
        put_down: Floats = np.logaddexp.reduce(stakes + gains[1:], axis=1)
        return np.logaddexp(np.log(left), put_down)

    def _remember(self, payoffs: Floats, records: NDArray[np.int64], terms: Floats) -> None:
        totals = np.add.accumulate(np.concatenate([[self.now.total], payoffs]))
        rounds = self.now.rounds + np.arange(len(totals))
        ends = np.concatenate([[self.now.record], records])

        def at(index: int) -> Start:
            return Start(int(rounds[index]), int(ends[index]), float(totals[index]))

        for j, index in enumerate(terms.argmax(axis=0)):
            if terms[index, j] > self.best[j]:
                self.best[j], self.starts[j] = terms[index, j], at(int(index))
        self.now = at(-1)

    def copy(self) -> Wealth:
        """The same capital, to play on by itself."""
        other = Wealth(self.lowest, self.highest)
        other.now, other.gains, other.stakes = self.now, self.gains, self.stakes
        other.best, other.starts = self.best.copy(), list(self.starts)
        return other

    @property
    def log_value(self) -> float:
        """ln K now."""
        put_down = float(np.logaddexp.reduce(self.stakes + self.gains))
        return float(np.logaddexp(math.log(pocket(np.array([self.now.rounds]))[0]), put_down))

    @property
    def start(self) -> Start:
        """Where the stake that is worth most now was put down: since when the promise looks broken."""
        return self.starts[int(np.argmax(self.best + self.gains))]

    def mean_since(self, start: Start) -> float:
        """Mean payoff of the rounds after `start`; NaN where there is none."""
        rounds = self.now.rounds - start.rounds
        return (self.now.total - start.total) / rounds if rounds else math.nan

    def lower_bound(self, capital: float) -> float:
        """u such that the mean payoff of some round was over u, or else that much capital was luck.

        While all means are at most u, each factor 1 + lambda_j y has a mean of at most 1 + lambda_j u, so

            K_r(u) = sum_ij stake_i exp(G_j(r) - G_j(i-1)) / (1 + lambda_j u)^(r-i+1)

        is at most 1 on average, and reaches `capital`, ever, with probability at most 1 / capital. The
        bound is a u with K_r(u) >= capital: by one term alone, the best or the first of some j; or, for
        u >= 0, by all of them, with r in place of r-i+1. Where K_r is at least `capital` but for the
        pocket, the bound is at least 0.

        Args:
          capital: 1 / delta, for all rounds at once.
        """
        rounds = self.now.rounds
        if not rounds:
            return self.lowest
        lambdas, log = FRACTIONS / -self.lowest, math.log(capital)
        first = math.log((1 - pocket(np.array([1]))[0]) / len(FRACTIONS))
        since = rounds - np.array([start.rounds for start in self.starts])
        alone = np.concatenate(
            [
                np.expm1((self.gains + self.best - log) / since) / lambdas,
                np.expm1((self.gains + first - log) / rounds) / lambdas,
            ]
        )
        found = max(self.lowest, float(alone.max()))

        def over(u: float) -> float:
            terms = self.gains + self.stakes - rounds * np.log1p(lambdas * u)
            return float(np.logaddexp.reduce(terms)) - log

        if over(0.0) > 0:
            found = max(found, float(brentq(over, 0.0, 2 * self.highest)))
        return min(found, self.highest)

    def as_document(self) -> dict[str, Any]:
        """For JSON; no round yet is null."""
        return {
            "now": list(vars(self.now).values()),
            "gains": self.gains.tolist(),
            "stakes": self.stakes.tolist(),
            "best": self.best.tolist(),
            "starts": [list(vars(start).values()) for start in self.starts],
        }

    def restore(self, document: Mapping[str, Any]) -> None:
        """Goes on where `as_document` was; ValueError, TypeError or KeyError where it is none."""
        self.now = Start(*document["now"])
        self.starts = [Start(*start) for start in document["starts"]]
        for name in ("gains", "stakes", "best"):
            values = [-math.inf if value is None else float(value) for value in document[name]]
            setattr(self, name, np.array(values))
        if {len(self.gains), len(self.stakes), len(self.best), len(self.starts)} != {
            len(FRACTIONS)
        }:
            raise ValueError("another number of fractions")
