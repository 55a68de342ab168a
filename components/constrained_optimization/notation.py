"""The text of an expression, in the constraint language.

For trees in canonical form, `language.parse` reads the text back to the same tree.
"""

from __future__ import annotations

from components.constrained_optimization.expressions import (
    CurveOf,
    Expression,
    Maximum,
    Minimum,
    Number,
    RateOf,
    Ratio,
    Scaled,
    Sum,
)
from components.constrained_optimization.rates import Group


def number_text(value: float) -> str:
    """The shortest text that reads back to the same float64, without a needless '.0'."""
    text = repr(float(value))
    return text[:-2] if text.endswith(".0") else text


def group_text(group: Group) -> str:
    """[Feature=Group], with a backslash before the characters that mean something in brackets."""
    content = f"{group.feature}={group.name}"
    return "[" + "".join("\\" + c if c in "\\[]" else c for c in content) + "]"


def to_text(expression: Expression) -> str:
    """The expression in the constraint language; groups as [Feature=Group]."""
    match expression:
        case Number(value):
            return number_text(value)
        case RateOf(rate, group):
            return rate if group is None else f"{rate} | {group_text(group)}"
        case CurveOf(measure, group, target):
            name = measure if target is None else f"{measure}({number_text(target)})"
            return name if group is None else f"{name} | {group_text(group)}"
        case Sum(terms):
            first, *others = terms
            return _operand(first, Sum) + "".join(map(_signed, others))
        case Scaled(factor, inner):
            product = _operand(inner, Sum, Scaled, Ratio, Number)
            return f"-{product}" if factor == -1 else f"{number_text(factor)} * {product}"
        case Ratio(numerator, denominator):
            below = _operand(denominator, Sum, Scaled, Ratio, Number)
            return f"{_operand(numerator, Sum)} / {below}"
        case Maximum(arguments):
            if len(arguments) == 2 and arguments[1] == -arguments[0]:
                return f"abs({arguments[0]})"
            return f"max({', '.join(map(str, arguments))})"
        case Minimum(arguments):
            return f"min({', '.join(map(str, arguments))})"
    raise TypeError(f"not a rate expression: {expression!r}")


def _operand(expression: Expression, *loose: type[Expression]) -> str:
    """The text, in parentheses if the node binds looser than the operator around it."""
    text = to_text(expression)
    return f"({text})" if isinstance(expression, loose) else text


def _signed(term: Expression) -> str:
    """A term after the first one of a sum, with the operator before it."""
    match term:
        case Number(value) if value < 0:
            return f" - {number_text(-value)}"
        case Scaled(factor, Ratio() as inner) if factor == -1:
            return f" - {to_text(inner)}"
        case Scaled(factor, inner) if factor < 0:
            positive = inner if factor == -1 else Scaled(-factor, inner)
            return f" - {_operand(positive, Sum)}"
    return f" + {_operand(term, Sum)}"
