"""How often a monitor that is looked at after every record is wrong, and how soon it is right.

The law of an e-process is that of its rounds, so that thousands of lives of 100,000 records are drawn
side by side, round by round (`lives`); some are drawn record by record and given to the monitor itself
(`monitored`). Beside them, what happens where the same share of errors is asked of one look with a fixed
number of records and somebody looks after every one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom, norm

from fairgate import Monitor
from fairgate.monitoring import rounds
from fairgate.monitoring.wealth import FRACTIONS, pocket

DELTA = 0.05
GROUPS = {"g": ["a", "b"]}
_LONGEST = 400
"""Records of a round that are told apart: more have a probability under 1e-12 for shares from .1 on."""


@dataclass(frozen=True)
class Life:
    """What is watched, and how things really are.

    Attributes:
      name: of the setting, for people.
      line: the constraint, about false positive rates; every record is a negative.
      rates: true rate of group a and of group b.
      share: of group a among the records.
      change: what is added to both rates in every other stretch of 5,000 records.
    """

    name: str
    line: str
    rates: tuple[float, float]
    share: float = 0.5
    change: float = 0.0

    @property
    def gap(self) -> bool:
        """Whether two rates are compared."""
        return "max_gap" in self.line

    @property
    def limit(self) -> float:
        """Of the constraint."""
        return float(self.line.rpartition(" ")[2])


LIVES = (
    Life("one rate of 0.05", "FPR <= 0.05", (0.05, 0.05)),
    Life("one rate of 0.2", "FPR <= 0.2", (0.2, 0.2)),
    Life("a gap, rates 0.15 and 0.1", "max_gap(FPR, [g]) <= 0.05", (0.15, 0.1)),
    Life("a gap, rates 0.5 and 0.45", "max_gap(FPR, [g]) <= 0.05", (0.5, 0.45)),
    Life("the same, a tenth of the records in a", "max_gap(FPR, [g]) <= 0.05", (0.5, 0.45), 0.1),
    Life("rates that move together by 0.3", "max_gap(FPR, [g]) <= 0.05", (0.15, 0.1), 0.5, 0.3),
)
_STRETCH = 5_000
_SIDE_BY_SIDE = 2_000  # lives; more do not fit the processor's cache


def levels(life: Life, records: np.ndarray) -> np.ndarray:
    """What is added to the rates at these records, counted from 0."""
    return np.where(records // _STRETCH % 2, life.change, 0.0)


class Side:
    """The capitals of many lives against one piece, a round of all of them at a time.

    As `fairgate.monitoring.wealth` has it, in plain numbers: what is under 1e-200 is taken for nothing.
    """

    def __init__(self, lowest: float, lives: int) -> None:
        self.bets = FRACTIONS / -lowest
        self.down = np.zeros((len(FRACTIONS), lives))

    def play(self, payoffs: np.ndarray, number: int) -> np.ndarray:
        """(lives,) capital after round `number`, counted from 1."""
        before, after = pocket(np.array([number - 1, number]))
        self.down += (before - after) / len(FRACTIONS)
        factors = np.multiply.outer(self.bets, payoffs)
        factors += 1
        self.down *= factors
        if number % 64 == 0:  # before anything could be too small or too large for a number
            self.down[self.down < 1e-200] = 0
            np.minimum(self.down, 1e100, out=self.down)
        return np.asarray(self.down.sum(axis=0) + after)


def lives(life: Life, draws: int, records: int, seed: int) -> int:
    """In how many of so many drawn lives there ever was an alarm."""
    starts = range(0, draws, _SIDE_BY_SIDE)
    sizes = [min(_SIDE_BY_SIDE, draws - start) for start in starts]
    return sum(
        _some_lives(life, size, records, np.random.default_rng([seed, chunk]))
        for chunk, size in enumerate(sizes)
    )


def _some_lives(life: Life, draws: int, records: int, random: np.random.Generator) -> int:
    shown = np.zeros(draws, bool)
    over, ended = np.zeros(draws, np.int64), np.zeros(draws, bool)
    turn = _gap_round(life) if life.gap else _rate_round(life)
    sides = (
        [Side(-1 - life.limit, draws), Side(-1 - life.limit, draws)]
        if life.gap
        else [Side(-life.limit, draws)]
    )
    number = 0
    while not ended.all():
        number += 1
        difference, taken = turn(random, over)
        over += taken
        ended |= over > records
        for sign, side in zip((1, -1), sides, strict=False):
            capital = side.play(sign * difference - life.limit, number)
            shown |= ~ended & (capital >= len(sides) / DELTA)
    return int(shown.sum())


Turn = Callable[[np.random.Generator, np.ndarray], tuple[np.ndarray, np.ndarray | int]]


def _rate_round(life: Life) -> Turn:
    def turn(random: np.random.Generator, over: np.ndarray) -> tuple[np.ndarray, int]:
        rates = life.rates[0] + levels(life, over)
        return (random.random(len(over)) < rates).astype(float), 1

    return turn


def _gap_round(life: Life) -> Turn:
    """Rounds by how many records of each group they hold, when the first has `FEWEST` of both."""
    few, share = rounds.FEWEST, life.share
    more = np.arange(few, _LONGEST)
    # The last record is the one of a that completes it, after so many of b; or the other way round.
    of_a = (
        binom.pmf(few - 1, more + few - 1, share) * share,
        binom.pmf(few - 1, more + few - 1, 1 - share) * (1 - share),
    )
    chances = np.concatenate(of_a)
    a = np.concatenate([np.full(len(more), few), more])
    b = np.concatenate([more, np.full(len(more), few)])
    ends = np.cumsum(chances / chances.sum())

    def turn(random: np.random.Generator, over: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        kind = np.minimum(np.searchsorted(ends, random.random(len(over))), len(a) - 1)
        level = levels(life, over)
        means = [
            random.binomial(n[kind], rate + level) / n[kind]
            for n, rate in zip((a, b), life.rates, strict=True)
        ]
        return means[0] - means[1], a[kind] + b[kind]

    return turn


def answers(life: Life, records: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(groups, decisions) of one life."""
    of_a = random.random(records) < life.share
    rates = np.where(of_a, *life.rates) + levels(life, np.arange(records))
    return np.where(of_a, "a", "b"), random.random(records) < rates


def monitored(life: Life, draws: int, records: int, seed: int) -> int:
    """The same of the monitor itself, record by record."""
    shown = 0
    for draw in range(draws):
        monitor = Monitor(life.line, groups=GROUPS, confidence=1 - DELTA)
        groups, said = answers(life, records, np.random.default_rng([seed, draw]))
        shown += bool(monitor.update(np.zeros(records, bool), said, {"g": groups}))
    return shown


def looked_at(life: Life, draws: int, records: int, seed: int) -> int:
    """How often a test for one look ever says "broken" where it is asked after every record from the
    hundredth on: the exact binomial test of a rate, the z test of a gap."""
    shown = 0
    numbers = np.arange(1, records + 1)
    critical = binom.isf(DELTA, numbers, life.limit)
    for draw in range(draws):
        groups, said = answers(life, records, np.random.default_rng([seed, draw]))
        if not life.gap:
            broken = np.cumsum(said) > critical
        else:
            of_a = groups == "a"
            n, m = np.cumsum(of_a), np.cumsum(~of_a)
            with np.errstate(divide="ignore", invalid="ignore"):
                p, q = np.cumsum(said & of_a) / n, np.cumsum(said & ~of_a) / m
                error = np.sqrt(p * (1 - p) / n + q * (1 - q) / m)
                # The larger gap of two directions, each at delta / 2.
                broken = (abs(p - q) - life.limit) / error > norm.isf(DELTA / 2)
        shown += bool(broken[100:].any())
    return shown


@dataclass(frozen=True)
class Break:
    """A gap with a limit of 0.05 that is broken after some records.

    Attributes:
      rates: of group a and of group b, once it is broken; before, group b's of both.
      after: how many records.
      share: of group a.
    """

    rates: tuple[float, float]
    after: int = 0
    share: float = 0.5


BREAKS = (
    Break((0.3, 0.1)),
    Break((0.2, 0.1)),
    Break((0.2, 0.1), share=0.1),
    Break((0.5, 0.4)),
    Break((0.3, 0.1), after=50_000),
    Break((0.2, 0.1), after=50_000),
)


def found_after(broken: Break, draws: int, records: int, seed: int) -> list[float]:
    """Records from the break to the alarm, infinite where there was none, in each of so many draws.

    An alarm before the break is a false one, and counts as 0.
    """
    line, whole = "max_gap(FPR, [g]) <= 0.05", broken.after + records
    found = []
    for draw in range(draws):
        random = np.random.default_rng([seed, draw])
        of_a = random.random(whole) < broken.share
        high = np.where(np.arange(whole) < broken.after, broken.rates[1], broken.rates[0])
        said = random.random(whole) < np.where(of_a, high, broken.rates[1])
        monitor = Monitor(line, groups=GROUPS, confidence=1 - DELTA)
        alarms = monitor.update(np.zeros(whole, bool), said, {"g": np.where(of_a, "a", "b")})
        found.append(max(0, alarms[0].record - broken.after) if alarms else math.inf)
    return found
