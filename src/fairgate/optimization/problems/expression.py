"""Expressions of rates on minibatches, and constraints on them.

    0.3 * error_rate(context) + 2 * false_positive_rate(group) - 0.5 <= 0.1

An expression is a weighted sum of parts and a constant. Most parts are the same whichever way they
are used. Others are *bounded*: they stand for a quantity that only has an upper substitute (for
where it is minimised, or kept below something) and a lower one (where it is maximised, or kept
above something), each with constraints of its own. Which of both is taken follows from the sign
that the part has in the end, so bounded parts survive every operation: sums, differences, factors
of either sign, comparisons, bounds and ratios of bounded parts.

Source: Narasimhan, Cotter and Gupta, "Optimizing generalized rate metrics with three players",
NeurIPS 2019, section 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import tensorflow as tf

from fairgate.optimization.problems.forms import Form, Wrapped
from fairgate.optimization.problems.sources import Source


class UnboundedError(RuntimeError, ValueError):
    """An upper bound was to be maximised, or a lower bound minimised: nothing would hold it."""


@dataclass(frozen=True)
class Resolved:
    """What an expression comes to, once it is known how it is used.

    Attributes:
        penalty: what the model follows.
        constraint: what the multipliers follow.
        extras: constraints that must hold as well.
    """

    penalty: Form
    constraint: Form
    extras: tuple[Constraint, ...] = ()

    def plus(self, other: Resolved, factor: float) -> Resolved:
        """self + factor * other."""
        return Resolved(
            self.penalty.plus(other.penalty, factor),
            self.constraint.plus(other.constraint, factor),
            self.extras + other.extras,
        )

    def needing(self, *extras: Constraint) -> Resolved:
        """The same where these constraints must hold as well."""
        return replace(self, extras=self.extras + extras)


class Part:
    """A part of an expression, compared by identity."""

    def resolved(self, upper: bool) -> Resolved:
        """The substitute for use from above (minimised, <=) or from below."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Exact(Part):
    """A part that is what it is, however it is used."""

    value: Resolved

    def resolved(self, upper: bool) -> Resolved:
        return self.value


@dataclass(frozen=True, eq=False)
class Bounded(Part):
    """A part with an upper and a lower substitute, of which each is made when first needed.

    Attributes:
        name: for errors.
        make_upper, make_lower: None where there is no such substitute.
    """

    name: str
    make_upper: Callable[[], Resolved] | None
    make_lower: Callable[[], Resolved] | None

    def resolved(self, upper: bool) -> Resolved:
        return self._upper if upper else self._lower

    @cached_property
    def _upper(self) -> Resolved:
        if self.make_upper is None:
            raise UnboundedError(
                f"{self.name} is to be minimised or kept below something: it bounds from below "
                "only, so it could be made as small as one likes"
            )
        return self.make_upper()

    @cached_property
    def _lower(self) -> Resolved:
        if self.make_lower is None:
            raise UnboundedError(
                f"{self.name} is to be maximised or kept above something: it bounds from above "
                "only, so it could be made as large as one likes"
            )
        return self.make_lower()


class Expression:
    """sum_k factor_k * part_k + constant. Made by the functions of `rates` and `operations`.

    Args:
        parts: the factor of each part.
        constant: the number beside them.

    Adds, subtracts and compares with expressions and numbers; multiplies with and divides by
    numbers only: TypeError for two expressions, ValueError for NaN and infinities.
    """

    def __init__(self, parts: dict[Part, float], constant: float = 0.0) -> None:
        self._parts = {part: factor for part, factor in parts.items() if factor}
        self._constant = constant

    def resolve(self) -> Resolved:
        """The two halves and the extra constraints, for use from above (minimised, <=).

        Raises:
            UnboundedError: if a bound is used in the wrong direction.
        """
        total = Resolved(Form(constant=self._constant), Form(constant=self._constant))
        for part, factor in self._parts.items():
            total = total.plus(part.resolved(upper=factor > 0), factor)
        return total

    def __add__(self, other: Any) -> Expression:
        return self._plus(_as_operand(other), 1.0)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Expression:
        return self._plus(_as_operand(other), -1.0)

    def __rsub__(self, other: Any) -> Expression:
        return _as_operand(other)._plus(self, -1.0)

    def __neg__(self) -> Expression:
        return self * -1.0

    def __mul__(self, factor: float) -> Expression:
        by = _as_factor(factor, "multiplied")
        return Expression({p: by * f for p, f in self._parts.items()}, by * self._constant)

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> Expression:
        return self * (1.0 / _as_factor(divisor, "divided"))

    def __rtruediv__(self, other: Any) -> Expression:
        raise TypeError("nothing can be divided by an expression; for a quotient use ratio(a, b)")

    def __le__(self, other: Any) -> Constraint:
        return Constraint(self - other)

    def __ge__(self, other: Any) -> Constraint:
        return Constraint(_as_operand(other) - self)

    def _plus(self, other: Expression, factor: float) -> Expression:
        parts = dict(self._parts)
        for part, by in other._parts.items():
            parts[part] = parts.get(part, 0.0) + factor * by
        return Expression(parts, self._constant + factor * other._constant)


@dataclass(frozen=True, eq=False)
class Constraint:
    """expression <= 0, with a name for logs."""

    expression: Expression
    name: str = ""

    def named(self, name: str) -> Constraint:
        """The same constraint under a name."""
        return Constraint(self.expression, name)

    def __bool__(self) -> bool:
        raise TypeError(
            "a constraint is neither true nor false (of a <= b <= c Python would keep one half): "
            "write two constraints"
        )


def exact(penalty: Form, constraint: Form) -> Expression:
    """The expression with these halves."""
    return Expression({Exact(Resolved(penalty, constraint)): 1.0})


def bounded(name: str, make: Callable[[bool], Resolved]) -> Expression:
    """The expression whose substitutes are make(True) from above and make(False) from below."""
    return Expression({Bounded(name, lambda: make(True), lambda: make(False)): 1.0})


def wrap_rate(penalty_tensor: Any, constraint_tensor: Any = None) -> Expression:
    """A number from outside as an expression.

    Args:
        penalty_tensor: a scalar: a function of the minibatch or of nothing, a variable, a constant.
        constraint_tensor: the same for the constraint half; None: the penalty's.

    Raises:
        TypeError: for what is an expression already.
    """
    given = (penalty_tensor, constraint_tensor)
    if any(isinstance(value, (Expression, Constraint)) for value in given):
        raise TypeError("this is an expression already: wrap_rate() takes numbers and functions")
    penalty = Wrapped(Source(penalty_tensor))
    constraint = penalty if constraint_tensor is None else Wrapped(Source(constraint_tensor))
    return exact(Form(scalars=((1.0, penalty),)), Form(scalars=((1.0, constraint),)))


def _as_operand(value: Any) -> Expression:
    if isinstance(value, Expression):
        return value
    if isinstance(value, (tf.Tensor, tf.Variable)):
        return wrap_rate(value)
    return Expression({}, _as_factor(value, "added or compared"))


def _as_factor(value: Any, what: str) -> float:
    if isinstance(value, (Expression, tf.Tensor, tf.Variable, bool)):
        raise TypeError(
            f"an expression cannot be {what} by {type(value).__name__}: products of rates are not "
            "linear; a quotient is ratio(a, b)"
        )
    if not hasattr(value, "__float__"):
        raise TypeError(f"an expression can only be {what} with a number, got {value!r}")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"expected a finite number, got {value!r}")
    return number
