"""One-sided confidence bounds of any expression.

Bounds of single rates and of pairs of independent rates, put together by interval arithmetic: a
union bound, which needs no independence (rates over overlapping groups are fine).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fairgate.bounds import over_units
from fairgate.bounds.conditional import Moebius, one_share
from fairgate.bounds.joint import upper_of_sum
from fairgate.bounds.one_rate import LOWER, UPPER, check_delta
from fairgate.bounds.paired import lower_change, upper_change
from fairgate.bounds.shares import disjoint, independent, share, spread
from fairgate.bounds.two_rates import Linear, Quotient, Trials, newcombe_upper, upper_bound_of_two
from fairgate.constraints.algebra import is_random, merge_terms, value_range
from fairgate.constraints.expressions import (
    ChangeOf,
    CurveOf,
    Expression,
    Maximum,
    Minimum,
    RateOf,
    Ratio,
    evaluate,
)
from fairgate.constraints.rates import Measured
from fairgate.constraints.units import UnitCounts

METHODS = ("exact", "newcombe", *UPPER)
"""exact: two independent rates together, others by Clopper-Pearson; newcombe: the same approximately, by
Newcombe's limit and Wilson's; or one bound for all rates."""
_OF_ONE = {"exact": "clopper_pearson", "newcombe": "wilson"}


def upper_bound(
    expression: Expression, counts: Measured, delta: float, method: str = "exact"
) -> float:
    """U with P(U < true value of the expression) <= delta, for a classifier fixed beforehand.

    By structure, writing U(e, delta) and L(e, delta) for bounds of e:

    | expression | bound |
    |---|---|
    | rate | Clopper-Pearson at delta |
    | change of a rate against another model | McNemar's, of the examples that differ (`paired`) |
    | a r + b s, two independent rates | Buehler's bound at delta (`two_rates`) |
    | a sum of two such parts, all of whose rates are independent | `joint`, a staircase of both bounds |
    | any other sum | each part's bound at a share of delta, by `shares.share` |
    | max | max_i U(e_i, delta), every one at the full delta |
    | min | min_i U(e_i, delta / n) over the n arguments that hold rates |
    | quotient of two independent rates (linear in each, not negative) | Buehler's at delta |
    | quotient that is a function of one share, like F1 | Clopper-Pearson of it (`conditional`) |
    | any other quotient | max(U(n), 0) / L(d), a share of delta each; inf while L(d) is 0 |

    A sum is merged first: equal rates (and complements, like TPR = 1 - FNR) count once, and
    independent rates are bounded in pairs. A negative coefficient takes the lower bound.

    Max at the full delta: let i* be the argument whose true value is the largest. It is fixed (it
    depends on the truth, not on the data), and max_i U_i < max_i e_i implies U_{i*} < e_{i*}, which
    has probability at most delta. So max_gap, the largest difference over ordered pairs of groups,
    is bounded by the largest of the pairs' bounds at the full delta, however many groups there are.
    Min: the event min_i U_i < min_i e_i needs some U_i < e_i, one of n events.

    Over units (`constraints.units.UnitCounts`) the rates, the functions of two rates and F1 take the
    bounds of `betting` (or, by the counts' method, the cluster-robust ones of `over_units`).

    Args:
        expression: any expression.
        counts: unweighted outcomes of each group; the key None holds those of everyone. Or outcomes of
            units, which may be weighted.
        delta: allowed probability of error, in (0, 1): 0.05 for 95% confidence.
        method: one of `METHODS`. Others than "exact" and "newcombe" take that bound (`one_rate`) for
            every rate and never two rates together; only "exact", "hoeffding" and "clopper_pearson" are
            guaranteed.

    Returns:
        The bound; inf if nothing can be promised; NaN where a rate has no examples or its group
        is missing (a comparison with NaN is False: the gate stays shut).

    Raises:
        ValueError: for a bad delta, counts that are no integers, another method, or a measure over
            all thresholds.

    >>> from fairgate.constraints import Counts, Group, max_gap
    >>> men, women = Group("sex", "Male"), Group("sex", "Female")
    >>> counts = {men: Counts(tp=40, fp=10, tn=90, fn=10), women: Counts(tp=40, fp=5, tn=95, fn=10)}
    >>> round(upper_bound(max_gap("FPR", [men, women]), counts, delta=0.05), 4)  # measured: 0.05
    0.1173
    """
    check_delta(delta)
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; the methods are {', '.join(METHODS)}")
    if isinstance(counts, UnitCounts) and method != "exact":
        raise ValueError(f"method {method!r} is of independent examples, and these come in units")
    return _Bounds(counts, method).upper(expression, delta)


def lower_bound(
    expression: Expression, counts: Measured, delta: float, method: str = "exact"
) -> float:
    """L with P(L > true value of the expression) <= delta: -upper_bound(-expression).

    >>> from fairgate.constraints import Counts, RateOf
    >>> round(lower_bound(RateOf("TPR"), {None: Counts(tp=59, fp=0, tn=0, fn=0)}, delta=0.05), 4)
    0.9505
    """
    return -upper_bound(-expression, counts, delta, method)


@dataclass(frozen=True)
class _Part:
    """What is bounded together: about how uncertain it is, and its upper bound at a delta.

    The bound is also given a floor: it may be the floor where it is less.
    """

    spread: float
    bound: Callable[[float, float], float]


@dataclass(frozen=True)
class _Bounds:
    """Bounds on one measurement, by one method."""

    counts: Measured
    method: str

    def upper(self, expression: Expression, delta: float, floor: float = -math.inf) -> float:
        """The bound; or `floor`, where that is cheaper and more."""
        terms, total = merge_terms(expression)
        missing = (evaluate(term, self.counts) for term, factor in terms.items() if not factor)
        if any(map(math.isnan, missing)):
            return math.nan  # the value cancels, but it must exist
        random = {term: factor for term, factor in terms.items() if factor}
        parts = self._parts(random)
        if len(parts) == 2 and self.method == "exact" and self._sizes(tuple(random)) is not None:
            one, other = parts
            return total + upper_of_sum(
                lambda level: one.bound(level, -math.inf),
                lambda level: other.bound(level, -math.inf),
                (one.spread, other.spread),
                delta,
            )
        shares = share(delta, [part.spread for part in parts])
        least = floor - total if len(parts) == 1 else -math.inf
        found = [part.bound(each, least) for part, each in zip(parts, shares, strict=True)]
        return math.nan if any(map(math.isnan, found)) else sum(found, total)

    def lower(self, expression: Expression, delta: float, ceiling: float = math.inf) -> float:
        return -self.upper(-expression, delta, -ceiling)

    def _parts(self, terms: Mapping[Expression, float]) -> list[_Part]:
        """A sum's terms, the most uncertain first, two independent rates as one part."""
        known = self._sizes(tuple(terms))
        spreads = {term: abs(factor) * spread(term, known) for term, factor in terms.items()}
        left = sorted(terms, key=lambda term: -spreads[term])
        parts = []
        if isinstance(self.counts, UnitCounts) and self.counts.method == "cluster_robust":
            rates = {term: terms[term] for term in left if isinstance(term, RateOf)}
            left = [term for term in left if term not in rates]
            if rates:
                width = math.hypot(*(spreads[term] for term in rates))
                parts.append(_Part(width, self._of_all(rates)))
        while left:
            term, factor = left[0], terms[left.pop(0)]
            partner = self._partner(term, left)
            if partner is None:
                parts.append(_Part(spreads[term], self._scaled(term, factor)))
                continue
            left.remove(partner)
            function = Linear(factor, terms[partner])
            width = math.hypot(spreads[term], spreads[partner])
            parts.append(_Part(width, self._of_two(function, term, partner)))
        return parts

    def _sizes(self, expressions: Sequence[Expression]) -> Measured | None:
        """What shares of delta may depend on: sizes that can be held fixed; those of units cannot."""
        fixed = not isinstance(self.counts, UnitCounts) and independent(expressions)
        return self.counts if fixed else None

    def _partner(self, term: Expression, others: Sequence[Expression]) -> RateOf | None:
        if self.method not in _OF_ONE or not isinstance(term, RateOf):
            return None
        rates = (other for other in others if isinstance(other, RateOf))
        return next((other for other in rates if disjoint(term, other)), None)

    def _scaled(self, term: Expression, factor: float) -> Callable[[float, float], float]:
        if factor > 0:
            return lambda delta, _: factor * self._upper_of_term(term, delta)
        return lambda delta, _: factor * self._lower_of_term(term, delta)

    def _of_all(self, rates: Mapping[RateOf, float]) -> Callable[[float, float], float]:
        """The approximate bound of a sum of rates over units, all at once."""
        assert isinstance(self.counts, UnitCounts)
        counts = self.counts
        return lambda delta, _: over_units.robust_upper(counts, rates, delta)

    def _of_two(
        self, function: Linear | Quotient, one: Expression, other: Expression
    ) -> Callable[[float, float], float]:
        def bound(delta: float, floor: float) -> float:
            if isinstance(self.counts, UnitCounts):
                assert isinstance(one, RateOf) and isinstance(other, RateOf)
                return over_units.bound_of_two(self.counts, function, one, other, delta)
            first, second = self._trials(one), self._trials(other)
            if not (first.trials and second.trials):
                return math.nan
            if self.method == "newcombe":
                return newcombe_upper(function, first, second, delta)
            return upper_bound_of_two(function, first, second, delta, floor)

        return bound

    def _trials(self, rate: Expression) -> Trials:
        """Successes and trials of a rate; none of a group that is missing."""
        assert isinstance(rate, RateOf)
        known = rate.group in self.counts
        return Trials(*(self.counts[rate.group].trials(rate.rate) if known else (0, 0)))

    def _upper_of_term(self, term: Expression, delta: float) -> float:
        match term:
            case RateOf():
                return self._of_rate(term, delta, upper=True)
            case ChangeOf():
                return self._of_change(term, delta, upper=True)
            case Maximum(arguments):
                return self._largest_upper(arguments, delta)
            case Minimum(arguments):
                part = delta / max(sum(map(is_random, arguments)), 1)
                return _extreme(min, [self.upper(each, part) for each in arguments])
            case Ratio(numerator, denominator):
                return self._upper_of_ratio(numerator, denominator, delta)
        raise _unbounded(term)

    def _lower_of_term(self, term: Expression, delta: float) -> float:
        match term:
            case RateOf():
                return self._of_rate(term, delta, upper=False)
            case ChangeOf():
                return self._of_change(term, delta, upper=False)
            case Minimum(arguments):
                return -self._largest_upper([-each for each in arguments], delta)
            case Maximum(arguments):
                part = delta / max(sum(map(is_random, arguments)), 1)
                return _extreme(max, [self.lower(each, part) for each in arguments])
            case Ratio(numerator, denominator):
                return self._lower_of_ratio(numerator, denominator, delta)
        raise _unbounded(term)

    def _of_change(self, term: ChangeOf, delta: float, upper: bool) -> float:
        """NaN where there is no other model."""
        if isinstance(self.counts, UnitCounts):
            return over_units.bound_of_change(self.counts, term, delta, upper)
        bound = upper_change if upper else lower_change
        known = self.counts.get(term.group)
        changes = None if known is None else known.changes(term.rate)
        return math.nan if changes is None else bound(*changes, delta)

    def _largest_upper(self, arguments: Sequence[Expression], delta: float) -> float:
        """max_i U(e_i, delta), the largest value first: most others are seen to be less at a glance."""
        values = {each: evaluate(each, self.counts) for each in arguments}
        unknown = [each for each in values if math.isnan(values[each])]
        known = sorted(values.keys() - set(unknown), key=lambda each: (-values[each], str(each)))
        largest = -math.inf
        for each in [*unknown, *known]:
            bound = self.upper(each, delta, largest)
            if math.isnan(bound):
                return bound
            largest = max(largest, bound)
        return largest

    def _of_rate(self, rate: RateOf, delta: float, upper: bool) -> float:
        if isinstance(self.counts, UnitCounts):
            return over_units.bound_of_rate(self.counts, rate, delta, upper)
        trials = self._trials(rate)
        bounds = UPPER if upper else LOWER
        return bounds[_OF_ONE.get(self.method, self.method)](trials.successes, trials.trials, delta)

    def _upper_of_ratio(self, above: Expression, below: Expression, delta: float) -> float:
        whole = self._of_one_group(above, below, delta, upper=True)
        if whole is not None:
            return whole
        found = self._quotient(above, below)
        if found is not None:
            return found(delta, -math.inf)
        parts = self._divided(above, below, delta)
        most, least = self.upper(above, parts[0]), self.lower(below, parts[1])
        if math.isnan(most) or math.isnan(least):
            return math.nan
        if value_range(below)[0] < 0 or least <= 0:
            return math.inf
        return max(most, 0.0) / least

    def _lower_of_ratio(self, above: Expression, below: Expression, delta: float) -> float:
        """L(n) / U(d) while L(n) >= 0 and the divisor cannot be negative; otherwise -inf."""
        whole = self._of_one_group(above, below, delta, upper=False)
        if whole is not None:
            return whole
        found = self._quotient(below, above)
        if found is not None:  # the inverse of the inverse's upper bound
            bound = found(delta, -math.inf)
            return math.inf if bound == 0 else 1 / bound
        parts = self._divided(above, below, delta)
        least, most = self.lower(above, parts[0]), self.upper(below, parts[1])
        if math.isnan(least) or math.isnan(most):
            return math.nan
        if least < 0 or most <= 0 or value_range(below)[0] < 0:
            return -math.inf
        return least / most

    def _of_one_group(
        self, above: Expression, below: Expression, delta: float, upper: bool
    ) -> float | None:
        """The bound of a quotient over one group's outcomes, such as F1; None of any other."""
        if isinstance(self.counts, UnitCounts):
            return over_units.bound_of_quotient(self.counts, above, below, delta, upper)
        function = one_share(above, below, self.counts) if self.method == "exact" else None
        return None if function is None else _of_share(function, delta, upper)

    def _divided(self, above: Expression, below: Expression, delta: float) -> list[float]:
        """The shares of numerator and divisor; all of it where only one holds rates."""
        if not (is_random(above) and is_random(below)):
            return [delta, delta]
        known = self._sizes((above, below))
        return share(delta, [spread(above, known), spread(below, known)])

    def _quotient(
        self, above: Expression, below: Expression
    ) -> Callable[[float, float], float] | None:
        """The bound of above / below where Buehler's applies, else None."""
        numerator, divisor = _one_rate(above), _one_rate(below)
        robust = isinstance(self.counts, UnitCounts) and self.counts.method == "cluster_robust"
        if self.method not in _OF_ONE or robust or numerator is None or divisor is None:
            return None
        (one, a, a0), (other, b, b0) = numerator, divisor
        if not disjoint(one, other) or min(a0, a0 + a, b0, b0 + b) < 0:
            return None
        return self._of_two(Quotient(a0, a, b0, b), one, other)


def _of_share(function: Moebius, delta: float, upper: bool) -> float:
    """The bound on one side, from that of the share on the side that it follows."""
    bounds = UPPER if upper == function.rises else LOWER
    trials = function.trials
    found = bounds["clopper_pearson"](trials.successes, trials.trials, delta)
    return found if math.isnan(found) else function.value(found)


def _one_rate(expression: Expression) -> tuple[RateOf, float, float] | None:
    """(rate, coefficient, constant) of an expression with one rate, else None."""
    terms, constant = merge_terms(expression)
    if len(terms) != 1:
        return None
    [(term, factor)] = terms.items()
    return (term, factor, constant) if isinstance(term, RateOf) and factor else None


def _unbounded(term: Expression) -> Exception:
    if isinstance(term, CurveOf):
        return ValueError(f"{term} cannot be told from counts of decisions: it has no bound here")
    return TypeError(f"not a rate expression: {term!r}")


def _extreme(choose: Callable[[list[float]], float], bounds: list[float]) -> float:
    return math.nan if any(map(math.isnan, bounds)) else choose(bounds)
