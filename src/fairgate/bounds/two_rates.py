"""The tight upper bound of a function of two independent rates: differences, sums, quotients.

Buehler's construction. Let T order the outcomes (x, y), x ~ Binomial(n, p), y ~ Binomial(m, q).
With g the function of the rates,

    U(x, y) = sup { g(p, q) : P_{p,q}(T <= T(x, y)) > delta }

is wrong with probability at most delta, whatever p and q: let t* be the largest t with
P(T <= t) <= delta at the true rates; U < g(p, q) implies T(x, y) <= t*. No bound that orders
outcomes like T is smaller. T here is an approximate upper limit of g (a sound choice by any T, a
good one by a good T): Newcombe's, which grows with g as it must.

The supremum is taken only over rates in a box that holds the true ones with probability
1 - beta (Berger and Boos); beta, a hundredth of delta, is paid for: delta - beta is what is left.

Sources: Buehler, JASA 52 (1957), 482-493; Lloyd and Kabaila, Aust. N. Z. J. Stat. 45 (2003);
Chan and Zhang, Biometrics 55 (1999), 1202-1209; Berger and Boos, JASA 89 (1994), 1012-1016;
Barnard, Nature 156 (1945), 177 (regions that grow as one rate does).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol, TypeVar

from scipy.optimize import brentq
from scipy.special import ndtri

from fairgate.bounds.one_rate import (
    check_delta,
    clopper_pearson_lower,
    clopper_pearson_upper,
    wilson_upper,
)
from fairgate.bounds.tail import Box, Level, Region, highest_probability

_BETA = 0.01
"""Share of delta that buys the box."""
_MISSING = 1e-7
"""Share of delta that the ends of the binomials which are left out may have, each."""
_SPACING = 0.1
"""Distance of nodes in standard errors: 0.1 costs about 0.004 standard errors (see `tail`)."""
_STEP = 1e-3
"""How far apart in standard errors two bounds must be to be worth a further search."""


@dataclass(frozen=True)
class Trials:
    """Successes of a number of trials.

    ValueError unless both are integers (as int or float), 0 <= successes <= trials.
    """

    successes: float
    trials: float

    @property
    def rate(self) -> float:
        """successes / trials."""
        return self.successes / self.trials

    def flipped(self) -> Trials:
        """Failures in place of successes."""
        return replace(self, successes=self.trials - self.successes)


S = TypeVar("S")


class Flippable(Protocol):
    """What was measured of a rate."""

    def flipped(self: S) -> S:
        """What was measured of its complement."""
        ...


R = TypeVar("R", bound=Flippable)


@dataclass(frozen=True)
class Linear:
    """g = a p + b q + constant, a and b not zero."""

    a: float
    b: float
    constant: float = 0.0

    def level(self, value: float) -> Level:
        """The rates where g = value, for a and b > 0."""
        return Level(self.a, self.b, value - self.constant)

    def value(self, p: float, q: float) -> float:
        """g at the rates p and q."""
        return self.a * p + self.b * q + self.constant

    def limit(self, p: float, q: float, p_above: float, q_above: float) -> float:
        """Newcombe's approximate upper limit, from the rates' upper limits."""
        return self.value(p, q) + math.hypot(self.a * (p_above - p), self.b * (q_above - q))

    def rising(self, first: R, second: R) -> tuple[Linear, R, R]:
        """The same in terms of rates with which g grows."""
        a, b, constant = self.a, self.b, self.constant
        if a < 0:
            a, constant, first = -a, constant + a, first.flipped()
        if b < 0:
            b, constant, second = -b, constant + b, second.flipped()
        return Linear(a, b, constant), first, second


@dataclass(frozen=True)
class Quotient:
    """g = (a0 + a p) / (b0 + b q), with both parts at least 0 for all rates; a and b not zero.

    ValueError if a part could be negative.
    """

    a0: float
    a: float
    b0: float
    b: float

    def __post_init__(self) -> None:
        if min(self.a0, self.a0 + self.a, self.b0, self.b0 + self.b) < -1e-12:
            raise ValueError(f"a part of the quotient could be negative: {self}")

    def level(self, value: float) -> Level:
        """The rates where g = value, for a > 0 > b:  a p - value b q = value b0 - a0."""
        return Level(self.a, -value * self.b, value * self.b0 - self.a0)

    def value(self, p: float, q: float) -> float:
        """g at the rates p and q; inf where the divisor is 0."""
        above, below = self.a0 + self.a * p, self.b0 + self.b * q
        return above / below if below > 1e-15 else math.inf

    def limit(self, p: float, q: float, p_above: float, q_above: float) -> float:
        """The r at which Newcombe's upper limit of  numerator - r divisor  is 0; it falls with r."""
        above, below = self.a0 + self.a * p, self.b0 + self.b * q
        up, down = self.a * (p_above - p), -self.b * (q_above - q)
        rest = below**2 - down**2
        if below <= 0 or rest <= 1e-12 * below**2:
            return math.inf
        root = max((above * below) ** 2 - rest * (above**2 - up**2), 0.0)
        # A level of 0 would have no slope; a larger statistic is sound.
        return max((above * below + math.sqrt(root)) / rest, 1e-12)

    def rising(self, first: R, second: R) -> tuple[Quotient, R, R]:
        """The same in terms of rates with which g grows."""
        a0, a, b0, b = self.a0, self.a, self.b0, self.b
        if a < 0:
            a0, a, first = max(a0 + a, 0.0), -a, first.flipped()
        if b > 0:
            b0, b, second = b0 + b, -b, second.flipped()
        return Quotient(a0, a, b0, b), first, second


@lru_cache(maxsize=65536)
def upper_bound_of_two(
    function: Linear | Quotient,
    first: Trials,
    second: Trials,
    delta: float,
    floor: float = -math.inf,
) -> float:
    """U with P(U < g(p, q)) <= delta, for independent binomial outcomes of the rates p and q.

    Args:
        function: g.
        first: outcomes of p.
        second: outcomes of q.
        delta: allowed probability of error, in (0, 1).
        floor: a number that the caller takes anyway where it is more, for the largest of several bounds.

    Returns:
        The bound, or `floor` where that is seen to be one, too. At most about 0.005 standard errors
        above the smallest; inf if nothing can be promised of a quotient; NaN without trials.

    Raises:
        ValueError: for counts that are no integers or a bad delta.

    >>> difference = Linear(1, -1)  # p - q, measured to be 0.15
    >>> round(upper_bound_of_two(difference, Trials(45, 100), Trials(30, 100), delta=0.05), 2)
    0.26
    >>> quotient = Quotient(0, 1, 0, 1)  # p / q, measured to be 2 / 3
    >>> round(upper_bound_of_two(quotient, Trials(30, 100), Trials(45, 100), delta=0.05), 2)
    0.91
    """
    check_delta(delta)
    g, x, y = function.rising(first, second)
    beta = _BETA * delta
    box = Box(
        *(side(x.successes, x.trials, beta / 4) for side in _CLOPPER_PEARSON),
        *(side(y.successes, y.trials, beta / 4) for side in _CLOPPER_PEARSON),
    )
    if math.isnan(box.p_low) or math.isnan(box.q_low):
        return math.nan
    top = g.value(box.p_high, box.q_high)
    if top <= floor:
        return floor
    start, z = _newcombe(g, x, y, delta)
    if math.isinf(start):
        return top
    region = Region(int(x.trials), int(y.trials), g.level(start), z)
    missing = _MISSING * delta
    target = float(ndtri(delta - beta))

    def excess(value: float, spacing: float | None = None) -> float:
        """How far P(T <= observed) is above what is allowed where g >= value, in probits."""
        worst = highest_probability(region, g.level(value), box, missing, spacing)
        return float(ndtri(min(max(worst, 1e-300), 1 - 1e-16))) - target

    if start < floor and excess(floor, _SPACING) <= 0:
        return floor
    # By a quick look first; what is returned has been bounded without gaps.
    error = max(start - g.value(x.rate, y.rate), 1e-9 * abs(start), 1e-12) / max(z, 0.5)
    value = _crossing(excess, start, error / 4, top, g.value(box.p_low, box.q_low))
    while value < top:
        above = excess(value, _SPACING)
        if above <= 0:
            return value
        value += error * max(above, _STEP)
        error *= 2  # where the curve is flatter than an approximate limit has it
    return top


def newcombe_upper(
    function: Linear | Quotient, first: Trials, second: Trials, delta: float
) -> float:
    """The limit that orders outcomes for `upper_bound_of_two`. Approximate, and quick.

    Source: Newcombe, Statistics in Medicine 17 (1998), method 10; Zou and Donner, 27 (2008).

    >>> round(newcombe_upper(Linear(1, -1), Trials(45, 100), Trials(30, 100), delta=0.05), 2)
    0.26
    """
    g, x, y = function.rising(first, second)
    return _newcombe(g, x, y, delta)[0]


def _newcombe(g: Linear | Quotient, x: Trials, y: Trials, delta: float) -> tuple[float, float]:
    """(limit, its z) of what grows with both rates."""
    level = min(delta, 0.5)  # above one half the approximate limit is the estimate itself
    above = (max(wilson_upper(t.successes, t.trials, level), t.rate) for t in (x, y))
    return g.limit(x.rate, y.rate, *above), max(float(-ndtri(level)), 0.0)


_CLOPPER_PEARSON = (clopper_pearson_lower, clopper_pearson_upper)


def _crossing(
    excess: Callable[[float], float], start: float, step: float, top: float, bottom: float
) -> float:
    """Where `excess`, which falls, crosses 0 above `bottom`; `top` if it does not below that."""
    if excess(start) > 0:
        low, high = start, start + step
        while high < top and excess(high) > 0:
            step *= 2
            low, high = high, high + step
            if step > 1e12 * max(1.0, abs(start)):
                return math.inf
        if high >= top:
            if excess(top) > 0:
                return top
            high = top
    else:
        low, high = start - step, start
        while low > bottom and excess(low) <= 0:
            step *= 2
            low, high = low - step, low
        if low <= bottom:
            return high
    return float(brentq(excess, low, high, xtol=max(1e-3 * step, 1e-15), rtol=1e-12))
