"""Expressions that bring slack variables and constraints of their own: bounds and quotients.

Source: Narasimhan, Cotter and Gupta, NeurIPS 2019, section 3 (slack variables for generalized
rates); Cotter et al., JMLR 20 (2019).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from fairgate.optimization.problems.expression import (
    Bounded,
    Expression,
    Resolved,
    bounded,
    exact,
)
from fairgate.optimization.problems.forms import Form, Least, OfSlack, Quotient
from fairgate.optimization.problems.slacks import Slack, proportion


def of_slack(slack: Slack, function: Callable[[tf.Tensor], tf.Tensor] = tf.identity) -> Expression:
    """function(value of a slack variable)."""
    form = Form(scalars=((1.0, OfSlack(slack, function)),))
    return exact(form, form)


def upper_bound(expressions: Sequence[Expression]) -> Expression:
    """A trained number s with  e <= s  for each e: their maximum, where it is minimised or kept low.

    Raises:
        ValueError: if there are no expressions.
        UnboundedError: (when a problem is built) if it is maximised, or kept above something.
    """
    _require_some(expressions)
    return Expression({Bounded("upper_bound(...)", _bounding(expressions, True), None): 1.0})


def lower_bound(expressions: Sequence[Expression]) -> Expression:
    """A trained number s with  e >= s  for each e: their minimum, where it is maximised or kept high.

    Raises:
        ValueError: if there are no expressions.
        UnboundedError: (when a problem is built) if it is minimised, or kept below something.
    """
    _require_some(expressions)
    return Expression({Bounded("lower_bound(...)", None, _bounding(expressions, False)): 1.0})


def largest(expressions: Sequence[Expression]) -> Expression:
    """max(expressions), whichever way it is used: `upper_bound` where it is minimised or kept low.

    Where it is maximised or kept high, one of them suffices: the model follows the one that is the
    largest by its surrogate. That is a union of cases, so the problem is no longer convex.

    Raises:
        ValueError: if there are no expressions.
    """
    _require_some(expressions)

    def make_lower() -> Resolved:
        return _least([-e for e in expressions], -1.0)

    return Expression({Bounded("largest(...)", _bounding(expressions, True), make_lower): 1.0})


def smallest(expressions: Sequence[Expression]) -> Expression:
    """min(expressions), whichever way it is used; see `largest`.

    Raises:
        ValueError: if there are no expressions.
    """
    _require_some(expressions)

    def make_upper() -> Resolved:
        return _least(expressions, 1.0)

    return Expression({Bounded("smallest(...)", make_upper, _bounding(expressions, False)): 1.0})


def ratio(numerator: Expression, denominator: Expression) -> Expression:
    """numerator / denominator, of expressions that are never negative, the divisor at most 1.

        minimised or kept low:    numerator / b,  b <= denominator
        maximised or kept high:   numerator / b,  b >= denominator

    with a trained b in [denominator_lower_bound, 1], which starts at 1. Both may be bounded
    expressions themselves. Used both ways, each way has its own b.
    """

    def make(upper: bool) -> Resolved:
        slack = Slack("denominator_bound", 1.0, proportion)
        above = numerator.resolve() if upper else (-numerator).resolve()
        sign = 1.0 if upper else -1.0
        bound = of_slack(slack) <= denominator if upper else denominator <= of_slack(slack)
        return Resolved(
            Form(scalars=((sign, Quotient(above.penalty, slack)),)),
            Form(scalars=((sign, Quotient(above.constraint, slack)),)),
            (bound, *above.extras),
        )

    return bounded("ratio(...)", make)


def _bounding(expressions: Sequence[Expression], above: bool) -> Callable[[], Resolved]:
    value = of_slack(Slack("upper_bound" if above else "lower_bound"))

    def make() -> Resolved:
        extras = (e <= value if above else e >= value for e in expressions)
        return value.resolve().needing(*extras)

    return make


def _least(expressions: Sequence[Expression], sign: float) -> Resolved:
    """sign * min(expressions), each of them used from above."""
    each = [expression.resolve() for expression in expressions]
    return Resolved(
        Form(scalars=((sign, Least(tuple(r.penalty for r in each))),)),
        Form(scalars=((sign, Least(tuple(r.constraint for r in each))),)),
        tuple(extra for r in each for extra in r.extras),
    )


def _require_some(expressions: Sequence[Expression]) -> None:
    if isinstance(expressions, Expression) or not all(
        isinstance(expression, Expression) for expression in expressions
    ):
        raise TypeError("expected a list of expressions")
    if not expressions:
        raise ValueError("a bound needs at least one expression")
