"""One-sided confidence bounds of rate expressions, by interval arithmetic over exact bounds.

A rate of a fixed classifier over n independent examples of its denominator set is a binomial
proportion, so Clopper-Pearson bounds it exactly. Larger expressions share the allowed probability
of error delta among the rates they contain (a union bound, which needs no independence: rates over
overlapping groups are fine).

Source: Clopper and Pearson, Biometrika 26 (1934), 404-413.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from scipy.special import betainccinv, betaincinv

from components.constrained_optimization.algebra import is_random, merge_terms, value_range
from components.constrained_optimization.expressions import (
    CurveOf,
    Expression,
    Maximum,
    Minimum,
    RateOf,
    Ratio,
    evaluate,
)
from components.constrained_optimization.rates import Counts, Group

Measured = Mapping[Group | None, Counts]


def clopper_pearson_upper(successes: float, trials: float, delta: float) -> float:
    """u with P(u < p) <= delta for successes ~ Binomial(trials, p).

        u = 1 - delta quantile of Beta(successes + 1, trials - successes);  1 if all succeeded

    Args:
        successes, trials: integers (as int or float), 0 <= successes <= trials.
        delta: allowed probability of error, in (0, 1).

    Returns:
        The bound in [0, 1]; NaN if there were no trials.

    Raises:
        ValueError: for counts that are no integers (such as sums of weights) or a bad delta.
    """
    _check(successes, trials, delta)
    if trials == 0:
        return math.nan
    if successes == trials:
        return 1.0
    return float(betainccinv(successes + 1, trials - successes, delta))


def clopper_pearson_lower(successes: float, trials: float, delta: float) -> float:
    """l with P(l > p) <= delta for successes ~ Binomial(trials, p).

        l = delta quantile of Beta(successes, trials - successes + 1);  0 if none succeeded

    Arguments, NaN and errors as for `clopper_pearson_upper`.
    """
    _check(successes, trials, delta)
    if trials == 0:
        return math.nan
    if successes == 0:
        return 0.0
    return float(betaincinv(successes, trials - successes + 1, delta))


def upper_bound(expression: Expression, counts: Measured, delta: float) -> float:
    """U with P(U < true value of the expression) <= delta, for a classifier fixed beforehand.

    By structure, writing U(e, delta) and L(e, delta) for bounds of e:

    * rate: Clopper-Pearson at delta.
    * sum: equal terms (and complements, like TPR = 1 - FNR) are merged first, so that a rate that
      appears twice costs once; the k terms that hold rates get delta / k each. A negative
      coefficient takes the lower bound of its term.
    * max: max_i U(e_i, delta), every one at the full delta. Proof: let i* be the argument whose
      true value is the largest. It is fixed (it depends on the truth, not on the data), and
      max_i U_i < max_i e_i implies U_{i*} < e_{i*}, which has probability at most delta.
    * min: min_i U(e_i, delta / n) over the n arguments that hold rates: the event min_i U_i <
      min_i e_i needs some U_i < e_i, one of n events.
    * ratio with a divisor that cannot be negative: max(U(n), 0) / L(d), delta / 2 each (all of it
      where only one of both holds rates); inf while L(d) is 0, or the divisor could be negative.

    So max_gap is  max over ordered pairs  CP_upper(a, delta / 2) - CP_lower(b, delta / 2).

    Args:
        expression: any expression.
        counts: unweighted outcomes of each group; the key None holds those of everyone.
        delta: allowed probability of error, in (0, 1): 0.05 for 95% confidence.

    Returns:
        The bound; inf if nothing can be promised; NaN where a rate has no examples or its group
        is missing (a comparison with NaN is False: the gate stays shut).

    Raises:
        ValueError: for a bad delta, counts that are no integers, or a measure over all thresholds.
    """
    _check_delta(delta)
    terms, total = merge_terms(expression)
    shares = sum(is_random(term) for term, factor in terms.items() if factor)
    for term, factor in terms.items():
        if factor == 0:
            bound = evaluate(term, counts)  # the value cancels, but it must exist
        elif factor > 0:
            bound = _upper_of_term(term, counts, delta / max(shares, 1))
        else:
            bound = _lower_of_term(term, counts, delta / max(shares, 1))
        if math.isnan(bound):
            return math.nan
        total += factor * bound if factor else 0.0
    return total


def lower_bound(expression: Expression, counts: Measured, delta: float) -> float:
    """L with P(L > true value of the expression) <= delta: -upper_bound(-expression)."""
    return -upper_bound(-expression, counts, delta)


def _upper_of_term(term: Expression, counts: Measured, delta: float) -> float:
    match term:
        case RateOf(rate, group):
            if group not in counts:
                return math.nan
            return clopper_pearson_upper(*counts[group].trials(rate), delta)
        case Maximum(arguments):
            return _extreme(max, [upper_bound(a, counts, delta) for a in arguments])
        case Minimum(arguments):
            share = delta / max(sum(map(is_random, arguments)), 1)
            return _extreme(min, [upper_bound(a, counts, share) for a in arguments])
        case Ratio(numerator, denominator):
            share = delta / max(is_random(numerator) + is_random(denominator), 1)
            above = upper_bound(numerator, counts, share)
            below = lower_bound(denominator, counts, share)
            if math.isnan(above) or math.isnan(below):
                return math.nan
            if value_range(denominator)[0] < 0 or below <= 0:
                return math.inf
            return max(above, 0.0) / below
    raise _unbounded(term)


def _lower_of_term(term: Expression, counts: Measured, delta: float) -> float:
    match term:
        case RateOf(rate, group):
            if group not in counts:
                return math.nan
            return clopper_pearson_lower(*counts[group].trials(rate), delta)
        case Minimum(arguments):
            return _extreme(min, [lower_bound(a, counts, delta) for a in arguments])
        case Maximum(arguments):
            share = delta / max(sum(map(is_random, arguments)), 1)
            return _extreme(max, [lower_bound(a, counts, share) for a in arguments])
        case Ratio(numerator, denominator):
            return _lower_of_ratio(numerator, denominator, counts, delta)
    raise _unbounded(term)


def _unbounded(term: Expression) -> Exception:
    if isinstance(term, CurveOf):
        return ValueError(f"{term} cannot be told from counts of decisions: it has no bound here")
    return TypeError(f"not a rate expression: {term!r}")


def _lower_of_ratio(
    numerator: Expression, denominator: Expression, counts: Measured, delta: float
) -> float:
    """L(n) / U(d) while L(n) >= 0 and the divisor cannot be negative; otherwise -inf."""
    share = delta / max(is_random(numerator) + is_random(denominator), 1)
    above = lower_bound(numerator, counts, share)
    below = upper_bound(denominator, counts, share)
    if math.isnan(above) or math.isnan(below):
        return math.nan
    if above < 0 or below <= 0 or value_range(denominator)[0] < 0:
        return -math.inf
    return above / below


def _extreme(choose: Callable[[list[float]], float], bounds: list[float]) -> float:
    return math.nan if any(map(math.isnan, bounds)) else choose(bounds)


def _check_delta(delta: float) -> None:
    if not 0 < delta < 1:
        raise ValueError(f"delta must be in (0, 1), got {delta!r}")


def _check(successes: float, trials: float, delta: float) -> None:
    _check_delta(delta)
    if not (float(successes).is_integer() and float(trials).is_integer()):
        raise ValueError(
            f"exact bounds need counts of examples, got {successes!r} of {trials!r}: "
            "sums of weights are not binomial; count the examples without weights"
        )
    if not 0 <= successes <= trials:
        raise ValueError(f"expected 0 <= successes <= trials, got {successes!r} of {trials!r}")
