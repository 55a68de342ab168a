"""What a gate of confidence bounds will say: predicted, before its test data is touched.

All of it needs counts alone, so that it works for every expression of the language, by one device: the
margin of a bound at other sample sizes. With v(c) the value and U(c, delta) the bound on counts c,

    margin(c, n, delta) = U(c', delta) - v(c'),   c' = the rates of c over n examples

(v - L for a lower bound), whatever the bound is made of. For a rate it is about z s / sqrt(n).

Over units, and with weights, a margin is as much wider, and rates vary as much more, as those of a model
whose outcomes are known unit by unit (`Likeness`).

Sources: Thomas et al., "Preventing undesirable behavior of intelligent machines", Science 366 (2019),
999-1004, whose candidate selection predicts the safety test with a doubled margin; Gelman et al.,
"Bayesian Data Analysis" (2013), section 1.3, for the posterior predictive distribution used here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairgate import bounds
from fairgate.constraints.expressions import Constraint, RateOf
from fairgate.constraints.rates import Counts, Group, Measured
from fairgate.constraints.units import UnitCounts, rows_of
from fairgate.gate.unit_draws import design_effect

Rates = Mapping[Group | None, float | NDArray[np.float64]]


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
        group: Size(int(count.positives), int(count.negatives))
        for group, count in rows_of(counts).items()
    }


def bound_of(
    constraint: Constraint, counts: Measured, delta: float, method: str = "exact"
) -> float:
    """The confidence bound on the side that could break the limit; see `bounds.upper_bound`.

    >>> from fairgate.constraints import parse
    >>> counts = {None: Counts(tp=59, fp=0, tn=59, fn=0)}
    >>> round(bound_of(parse("FPR <= 0.1", {}), counts, delta=0.05), 4)
    0.0495
    >>> round(bound_of(parse("TPR >= 0.9", {}), counts, delta=0.05), 4)
    0.9505
    """
    bound = bounds.upper_bound if constraint.sense == "<=" else bounds.lower_bound
    return bound(constraint.expression, counts, delta, method)


def resized(counts: Counts, size: Size) -> Counts:
    """Counts of the same rates over `size`, rounded towards a half, where a margin is widest.

    A label without examples in `counts` has none in the result: its rate is not known.

    >>> resized(Counts(tp=4, fp=2, tn=8, fn=1), Size(positives=50, negatives=100))
    Counts(tp=40, fp=20, tn=80, fn=10)
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
        The distance, >= 0; inf if nothing can be promised; NaN where a rate has no examples. Over units
        (`UnitCounts`) it is that of independent examples, times how much wider it is now.

    Raises:
        ValueError: as for `bounds.upper_bound`.
    """
    if isinstance(counts, UnitCounts):
        return wider(constraint, counts, delta) * margin(constraint, dict(counts), sizes, delta)
    scaled = {group: resized(counts[group], sizes[group]) for group in counts if group in sizes}
    ahead = bound_of(constraint, scaled, delta) - constraint.value(scaled)
    ahead = ahead if constraint.sense == "<=" else -ahead
    return 0.0 if ahead < 0 else ahead  # NaN stays NaN


@lru_cache(maxsize=32)
def wider(constraint: Constraint, counts: UnitCounts, delta: float) -> float:
    """How much wider the margin over units is than that of as many independent examples."""
    ahead = abs(bound_of(constraint, counts, delta) - constraint.value(counts))
    plain = margin(constraint, dict(counts), sizes_of(counts), delta)
    return ahead / plain if plain > 0 and math.isfinite(plain) else 1.0


class Likeness:
    """What the outcomes of one model, unit by unit, tell of those of others like it on other data.

    Args:
        counts: outcomes of a model by unit, on other data than the gate's (validation).
        sizes: examples of each group that the gate will see, whatever they weigh.
    """

    def __init__(self, counts: UnitCounts, sizes: Sizes) -> None:
        self.counts = counts
        self.rows = sizes_of(counts)
        seen = self.rows[None].examples
        self._gates = counts.repeated(sizes[None].examples / seen) if seen else counts
        self._effects = {
            group: tuple(design_effect(counts, RateOf(rate, group)) for rate in ("FPR", "TPR"))
            for group in counts
        }

    def wider(self, constraint: Constraint, delta: float) -> float:
        """How much wider the gate's margin is than that of as many independent examples."""
        return wider(constraint, self._gates, delta)

    def worth(self, group: Group | None, size: Size) -> tuple[Worth, Worth]:
        """What negatives and positives of a group are worth."""
        found = []
        for label, effect in zip(("negatives", "positives"), self._effects[group], strict=True):
            number, known = getattr(size, label), getattr(self.rows[group], label)
            weight = float(getattr(self.counts[group], label)) / known if known else 1.0
            trials = max(1, round(number / effect)) if number else 0
            found.append(Worth(trials, number * weight / trials if trials else 0.0))
        return found[0], found[1]


@dataclass(frozen=True)
class Worth:
    """Independent examples that vary as much as those that there are, and what each of them counts."""

    trials: int
    each: float


def projected_bound(constraint: Constraint, counts: Measured, sizes: Sizes, delta: float) -> float:
    """The bound if the measured rates had been measured on `sizes`: the value, plus its margin there.

    Arguments, results and errors as for `margin`.

    >>> from fairgate.constraints import parse
    >>> counts = {None: Counts(tp=0, fp=0, tn=30, fn=0)}
    >>> supposed = {None: Size(positives=0, negatives=59)}
    >>> round(projected_bound(parse("FPR <= 0.05", {}), counts, supposed, delta=0.05), 4)
    0.0495
    """
    return _beyond(constraint, constraint.value(counts), margin(constraint, counts, sizes, delta))


def predicted_bound(
    constraint: Constraint,
    counts: Measured,
    sizes: Sizes,
    delta: float,
    miss: float = 0.2,
    draws: int = 200,
    seed: int = 0,
    like: Likeness | None = None,
) -> float:
    """What a later gate's bound will not exceed, but with probability about `miss`.

        quantile(1 - miss) of the gate's values  +  margin(n_gate, delta)

    The margin is the gate's own. The gate's value will not be that of `counts`: it is drawn by taking
    each rate from its posterior Beta(k + 1/2, n - k + 1/2) and then outcomes over the gate's examples,
    so that both samples' variances count: s^2 (1 / n + 1 / n_gate). For one rate that makes
    z_delta + z_miss sqrt(1 + n_gate / n) of the gate's deviations: for n = n_gate and delta 0.05, the
    doubled margin of the Seldonian algorithms at a miss of 0.12.

    It holds for one model. The best of many is lucky, and its prediction too good.

    Args:
        constraint: the gate's.
        counts: outcomes on other data than the gate's (validation).
        sizes: examples of each group that the gate will see.
        delta: the gate's allowed probability of error.
        miss: allowed probability that the gate's bound is worse than predicted.
        draws: simulated gates.
        seed: of the simulation.
        like: how outcomes fall to units, or what they weigh, where the gate's bounds are over these.

    Returns:
        A bound to hold against the limit; inf or NaN as for `margin`.

    Raises:
        ValueError: as for `bounds.upper_bound`.
    """
    own = margin(constraint, counts, sizes, delta)
    if like is not None and math.isfinite(own):
        own *= like.wider(constraint, delta)
    if not math.isfinite(own):
        return _beyond(constraint, constraint.value(counts), own)
    rng = np.random.default_rng(seed)
    fpr, tpr = {}, {}
    for group in (each for each in sizes if each in counts):  # in an order that is always the same
        of = counts[group] if like is None else _evidence(counts[group], group, like)
        fpr[group] = rng.beta(of.fp + 0.5, of.tn + 0.5, draws)
        tpr[group] = rng.beta(of.tp + 0.5, of.fn + 0.5, draws)
    gates = simulated(fpr, tpr, {group: sizes[group] for group in fpr}, draws, rng, like)
    worse = 1.0 if constraint.sense == "<=" else -1.0
    values = [worse * constraint.value(outcomes) for outcomes in gates]
    ordered = sorted(math.inf if math.isnan(value) else value for value in values)
    return _beyond(constraint, worse * ordered[math.ceil((1 - miss) * draws) - 1], own)


def _evidence(counts: Counts, group: Group | None, like: Likeness) -> Counts:
    """The same rates, of so many independent examples as tell as much."""
    negatives, positives = like.worth(group, like.rows[group])
    fp, tp = (
        counts.rate(rate) * of.trials if total else 0.0
        for rate, of, total in (
            ("FPR", negatives, counts.negatives),
            ("TPR", positives, counts.positives),
        )
    )
    return Counts(tp, fp, negatives.trials - fp, positives.trials - tp)


def simulated(
    fpr: Rates,
    tpr: Rates,
    sizes: Sizes,
    draws: int,
    rng: np.random.Generator,
    like: Likeness | None = None,
) -> list[dict[Group | None, Counts]]:
    """Outcomes on `draws` test splits of a model with known true rates.

    Groups of one feature are disjoint, and everyone holds them; groups of different features are drawn
    as if they were independent.

    Args:
        fpr: of each group and, at None, of those in none: one number, or (draws,).
        tpr: as `fpr`.
        sizes: examples of each group.
        draws: how many splits.
        rng: what is drawn from.
        like: how outcomes fall to units, or what they weigh; None: they are independent, and count one.
    """

    def outcomes(group: Group | None, size: Size) -> NDArray[Any]:
        if like is None:
            negatives, positives = Worth(size.negatives, 1), Worth(size.positives, 1)
        else:
            negatives, positives = like.worth(group, size)
        tp = rng.binomial(positives.trials, tpr[group], draws)
        fp = rng.binomial(negatives.trials, fpr[group], draws)
        said = [tp * positives.each, fp * negatives.each]
        left = (negatives.trials - fp) * negatives.each, (positives.trials - tp) * positives.each
        return np.stack([*said, *left])

    number = int if like is None else float
    table: dict[Group | None, NDArray[Any]] = {
        group: outcomes(group, sizes[group]) for group in sizes if group is not None
    }
    if None in sizes:
        feature = next((group.feature for group in table if group is not None), None)
        inside = [group for group in table if group is not None and group.feature == feature]
        rest = Size(
            max(0, sizes[None].positives - sum(sizes[group].positives for group in inside)),
            max(0, sizes[None].negatives - sum(sizes[group].negatives for group in inside)),
        )
        parts = [table[group] for group in inside]
        table[None] = np.sum([*parts, outcomes(None, rest)], axis=0)
    return [
        {group: Counts(*map(number, cells[:, draw])) for group, cells in table.items()}
        for draw in range(draws)
    ]


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


def _beyond(constraint: Constraint, value: float, distance: float) -> float:
    return value + distance if constraint.sense == "<=" else value - distance
