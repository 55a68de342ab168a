"""Which rates are independent, and how the allowed probability of error is shared among bounds.

The union bound is valid for any shares that do not depend on the outcomes. Ours depend on sizes:
a rate of few examples, or with a large coefficient, gets more. That is sound where the sizes can
be held fixed without disturbing the rates: rates over disjoint sets of examples are independent
binomials given the sizes of these sets, whatever the sizes are (each set is a stratum of one
sample), so the bound keeps its promise given the sizes, and hence on average over them. Over sets
that overlap this is not so (the number of positives tells something about accuracy), and shares
depend on coefficients alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

from scipy.optimize import brentq
from scipy.special import ndtr

from fairgate.constraints.algebra import merge_terms
from fairgate.constraints.expressions import Expression, Number, RateOf, Ratio, rates_in
from fairgate.constraints.rates import RATES, Counts, Group

_COMPLEMENTS = (
    {"positives", "negatives"},
    {"predicted_positives", "predicted_negatives"},
)
# Nobody is of two classes, or told to be.
_OF_EACH_CLASS = ({"positives"}, {"predicted_positives"})


def disjoint(one: RateOf, other: RateOf) -> bool:
    """Whether no example is in the denominators of both rates.

    Different groups of one feature are; so are positives and negatives, or examples that are
    predicted + and -, of any groups, and the positives of two classes. Two such rates are independent
    given their denominators.
    """
    if (
        one.group
        and other.group
        and one.group.feature == other.group.feature
        and one.group.name != other.group.name
    ):
        return True
    of_one, of_other = (rate.group.of if rate.group else "" for rate in (one, other))
    sets = {RATES[one.rate].denominator, RATES[other.rate].denominator}
    if of_one != of_other:
        return bool(of_one and of_other) and sets in _OF_EACH_CLASS
    return sets in _COMPLEMENTS


def independent(expressions: Sequence[Expression]) -> bool:
    """Whether all the different rates in them are pairwise disjoint."""
    rates = {rate for each in expressions for rate in rates_in(each)}
    pairs = combinations(rates, 2)
    return all(isinstance(a, RateOf) and isinstance(b, RateOf) and disjoint(a, b) for a, b in pairs)


def spread(expression: Expression, counts: Mapping[Group | None, Counts] | None) -> float:
    """About how uncertain an expression is, seen from the sizes alone; only ratios matter.

    1 / sqrt(trials) of a rate (1 without counts), in quadrature over sums, the largest of max and
    min, the sum over a quotient's parts; 0 of what holds no rate.
    """
    match expression:
        case Number():
            return 0.0
        case RateOf(rate, group):
            if counts is None or group not in counts:
                return 1.0
            return 1 / math.sqrt(max(counts[group].trials(rate)[1], 1))
        case Ratio(numerator, denominator):
            return spread(numerator, counts) + spread(denominator, counts)
    terms, _ = merge_terms(expression)
    if expression not in terms:
        return math.hypot(*(factor * spread(term, counts) for term, factor in terms.items()))
    return max((spread(child, counts) for child in expression.children), default=1.0)


def share(delta: float, spreads: Sequence[float]) -> list[float]:
    """delta_i > 0 of sum delta that minimise  sum_i spread_i z(delta_i),  z the normal quantile.

    Where the derivative is the same for all:  phi(z_i) = spread_i / lambda,  so that
    z_i = sqrt(2 ln(lambda / (spread_i sqrt(2 pi)))), and lambda follows from the sum.

    Args:
        delta: in (0, 1).
        spreads: at least 0 each; one that is 0 (or absurdly small) counts as a thousandth of the
            largest.
    """
    largest = max(spreads, default=0.0)
    if len(spreads) < 2 or largest == 0 or delta >= 0.5:
        return [delta / max(len(spreads), 1)] * len(spreads)
    sizes = [max(each / largest, 1e-3) for each in spreads]

    def errors(log_ratio: float) -> list[float]:
        return [float(ndtr(-math.sqrt(2 * (log_ratio - math.log(each))))) for each in sizes]

    found = brentq(lambda log_ratio: sum(errors(log_ratio)) - delta, 0.0, 1e4, xtol=1e-12)
    parts = errors(float(found))
    return [delta * part / sum(parts) for part in parts]
