"""Expressions as the constraint language writes them: the text parses back to the same tree."""

from __future__ import annotations

from fairgate.constraints.classes import regardless
from fairgate.constraints.expressions import (
    ChangeOf,
    CurveOf,
    Expression,
    Maximum,
    Minimum,
    Number,
    RateOf,
    Ratio,
    Scaled,
    Sum,
    written,
)
from fairgate.constraints.notation import class_text, group_text, number_text


@written.register
def _(number: Number) -> str:
    return number_text(number.value)


@written.register
def _(rate: RateOf) -> str:
    of = class_text(rate.group.of) if rate.group is not None and rate.group.of else ""
    people = regardless(rate.group)
    return f"{rate.rate}{of}" if people is None else f"{rate.rate}{of} | {group_text(people)}"


@written.register
def _(curve: CurveOf) -> str:
    name = curve.measure
    if curve.target is not None:
        name += f"({number_text(curve.target)})"
    return name if curve.group is None else f"{name} | {group_text(curve.group)}"


@written.register
def _(change: ChangeOf) -> str:
    return f"change({RateOf(change.rate, change.group)})"


@written.register
def _(total: Sum) -> str:
    first, *others = total.terms
    return _operand(first, Sum) + "".join(map(_signed, others))


@written.register
def _(scaled: Scaled) -> str:
    product = _operand(scaled.expression, Sum, Scaled, Ratio, Number)
    return f"-{product}" if scaled.factor == -1 else f"{number_text(scaled.factor)} * {product}"


@written.register
def _(ratio: Ratio) -> str:
    below = _operand(ratio.denominator, Sum, Scaled, Ratio, Number)
    return f"{_operand(ratio.numerator, Sum)} / {below}"


@written.register
def _(maximum: Maximum) -> str:
    arguments = maximum.arguments
    if len(arguments) == 2 and arguments[1] == -arguments[0]:
        return f"abs({arguments[0]})"
    return f"max({', '.join(map(str, arguments))})"


@written.register
def _(minimum: Minimum) -> str:
    return f"min({', '.join(map(str, minimum.arguments))})"


def _operand(expression: Expression, *loose: type[Expression]) -> str:
    """The text, in parentheses if the node binds looser than the operator around it."""
    text = written(expression)
    return f"({text})" if isinstance(expression, loose) else text


def _signed(term: Expression) -> str:
    """A term after the first one of a sum, with the operator before it."""
    match term:
        case Number(value) if value < 0:
            return f" - {number_text(-value)}"
        case Scaled(factor, Ratio() as inner) if factor == -1:
            return f" - {written(inner)}"
        case Scaled(factor, inner) if factor < 0:
            positive = inner if factor == -1 else Scaled(-factor, inner)
            return f" - {_operand(positive, Sum)}"
    return f" + {_operand(term, Sum)}"
