"""Bounds of rates, of pairs of them and of quotients over units; see `betting`.

By name there is a cluster-robust bound, too: approximate, by the central limit theorem over units.
Sources: Liang and Zeger, Biometrika 73 (1986), 13-22; Cochran, Sampling Techniques (1977), 6.3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from fairgate.bounds.betting import (
    UnitRate,
    lower_of_units,
    upper_of_two_over_units,
    upper_of_units,
)
from fairgate.bounds.conditional import factors_of_outcomes
from fairgate.bounds.two_rates import Linear, Quotient
from fairgate.constraints.expressions import ChangeOf, Expression, RateOf
from fairgate.constraints.rates import FIXED, OUTCOMES
from fairgate.constraints.units import Costs, UnitCounts


def bound_of_rate(counts: UnitCounts, rate: RateOf, delta: float, upper: bool) -> float:
    """The bound of a rate on one side; NaN without examples."""
    return _bound(counts, _unit_rate(counts, rate), delta, upper)


def bound_of_two(
    counts: UnitCounts, function: Linear | Quotient, one: RateOf, other: RateOf, delta: float
) -> float:
    """The upper bound of a function of two rates over different examples."""
    first, second = _unit_rate(counts, one), _unit_rate(counts, other)
    if first is None or second is None:
        return math.nan
    return upper_of_two_over_units(function, first, second, delta)


def bound_of_change(counts: UnitCounts, change: ChangeOf, delta: float, upper: bool) -> float:
    """The bound of how much a rate changes from another model; NaN where there is none, or no examples.

    With N and N' what both models' rates count of a unit's D members, (N - N' + D) / 2 is 0 to D, as the
    events of a rate are, and the rate of these is (change + 1) / 2. The bets see that it varies little
    where few answers differ.
    """
    if change.group not in counts:
        return math.nan
    definition = FIXED[change.rate]
    positive, negative = (
        yes - no for yes, no in (definition.positive_costs, definition.negative_costs)
    )
    moved = counts.changes(change.group, (positive, -positive, negative, -negative))
    if moved is None:
        return math.nan
    _, costs = _costs(change.rate)
    members = counts.sums(change.group, costs)
    events = np.clip((moved + members) / 2, 0.0, members)
    return 2 * _bound(counts, UnitRate(events, members, counts.most), delta, upper) - 1


def bound_of_quotient(
    counts: UnitCounts, above: Expression, below: Expression, delta: float, upper: bool
) -> float | None:
    """The bound of a quotient of sums of proportions of one group, such as F1; None of any other.

    With what stands above never more than what stands below, it is a rate like any other: of F1 two
    events and two members for a true positive, and a member for each mistake.
    """
    numerator, divisor = factors_of_outcomes(above), factors_of_outcomes(below)
    if numerator is None or divisor is None or numerator[0] != divisor[0]:
        return None
    group, costs, members = numerator[0], numerator[1], divisor[1]
    if not all(0 <= cost <= weight for cost, weight in zip(costs, members, strict=True)):
        return None
    if group not in counts:
        return math.nan
    events, weighed = counts.sums(group, costs), counts.sums(group, members)
    return _bound(counts, UnitRate(events, weighed, max(members) * counts.most), delta, upper)


def robust_upper(counts: UnitCounts, terms: Mapping[RateOf, float], delta: float) -> float:
    """The cluster-robust upper bound of sum_k a_k rate_k. Approximate; NaN without examples.

        value + t s,   s^2 = n / (n - 1) sum_u (sum_k a_k (N_uk - rate_k D_uk) / sum_v D_vk)^2

    with t the 1 - delta quantile of Student's distribution of n - 1 degrees, n units that have examples
    of a rate. Arguments: the rates and their factors.
    """
    value = 0.0
    influence = np.zeros(counts.units)
    seen = np.zeros(counts.units, np.bool_)
    for rate, factor in terms.items():
        units = _unit_rate(counts, rate)
        if units is None or math.isnan(units.rate):
            return math.nan
        value += factor * units.rate
        influence += factor * (units.events - units.rate * units.members) / units.members.sum()
        seen |= units.members > 0
    return robust_bound(value, influence[seen], delta)


def robust_bound(value: float, influence: NDArray[np.float64], delta: float) -> float:
    """The cluster-robust upper bound of a value by what each unit moves it by, (n,); inf for n < 2."""
    units = len(influence)
    if units < 2:
        return math.inf
    error = math.sqrt(units / (units - 1) * float(influence @ influence))
    return value - float(stdtrit(units - 1, delta)) * error


def _bound(counts: UnitCounts, rate: UnitRate | None, delta: float, upper: bool) -> float:
    if rate is None or math.isnan(rate.rate):
        return math.nan
    if counts.method == "betting":
        return upper_of_units(rate, delta) if upper else lower_of_units(rate, delta)
    sign = 1.0 if upper else -1.0
    seen = rate.members > 0
    influence = (rate.events - rate.rate * rate.members)[seen] / rate.members.sum()
    found = sign * robust_bound(sign * rate.rate, influence, delta)
    return min(max(found, 0.0), 1.0)


def _unit_rate(counts: UnitCounts, rate: RateOf) -> UnitRate | None:
    """The rate unit by unit; None of a group that is missing."""
    if rate.group not in counts:
        return None
    events, members = _costs(rate.rate)
    return UnitRate(counts.sums(rate.group, events), counts.sums(rate.group, members), counts.most)


def _costs(rate: str) -> tuple[Costs, Costs]:
    """What each outcome counts as an event and as a member of a rate."""
    pairs = [outcome.trials(rate) for outcome in OUTCOMES]
    events, members = zip(*pairs, strict=True)
    return tuple(map(float, events)), tuple(map(float, members))  # type: ignore[return-value]
