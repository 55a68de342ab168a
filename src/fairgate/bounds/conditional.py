"""Quotients over one group's outcomes that are a function of one binomial rate, such as F1.

The outcomes tp, fp, tn, fn of a group are multinomial. Where a quotient

    sum_i n_i P_i / sum_i d_i P_i

gives its outcomes i only two different pairs (n, d) besides (0, 0), it is a function of one share:

    (n_1 s + n_2 (1 - s)) / (d_1 s + d_2 (1 - s)),   s = P(first kind | one of the two)

Given how many examples are of either kind, those of the first are binomial with s, and the function
is monotone in s, so that Clopper-Pearson of s is exact. F1 = 2 TPP / (2 TPP + FNP + FPP) is
2 s / (1 + s) with s = TP / (TP + FP + FN), the Jaccard index. A promise that holds given a number
of examples holds on average over it.

Source for F1 and the Jaccard index: Lipton, Elkan and Naryanaswamy, ECML PKDD 2014, section 2.
"""

from __future__ import annotations

from dataclasses import dataclass

from fairgate.bounds.two_rates import Trials
from fairgate.constraints.algebra import merge_terms
from fairgate.constraints.expressions import Expression, RateOf
from fairgate.constraints.rates import OUTCOMES, RATES, Group, Measured
from fairgate.constraints.units import Costs


@dataclass(frozen=True)
class Moebius:
    """(a s + b) / (c s + d) of a share s that is binomial; the divisor is positive inside (0, 1).

    Attributes:
        trials: what was measured of s.
    """

    a: float
    b: float
    c: float
    d: float
    trials: Trials

    @property
    def rises(self) -> bool:
        """Whether it grows with s: the sign of its derivative's numerator."""
        return self.a * self.d - self.b * self.c >= 0

    def value(self, share: float) -> float:
        """At a share; infinite where the divisor is 0."""
        above, below = self.a * share + self.b, self.c * share + self.d
        if below > 1e-15:
            return above / below
        return float("inf") if above >= 0 else float("-inf")


def one_share(above: Expression, below: Expression, counts: Measured) -> Moebius | None:
    """above / below as a function of one share, or None where it is none.

    >>> from fairgate.constraints.algebra import f1
    >>> from fairgate.constraints.rates import Counts
    >>> score = f1()
    >>> one_share(score.numerator, score.denominator, {None: Counts(tp=80, fp=10, tn=100, fn=10)})
    Moebius(a=2.0, b=0.0, c=1.0, d=1.0, trials=Trials(successes=80, trials=100))
    """
    numerator, divisor = factors_of_outcomes(above), factors_of_outcomes(below)
    if numerator is None or divisor is None or numerator[0] != divisor[0]:
        return None
    group, costs, weights = numerator[0], numerator[1], divisor[1]
    if group not in counts:
        return None
    kinds: dict[tuple[float, float], float] = {}
    outcomes = counts[group]
    for pair, count in zip(
        zip(costs, weights, strict=True),
        (outcomes.tp, outcomes.fp, outcomes.tn, outcomes.fn),
        strict=True,
    ):
        if pair != (0.0, 0.0):
            kinds[pair] = kinds.get(pair, 0) + count
    if len(kinds) != 2 or min(weight for _, weight in kinds) < 0:
        return None
    (n1, d1), (n2, d2) = kinds
    first, second = kinds.values()
    return Moebius(n1 - n2, n2, d1 - d2, d2, Trials(first, first + second))


def factors_of_outcomes(expression: Expression) -> tuple[Group | None, Costs] | None:
    """(group, factors of its outcomes) of a sum of proportions of one group's examples, else None.

    >>> factors_of_outcomes(2 * RateOf("TPP") + RateOf("ERR"))
    (None, (2.0, 1.0, 0.0, 1.0))
    """
    terms, constant = merge_terms(expression)
    rates = [term for term in terms if isinstance(term, RateOf)]
    groups = {rate.group for rate in rates}
    if len(rates) != len(terms) or len(groups) != 1:
        return None
    if any(RATES[rate.rate].denominator != "all" for rate in rates):
        return None
    tp, fp, tn, fn = (
        round(constant + sum(terms[rate] * one.trials(rate.rate)[0] for rate in rates), 12)
        for one in OUTCOMES
    )
    return groups.pop(), (tp, fp, tn, fn)
