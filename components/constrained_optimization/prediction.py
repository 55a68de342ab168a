"""What a gate of confidence bounds will say: predicted, before its test data is touched.

All of it needs counts alone, so that it works for every expression of the language, by one device: the
margin of a bound at other sample sizes. With v(c) the value and U(c, delta) the bound on counts c,

    margin(c, n, delta) = U(c', delta) - v(c'),   c' = the rates of c over n examples

(v - L for a lower bound), whatever the bound is made of. For a rate it is about z s / sqrt(n).

Sources: Thomas et al., "Preventing undesirable behavior of intelligent machines", Science 366 (2019),
999-1004, whose candidate selection predicts the safety test with a doubled margin; the widening here
is that of the prediction interval for a second sample (Hahn and Meeker, "Statistical Intervals", 1991,
section 4.8).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from components.constrained_optimization import bounds
from components.constrained_optimization.expressions import (
    Constraint,
)
from components.constrained_optimization.rates import Counts, Group

Measured = Mapping[Group | None, Counts]


@dataclass(frozen=True)
class Size:
    """How many examples of each label. ValueError if one is negative."""

    positives: int
    negatives: int

    def __post_init__(self) -> None:
        if min(self.positives, self.negatives) < 0:
            raise ValueError(f"a number of examples cannot be negative: {self}")

    @property
    def examples(self) -> int:
        """Of both labels."""
        return self.positives + self.negatives


Sizes = Mapping[Group | None, Size]
"""The examples of each group, and at None of everyone: what a split offers to any model."""


def sizes_of(counts: Measured) -> dict[Group | None, Size]:
    """The examples that outcomes were counted on."""
    return {
        group: Size(int(count.positives), int(count.negatives)) for group, count in counts.items()
    }


def bound_of(constraint: Constraint, counts: Measured, delta: float) -> float:
    """The confidence bound on the side that could break the limit; see `bounds.upper_bound`."""
    bound = bounds.upper_bound if constraint.sense == "<=" else bounds.lower_bound
    return bound(constraint.expression, counts, delta)


def resized(counts: Counts, size: Size) -> Counts:
    """Counts of the same rates over `size`, rounded towards a half, where a margin is widest.

    A label without examples in `counts` has none in the result: its rate is not known.
    """
    tp, fn = _shared(counts.tp, counts.positives, size.positives)
    fp, tn = _shared(counts.fp, counts.negatives, size.negatives)
    return Counts(tp=tp, fp=fp, tn=tn, fn=fn)


def margin(constraint: Constraint, counts: Measured, sizes: Sizes, delta: float) -> float:
    """How far the bound is from the value for the rates of `counts` over `sizes`.

    Args:
        constraint: whose expression and side.
        counts: outcomes, of whatever number of examples.
        sizes: examples of each group to suppose instead.
        delta: allowed probability of error, in (0, 1).

    Returns:
        The distance, >= 0; inf if nothing can be promised; NaN where a rate has no examples.

    Raises:
        ValueError: as for `bounds.upper_bound`.
    """
    scaled = {group: resized(counts[group], sizes[group]) for group in counts if group in sizes}
    ahead = bound_of(constraint, scaled, delta) - constraint.value(scaled)
    ahead = ahead if constraint.sense == "<=" else -ahead
    return 0.0 if ahead < 0 else ahead  # NaN stays NaN


def projected_bound(constraint: Constraint, counts: Measured, sizes: Sizes, delta: float) -> float:
    """The bound if the measured rates had been measured on `sizes`: the value, plus its margin there.

    Arguments, results and errors as for `margin`.
    """
    return _beyond(constraint, constraint.value(counts), margin(constraint, counts, sizes, delta))


def predicted_bound(
    constraint: Constraint, counts: Measured, sizes: Sizes, delta: float, miss: float = 0.2
) -> float:
    """What a later gate's bound will not exceed, but with probability `miss`.

        v + margin(n_gate, delta) + margin(1 / (1 / n_gate + 1 / n), miss)

    with v and n those of `counts`. The first margin is the gate's own. The second is for the gate's
    value, which will not be v: two samples of n and n_gate examples differ by a variance of
    s^2 (1 / n + 1 / n_gate), that of one sample of the size written above. For a rate and n = n_gate
    that makes z_delta + 1.41 z_miss deviations: with delta 0.05 and miss 0.1 the doubled margin of the
    Seldonian algorithms, with miss 0.2 some 1.7 of it.

    It holds for one model. The best of many is lucky, and its prediction too good.

    Args:
        constraint: the gate's.
        counts: outcomes on other data than the gate's (validation).
        sizes: examples of each group that the gate will see.
        delta: the gate's allowed probability of error.
        miss: allowed probability that the gate's bound is worse than predicted.

    Returns:
        A bound to hold against the limit; inf or NaN as for `margin`.

    Raises:
        ValueError: as for `bounds.upper_bound`.
    """
    both = {
        group: _harmonic(size, sizes[group])
        for group, size in sizes_of(counts).items()
        if group in sizes
    }
    ahead = margin(constraint, counts, sizes, delta) + margin(constraint, counts, both, miss)
    return _beyond(constraint, constraint.value(counts), ahead)


def _shared(successes: float, trials: float, wanted: int) -> tuple[int, int]:
    """(successes, failures) of `wanted` trials at the rate of the first two."""
    if trials == 0:
        return 0, 0
    rate = successes / trials
    exact = rate * wanted
    # Whole numbers that floating point misses by a hair stay what they are.
    near = round(exact)
    whole = near if abs(exact - near) < 1e-6 else math.ceil(exact) if rate < 0.5 else int(exact)
    return whole, wanted - whole


def _harmonic(one: Size, other: Size) -> Size:
    """The size of one sample whose variance is that of the two together, rounded down."""

    def both(n: int, m: int) -> int:
        return n * m // (n + m) if n + m else 0

    return Size(both(one.positives, other.positives), both(one.negatives, other.negatives))


def _beyond(constraint: Constraint, value: float, distance: float) -> float:
    return value + distance if constraint.sense == "<=" else value - distance
