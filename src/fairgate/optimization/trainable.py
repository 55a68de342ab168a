"""What a trainer can follow of a constraint: linear pieces where there are, otherwise quotients,
maxima and minima in a form that slack variables can hold.

Anything the language can say is trainable but for three things: a divisor that may be negative or
without limit; a recall at some precision that must be low, which a threshold above all scores would
make 0; and a limit that no classifier can meet. Quotients are rewritten so that a trained
divisor b <= d (or b >= d) bounds them on the right side:

    (p - q) / d = p / d - q / d,   max(p, q) / d = max(p / d, q / d),   n / d = (n / h) / (d / h)

with every numerator never negative and h the largest value of d, so that d / h is at most 1.
"""

from __future__ import annotations

import math
from dataclasses import replace

from fairgate.constraints import algebra
from fairgate.constraints.algebra import MOST_NODES, size, value_range
from fairgate.constraints.errors import NotTrainableError, OutOfReachError
from fairgate.constraints.expressions import (
    Constraint,
    CurveOf,
    Expression,
    Maximum,
    Minimum,
    Number,
    RateOf,
    Ratio,
    Scaled,
    Sum,
    add,
    divide,
    scale,
)
from fairgate.constraints.linear import linearize


def pieces(constraint: Constraint) -> list[Constraint]:
    """Constraints that hold together exactly if this one does, each as a trainer can follow it.

    Returns:
        Linear ones, if it is an intersection of such (none of them if it always holds); otherwise
        the constraint itself, its quotients rewritten.

    Raises:
        NotTrainableError: (a ValueError) naming the part in the way.
    """
    try:
        return [replace(p.as_expression() <= 0.0, text=p.source) for p in linearize(constraint)]
    except OutOfReachError:
        raise
    except NotTrainableError:
        prepared = _prepared(constraint.expression, constraint.text)
    _require_held(constraint.expression, constraint.sense == "<=", constraint.text)
    low, high = value_range(prepared)
    if constraint.violation(low if constraint.sense == "<=" else high) > 0:
        raise OutOfReachError(constraint.text, str(constraint.expression))
    return [replace(constraint, expression=prepared)]


def _require_held(node: Expression, low: bool, text: str) -> None:
    """NotTrainableError for a recall at some precision that is kept low."""
    match node:
        case CurveOf("recall_at_precision") if low:
            problem = f"{node} must be low, and is 0 at a threshold above all scores"
            raise NotTrainableError(text, str(node), problem, "precision_at_recall, or '>='")
        case Scaled(factor, inner):
            _require_held(inner, low == (factor > 0), text)
        case Ratio(numerator, denominator):
            _require_held(numerator, low, text)
            _require_held(denominator, not low, text)
        case _:
            for child in node.children:
                _require_held(child, low, text)


def _prepared(node: Expression, text: str) -> Expression:
    match node:
        case RateOf():
            quotient = algebra.as_quotient(node)
            return node if quotient is node else _prepared(quotient, text)
        case Sum(terms):
            return add(*(_prepared(term, text) for term in terms))
        case Scaled(factor, inner):
            return scale(factor, _prepared(inner, text))
        case Maximum(arguments):
            return algebra.maximum(*(_prepared(argument, text) for argument in arguments))
        case Minimum(arguments):
            return algebra.minimum(*(_prepared(argument, text) for argument in arguments))
        case Ratio(numerator, denominator):
            least, most = value_range(denominator)
            if least < 0 or not 0 < most < math.inf:
                raise NotTrainableError(
                    text,
                    str(denominator),
                    "a divisor must never be negative, and must have a largest value",
                    "a sum of rates as the divisor",
                )
            share = 1.0 / max(most, 1.0)
            below = scale(share, _prepared(denominator, text))
            above = _prepared(numerator, text)
            # Each part of the numerator gets the divisor to itself.
            nodes = size(above) * (1 + size(below))
            if nodes > MOST_NODES:
                raise NotTrainableError(
                    text,
                    f"{str(node)[:200]} ...",
                    f"this quotient is too large: {nodes:,} rates and operations once each part of the "
                    "numerator has a divisor of its own",
                    "a quotient of fewer groups, or several constraints",
                )
            return _divided(above, below, share)
    return node


def _divided(numerator: Expression, below: Expression, share: float) -> Expression:
    """share * numerator / below, with numerators that are never negative."""
    if value_range(numerator)[0] >= 0:
        return divide(scale(share, numerator), below)
    match numerator:
        case Number(value):
            return scale(value, _divided(Number(1.0), below, share))
        case Scaled(factor, inner):
            return scale(factor, _divided(inner, below, share))
        case Sum(terms):
            return add(*(_divided(term, below, share) for term in terms))
        case Maximum(arguments):
            return algebra.maximum(*(_divided(argument, below, share) for argument in arguments))
        case Minimum(arguments):
            return algebra.minimum(*(_divided(argument, below, share) for argument in arguments))
    raise TypeError(f"not a rate expression: {numerator!r}")
