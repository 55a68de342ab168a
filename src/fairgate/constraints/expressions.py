"""Rate expressions and constraints, as values: the syntax tree and its evaluation.

A node is a frozen dataclass, and Python operators build trees (`+`, `-`, `*` by a number, `/`,
`<=` and `>=`), so that the library is usable without the language:

    gap = RateOf("FPR", young) - RateOf("FPR", not_young)
    constraint = absolute(gap) <= 0.02

Trees are built in canonical form: sums are flat and hold at most one number; a factor never multiplies
a number, another factor or one; a division by a number is a factor. The text of such a tree parses back
to the same tree.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fairgate.constraints.classes import regardless
from fairgate.constraints.curves import Scored, check_curve
from fairgate.constraints.notation import number_text
from fairgate.constraints.rates import FIXED, RATES, Counts, Group

Sense = Literal["<=", ">="]
# The outcomes of each group; the key None holds those of everyone.
Outcomes = Mapping[Group | None, Counts] | Mapping[Group | None, Scored]


class Expression:
    """Base of all nodes: a function of the rates of a classifier."""

    @property
    def children(self) -> tuple[Expression, ...]:
        """The nodes directly below this one."""
        return ()

    def __add__(self, other: Expression | float) -> Expression:
        return add(self, other)

    def __radd__(self, other: float) -> Expression:
        return add(other, self)

    def __sub__(self, other: Expression | float) -> Expression:
        return add(self, scale(-1.0, other))

    def __rsub__(self, other: float) -> Expression:
        return add(other, scale(-1.0, self))

    def __neg__(self) -> Expression:
        return scale(-1.0, self)

    def __mul__(self, factor: float) -> Expression:
        return scale(factor, self)

    __rmul__ = __mul__

    def __truediv__(self, other: Expression | float) -> Expression:
        return divide(self, other)

    def __rtruediv__(self, other: float) -> Expression:
        return divide(other, self)

    def __le__(self, other: Expression | float) -> Constraint:
        return _compare(self, "<=", other)

    def __ge__(self, other: Expression | float) -> Constraint:
        return _compare(self, ">=", other)

    def __str__(self) -> str:
        return written(self)


@singledispatch
def written(expression: Expression) -> str:
    """The expression in the constraint language; what is written of each node stands in `writing`.

    Raises:
        TypeError: for another kind of node.
    """
    raise TypeError(f"not a rate expression: {expression!r}")


@dataclass(frozen=True)
class Number(Expression):
    """A constant. ValueError if it is not finite."""

    value: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise ValueError(f"a constant must be finite, got {self.value!r}")


@dataclass(frozen=True)
class RateOf(Expression):
    """The rate `rate` (a key of `RATES`) over `group` (None: over everyone)."""

    rate: str
    group: Group | None = None

    def __post_init__(self) -> None:
        if self.rate not in RATES:
            raise ValueError(f"unknown rate {self.rate!r}; the rates are {', '.join(RATES)}")


@dataclass(frozen=True)
class CurveOf(Expression):
    """A measure of the scores (a key of `CURVES`) over `group` (None: over everyone).

    ValueError for an unknown measure, or a target that does not fit.
    """

    measure: str
    group: Group | None = None
    target: float | None = None

    def __post_init__(self) -> None:
        check_curve(self.measure, self.target)


@dataclass(frozen=True)
class ChangeOf(Expression):
    """The rate `rate` (a key of `FIXED`) over `group`, minus that of another model on the same examples.

    Which other model that is, the counts know (`Counts.against`). ValueError for another rate: over
    examples that are predicted alike, two models have not the same examples.
    """

    rate: str
    group: Group | None = None

    def __post_init__(self) -> None:
        if self.rate not in FIXED:
            raise ValueError(
                f"the change of {self.rate!r} is not known; it is of {', '.join(FIXED)}"
            )


@dataclass(frozen=True)
class Sum(Expression):
    """terms[0] + terms[1] + ..."""

    terms: tuple[Expression, ...]

    @property
    def children(self) -> tuple[Expression, ...]:
        return self.terms


@dataclass(frozen=True)
class Scaled(Expression):
    """factor * expression. ValueError if the factor is not finite."""

    factor: float
    expression: Expression

    def __post_init__(self) -> None:
        if not math.isfinite(self.factor):
            raise ValueError(f"a factor must be finite, got {self.factor!r}")

    @property
    def children(self) -> tuple[Expression, ...]:
        return (self.expression,)


@dataclass(frozen=True)
class Ratio(Expression):
    """numerator / denominator."""

    numerator: Expression
    denominator: Expression

    @property
    def children(self) -> tuple[Expression, ...]:
        return (self.numerator, self.denominator)


@dataclass(frozen=True)
class _Extreme(Expression):
    """One of several arguments. ValueError if there is none."""

    arguments: tuple[Expression, ...]

    def __post_init__(self) -> None:
        if not self.arguments:
            raise ValueError(f"a {type(self).__name__.lower()} needs at least one argument")

    @property
    def children(self) -> tuple[Expression, ...]:
        return self.arguments


class Maximum(_Extreme):
    """max(arguments), at least one. abs(e) is Maximum((e, -e))."""


class Minimum(_Extreme):
    """min(arguments), at least one."""


def as_expression(value: Expression | float) -> Expression:
    """A number as a node; nodes pass through.

    Raises:
        TypeError: for anything else.
        ValueError: for NaN and infinities.
    """
    if isinstance(value, Expression):
        return value
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        raise TypeError(f"expected a rate expression or a number, got {value!r}")
    return Number(float(value))


def add(*terms: Expression | float) -> Expression:
    """terms[0] + terms[1] + ..., flat; numbers are collected where the first of them stands."""
    collected: list[Expression] = []
    constant, place = 0.0, None
    for term in map(as_expression, terms):
        for part in term.terms if isinstance(term, Sum) else (term,):
            if isinstance(part, Number):
                place = len(collected) if place is None else place
                constant += part.value
            else:
                collected.append(part)
    if place is not None and (constant or not collected):
        collected.insert(place, Number(constant))
    return collected[0] if len(collected) == 1 else Sum(tuple(collected))


def scale(factor: float, value: Expression | float) -> Expression:
    """factor * value. TypeError if the factor is an expression: products of rates are no rates."""
    if isinstance(factor, Expression):
        raise TypeError("an expression can only be multiplied by a number")
    expression = as_expression(value)
    if isinstance(expression, Scaled):
        factor, expression = factor * expression.factor, expression.expression
    if isinstance(expression, Number):
        return Number(factor * expression.value + 0.0)  # + 0.0 makes -0.0 a plain zero
    return expression if factor == 1 else Scaled(float(factor), expression)


def divide(numerator: Expression | float, denominator: Expression | float) -> Expression:
    """numerator / denominator. ZeroDivisionError if the denominator is the number 0."""
    below = as_expression(denominator)
    if isinstance(below, Number):
        return scale(1.0 / below.value, numerator)
    return Ratio(as_expression(numerator), below)


def rates_in(expression: Expression) -> Iterator[RateOf | CurveOf]:
    """The rates and curves in an expression, from left to right, repeated where they repeat.

    Of a change, the rate that changes.
    """
    if isinstance(expression, RateOf | CurveOf):
        yield expression
    if isinstance(expression, ChangeOf):
        yield RateOf(expression.rate, expression.group)
    for child in expression.children:
        yield from rates_in(child)


def evaluate(expression: Expression, counts: Outcomes) -> float:
    """The value of an expression on counted outcomes, or on scores.

    Args:
        expression: any expression.
        counts: outcomes of each group; the key None holds those of everyone. Areas and other
            measures over all thresholds need scores (`curves.scored_groups`).

    Returns:
        The value; NaN if any rate or ratio in it has a zero denominator or a group is missing
        (also inside max and min: what was not measured is never ignored).

    Raises:
        ValueError: for a measure over all thresholds on counts.

    >>> counts = {None: Counts(tp=40, fp=10, tn=90, fn=10)}
    >>> evaluate(RateOf("FPR"), counts), evaluate(RateOf("FNR"), counts)
    (0.1, 0.2)
    >>> evaluate(RateOf("FPR") / RateOf("FNR") + 1, counts)
    1.5
    """
    values = [evaluate(child, counts) for child in expression.children]
    if any(math.isnan(value) for value in values):
        return math.nan
    match expression:
        case Number(value):
            return float(value)
        case RateOf(rate, group):
            return counts[group].rate(rate) if group in counts else math.nan
        case ChangeOf(rate, group):
            found = counts.get(group)
            return found.change(rate) if isinstance(found, Counts) else math.nan
        case CurveOf(measure, group, target):
            return counts[group].curve(measure, target) if group in counts else math.nan
        case Sum():
            return math.fsum(values)
        case Scaled(factor, _):
            return factor * values[0]
        case Ratio():
            return values[0] / values[1] if values[1] else math.nan
        case Maximum():
            return max(values)
        case Minimum():
            return min(values)
    raise TypeError(f"not a rate expression: {expression!r}")


@dataclass(frozen=True)
class Constraint:
    """expression <sense> limit.

    Attributes:
        text: the constraint as it was written, for people.
        expression: the side with the rates.
        limit: the number on the other side.
        sense: "<=" or ">=".

    Raises:
        ValueError: if the limit is not finite or the sense is another one.
    """

    text: str
    expression: Expression
    limit: float
    sense: Sense

    def __post_init__(self) -> None:
        if not math.isfinite(self.limit):
            raise ValueError(f"{self.text}: the limit must be finite, got {self.limit!r}")
        if self.sense not in ("<=", ">="):
            raise ValueError(f"{self.text}: the sense must be '<=' or '>=', got {self.sense!r}")

    def __str__(self) -> str:
        return self.text

    def value(self, counts: Outcomes) -> float:
        """The value of the expression; see `evaluate`."""
        return evaluate(self.expression, counts)

    def is_satisfied(self, value: float) -> bool:
        """Whether a value of the expression keeps the limit. NaN never does."""
        return value <= self.limit if self.sense == "<=" else value >= self.limit

    def violation(self, value: float) -> float:
        """How far a value is beyond the limit: positive is violated, NaN stays NaN."""
        return value - self.limit if self.sense == "<=" else self.limit - value

    def groups(self) -> tuple[Group, ...]:
        """The groups named in the expression, each once, in order of appearance.

        Whatever counts as positive in them: of which class a rate is, plays no part.
        """
        found = (regardless(rate.group) for rate in rates_in(self.expression))
        return tuple(dict.fromkeys(group for group in found if group is not None))

    def with_limit(self, limit: float) -> Constraint:
        """The same constraint with another limit; the text follows."""
        # The side with the rates keeps its wording when the text has exactly the two sides.
        sides = re.split("<=|>=", self.text)
        if len(sides) == 2:
            written = sides[0] if self.sense in self.text else sides[1]
        else:
            written = str(self.expression)
        text = f"{written.strip()} {self.sense} {number_text(limit)}"
        return replace(self, text=text, limit=float(limit))


def violations(constraints: Sequence[Constraint], counts: Outcomes) -> NDArray[np.float64]:
    """How far each constraint is violated on measured data: (m,) float64, feasible where <= 0.

    NaN where what a constraint needs was not measured. Arguments and errors as for `evaluate`.
    >>> violations([RateOf("FPR") <= 0.25], {None: Counts(tp=1, fp=2, tn=2, fn=1)}).tolist()
    [0.25]
    """
    return np.array([c.violation(c.value(counts)) for c in constraints], dtype=np.float64)


def _compare(left: Expression, sense: Sense, right: Expression | float) -> Constraint:
    if isinstance(right, Expression):
        left, limit = left - right, 0.0
    else:
        limit = float(right)
    return Constraint(f"{left} {sense} {number_text(limit)}", left, limit, sense)
