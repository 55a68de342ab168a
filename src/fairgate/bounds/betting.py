"""Confidence bounds over units: people with several examples each, or examples with weights.

A unit u brings N_u events among D_u members of a rate's denominator (numbers, or sums of weights).
Units are independent draws of one population; the members of one may resemble each other in any
way. The rate is E[N] / E[D]. No unit of the population has more than a known number M of members.

**The bet.** At the true rates theta, Z_u = sum_k w_k (theta_k D_uk - N_uk) has mean 0 for weights w
that are known before unit u is looked at. A gambler with a fortune of delta who wins A Z_u, the
stake A chosen before u such that the fortune p stays at least 0, has an expected fortune of delta
for ever; by Ville's inequality it ever reaches 1 with probability at most delta. Rates at which it
does are rejected. The bound is the largest value of a function of rates that are not.
Sources: Ville (1939); Waudby-Smith and Ramdas, JRSS B 86 (2024), 1-27, section 4.

**The stake** replicates an option that pays 1 / kappa if a normal sum ends above its 1 - kappa delta
quantile and else 0 (by Bachelier's formula); of what such options are worth, p is the price now:

    A = phi(Phi^-1(kappa p)) / (kappa s sqrt(n)),   at most  p / (m M max_k w_k),

n the units that are left, s an estimate of Z's deviation from units before, m the units of a block,
for which A stays. So the bound tends to the normal one, z_delta s / sqrt(n), as units grow, and is
guaranteed for few. Voracek and Orabona, arXiv 2505.22422 (2025), bet towards the end likewise.

**A larger rate is rejected, too.** Weights, deviations and blocks are the same for all theta, Z grows
with theta_k, and p + A(p) z grows with z and with p: A's slope is at most 1 / (m M max w) where it
rises, and wins are cut at 1 / |slope| where it falls (a smaller win is sound). By induction p grows
with theta at any time, so that a bound is found by bisection. And between two points of the line
where a function of two rates has one value, the smaller win of both ends, block by block, bounds
the fortune at all points between from below: no rate is missed.

**Two rates** share one bet along the gradient of their function. The line of equal value is searched
in a box of rates that is right with probability 1 - beta (Berger and Boos, see `two_rates`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from fairgate.bounds.one_rate import check_delta
from fairgate.bounds.two_rates import Linear, Quotient

Array = NDArray[np.float64]
Rejected = Callable[[Array], NDArray[np.bool_]]

_BETA = 0.01
"""Share of delta that buys the box."""
_GLANCES, _SEGMENTS = 6, 48
"""Points of the line of equal value for a first look, and parts of it that are each bounded whole."""
_POINTS = 15
"""Values that are tried at once."""
_STEP, _LONGEST, _SHORTEST = 0.5, 0.15, 0.01
"""Units of a block, in square roots of the units that are left: so much of Z's deviation over its
largest loss, which is told by the first units, within limits. Longer blocks hold the stakes back."""
_LOOKED_AT = 0.01
"""Share of the units that nothing is staked on: they tell the first deviation."""


@dataclass(frozen=True)
class UnitRate:
    """A rate, unit by unit, in an order that has nothing to do with what was measured.

    Attributes:
        events: (n,) N_u, 0 to D_u.
        members: (n,) D_u; 0 of a unit without members.
        most: M, known beforehand: no unit has more members.

    Raises:
        ValueError: the shapes differ, or a unit has more events than members, or more members than M.
    """

    events: Array
    members: Array
    most: float

    def __post_init__(self) -> None:
        if self.events.shape != self.members.shape or self.events.ndim != 1:
            shapes = self.events.shape, self.members.shape
            raise ValueError(f"events and members must both be (n,), got {shapes}")
        slack = 1e-9 * self.most
        fits = (self.events >= -slack) & (self.events <= self.members + slack)
        if not np.all(fits & (self.members <= self.most + slack)):
            raise ValueError(f"expected 0 <= events <= members <= {self.most:g} for every unit")

    @property
    def rate(self) -> float:
        """Events per member; NaN without members."""
        members = float(self.members.sum())
        return float(self.events.sum()) / members if members else math.nan

    def flipped(self) -> UnitRate:
        """The rate of the complement."""
        return replace(self, events=self.members - self.events)


def upper_of_units(rate: UnitRate, delta: float) -> float:
    """U with P(U < rate) <= delta over independent units; at least the measured rate.

    NaN where no unit has members. ValueError for a bad delta.

    >>> nobody_errs = UnitRate(np.zeros(100), np.full(100, 5.0), most=5)
    >>> round(upper_of_units(nobody_errs, delta=0.05), 3)  # of 100 people; of 500 examples it is 0.006
    0.031
    """
    check_delta(delta)
    return _upper(rate, delta, rounds=3)


def lower_of_units(rate: UnitRate, delta: float) -> float:
    """L with P(L > rate) <= delta: one minus the upper bound of the complement."""
    return 1.0 - upper_of_units(rate.flipped(), delta)


def upper_of_two_over_units(
    function: Linear | Quotient, first: UnitRate, second: UnitRate, delta: float
) -> float:
    """U with P(U < g(p, q)) <= delta over independent units, any of which may count in both rates.

    Args:
        function: g.
        first, second: p and q over the same units in the same order, of different examples: `most` holds
            of both together.
        delta: allowed probability of error, in (0, 1).

    Returns:
        The bound; inf if nothing can be promised of a quotient; NaN without members of either.

    >>> people = np.arange(4000)
    >>> women, men = (people % 2).astype(float), (1 - people % 2).astype(float)
    >>> pair = [UnitRate(who * (people % 10 < 3), who, most=1) for who in (women, men)]
    >>> round(upper_of_two_over_units(Linear(1, -1), *pair, delta=0.05), 2)  # measured: 0.2 - 0.4
    -0.18
    """
    check_delta(delta)
    g, x, y = function.rising(first, second)
    if math.isnan(x.rate) or math.isnan(y.rate):
        return math.nan
    beta = _BETA * delta
    x_high, y_high = (_upper(rate, beta / 4, rounds=2) for rate in (x, y))
    x_low, y_low = (1 - _upper(rate.flipped(), beta / 4, rounds=2) for rate in (x, y))
    top = g.value(x_high, y_high)
    if math.isinf(top):
        return top
    game = Game.of((x, y), g)

    def lines(values: Array, count: int) -> Array:
        """(values, count, 2) points on the lines of equal value, where they are in the box."""
        found = []
        for value in values.tolist():
            level = g.level(value)
            low = max(x_low, (level.c - level.b * y_high) / level.a)
            high = min(x_high, (level.c - level.b * y_low) / level.a)
            # Past each other where the line only touches a corner, but for rounding.
            p = np.linspace(min(low, high), max(low, high), count)
            found.append(np.stack([p, np.clip(level.q(p), 0.0, 1.0)], axis=1))
        return np.array(found)

    def glance(values: Array) -> NDArray[np.bool_]:
        points = lines(values, _GLANCES)
        done = game.rejected(points.reshape(-1, 2), delta=delta - beta)
        return np.asarray(done.reshape(points.shape[:2]).all(axis=1))

    def bounded(values: Array) -> NDArray[np.bool_]:
        points = lines(values, _SEGMENTS + 1)
        ends = points[:, :-1].reshape(-1, 2), points[:, 1:].reshape(-1, 2)
        done = game.rejected(*ends, delta=delta - beta)
        return np.asarray(done.reshape(len(values), _SEGMENTS).all(axis=1))

    value = g.value(x.rate, y.rate)
    seen = _least(glance, value, top, rounds=2)
    tried = np.minimum(seen + (seen - value) * _BEYOND, top)
    place = np.flatnonzero(bounded(tried))
    return float(tried[place[0]]) if len(place) else _least(bounded, float(tried[-1]), top, 2)


_BEYOND = np.array([0.0, 0.01, 0.02, 0.04, 0.08, 0.16])
"""How far beyond a first look a bound is sought, in its distances from the value."""


def _upper(rate: UnitRate, delta: float, rounds: int) -> float:
    if math.isnan(rate.rate):
        return math.nan
    game = Game.of((rate,))
    return _least(
        lambda values: game.rejected(values[:, None], delta=delta), rate.rate, 1.0, rounds
    )


def _least(rejected: Rejected, low: float, high: float, rounds: int) -> float:
    """A value that is rejected, next to one that is not; `high` where none is.

    The first round tries distances from `low` that double, each later one divides what is left evenly.
    """
    steps = np.append(0.0, 2.0 ** np.arange(1 - _POINTS, 1))
    for _ in range(rounds):
        values = low + (high - low) * steps
        found = rejected(values[1:-1])
        place = int(np.argmax(found)) if found.any() else len(found)
        low, high = float(values[place]), float(values[place + 1])
        steps = np.linspace(0.0, 1.0, _POINTS + 1)
    return high


@dataclass(frozen=True)
class Game:
    """Units in blocks, and what is known before each of these.

    Attributes:
        events, members: (blocks, k) sums, in shares of M.
        products: (blocks, 2k, 2k) sums of the products of a unit's events and members.
        sizes: (blocks,) units.
        function: whose gradient the bets are along; None: there is one rate.
    """

    events: Array
    members: Array
    products: Array
    sizes: Array
    function: Linear | Quotient | None

    @classmethod
    def of(cls, rates: tuple[UnitRate, ...], function: Linear | Quotient | None = None) -> Game:
        """The units that have members of any of the rates; of others Z is 0."""
        most = max(rate.most for rate in rates)
        both = np.stack([*(r.events for r in rates), *(r.members for r in rates)], axis=1) / most
        both = both[both[:, len(rates) :].any(axis=1)]
        starts = _starts(both, len(rates))
        products = np.empty((len(starts), both.shape[1], both.shape[1]))
        for i, j in np.ndindex(products.shape[1:]):
            products[:, i, j] = np.add.reduceat(both[:, i] * both[:, j], starts)
        sums = np.add.reduceat(both, starts)
        sizes = np.diff(np.append(starts, len(both))).astype(np.float64)
        return cls(sums[:, : len(rates)], sums[:, len(rates) :], products, sizes, function)

    @cached_property
    def stakes(self) -> tuple[Array, Array, Array]:
        """(w (blocks, k), s sqrt(n) (blocks,), 1 / (m M max w) (blocks,)): all told by blocks before."""
        known = np.cumsum(self.sizes) - self.sizes
        events, members, products = (
            np.cumsum(each, axis=0) - each for each in (self.events, self.members, self.products)
        )
        # A member more, half an event, so that no estimate is 0 or 1; it is like those of the first
        # block, which is only looked at.
        like = np.maximum(self.members[0], self.members[0].max() / self.sizes[0]) / self.sizes[0]
        rates = (events + like / 2) / (members + like)
        means = (members + like) / (known + 1)[:, None]
        weights = self._gradient(rates) / means
        along = np.concatenate([-weights, weights * rates], axis=1)
        found = np.einsum("bi,bij,bj->b", along, products, along)
        supposed = (weights * like / 2).max(axis=1) ** 2
        spread = np.sqrt((found + supposed) / (known + 1) * (self.sizes.sum() - known))
        caps = 1 / (self.sizes * weights.max(axis=1))
        caps[0] = 0.0
        return weights, spread, caps

    def _gradient(self, rates: Array) -> Array:
        if self.function is None:
            return np.ones_like(rates)
        levels = [self.function.level(self.function.value(p, q)) for p, q in rates.tolist()]
        return np.array([[level.a, max(level.b, 1e-12)] for level in levels])

    def rejected(self, *ends: Array, delta: float) -> NDArray[np.bool_]:
        """(j,) whether the fortune reaches 1 at all rates between the ends, one or two of (j, k)."""
        wins, heights, caps, kappa = self.offers(*ends)
        return _reached(wins, heights[:, None], caps[:, None], np.array([kappa]), delta)

    def offers(self, *ends: Array) -> tuple[Array, Array, Array, float]:
        """What is won for a stake of 1 (blocks, j); and how stakes follow from the fortune."""
        weights, spreads, caps = self.stakes
        lost = (weights * self.events).sum(axis=1)[:, None]
        wins = [(weights * self.members) @ end.T - lost for end in ends]
        kappa = 1 - 0.5 / math.sqrt(max(len(spreads), 4))
        win = np.minimum(wins[0], wins[-1])
        np.minimum(win, spreads[:, None] / max(float(ndtri(kappa)), 1e-3), out=win)
        return win, 1 / (math.sqrt(2 * math.pi) * kappa * spreads), caps, kappa


def rejected_of_many(games: Sequence[Game], points: Array, delta: float) -> NDArray[np.bool_]:
    """(j,) whether each of j games rejects its own point (j, k): all of them played at once."""
    blocks = max(len(game.sizes) for game in games)
    wins, heights, caps = np.zeros((3, blocks, len(games)))
    kappas = np.empty(len(games))
    for place, (game, point) in enumerate(zip(games, points, strict=True)):
        win, height, cap, kappas[place] = game.offers(point[None])
        here = slice(len(win)), place  # what is staked on a block that is not there wins nothing
        wins[here], heights[here], caps[here] = win[:, 0], height, cap
    return _reached(wins, heights, caps, kappas, delta)


def _reached(
    wins: Array, heights: Array, caps: Array, kappas: Array, delta: float
) -> NDArray[np.bool_]:
    """(j,) whether each fortune, delta at first, reaches 1.

    Args:
        wins: (blocks, j) for a stake of 1.
        heights, caps: (blocks, j), or (blocks, 1) where they are the same for all: of the stakes.
        kappas: (j,) or (1,), likewise.
        delta: what each starts with.
    """
    done = np.zeros(wins.shape[1], np.bool_)
    going = np.arange(len(done))
    fortune = np.full(len(done), delta)
    own = going if len(kappas) > 1 else np.zeros(1, np.int64)
    for block in range(1, len(wins)):
        kappa = kappas[own]
        quantile = ndtri(kappa * fortune)
        stake = heights[block, own] * np.exp(-0.5 * quantile * quantile)
        np.minimum(stake, caps[block, own] * fortune, out=stake)
        fortune += stake * wins[block, going]
        np.clip(fortune, 1e-300, 1.0, out=fortune)
        reached = fortune == 1
        done[going[reached]] = True
        if 2 * np.count_nonzero(reached) > len(going):  # who has won need not play on
            going, fortune = going[~reached], fortune[~reached]
            own = going if len(kappas) > 1 else own
    return done


def _starts(both: Array, rates: int) -> NDArray[np.int64]:
    """Where blocks begin: at a share of the units, and then by the root of what is left.

    Args:
        both: (n, 2 rates) a unit's events and members, in shares of M.
        rates: how many.
    """
    units, first = len(both), max(1, int(_LOOKED_AT * len(both)))
    events, members = both[:first, :rates], both[:first, rates:]
    mean = np.maximum(members.mean(axis=0), members.max() / units)
    middle = (events.sum(axis=0) + mean / 2) / (members.sum(axis=0) + mean)
    along = (events - middle * members) / mean
    spread = math.sqrt((float((along.sum(axis=1) ** 2).sum()) + 0.25) / (first + 1))
    step = min(max(_STEP * spread * float(mean.min()), _SHORTEST), _LONGEST)
    starts = [0]
    place = first
    while place < units:
        starts.append(place)
        place += max(1, int(step * math.sqrt(units - place)))
    return np.array(starts)
