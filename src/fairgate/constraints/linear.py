"""From a constraint to linear pieces over rates, which is what a trainer can follow.

A constraint of the form  max_k (a_k . rates + b_k) <= 0  holds exactly if every piece does, so

* `max` on the `<=` side, `min` on the `>=` side, and abs and max_gap with them, become one linear
  constraint per argument;
* a ratio against the limit is cleared:  n / d <= c  <=>  n - c d <= 0  where d > 0 (rates are
  never negative);
* anything that bends the other way, like `min(...) <= c`, is a union of cases, not an
  intersection, and is refused.

Source: Cotter et al., JMLR 20 (2019), section 2 (rate constraints are linear in the rates).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product

from fairgate.constraints.algebra import as_quotient, value_range
from fairgate.constraints.errors import NotTrainableError, OutOfReachError
from fairgate.constraints.expressions import (
    Constraint,
    Expression,
    Maximum,
    Minimum,
    Number,
    RateOf,
    Ratio,
    Scaled,
    Sense,
    Sum,
    add,
    scale,
)
from fairgate.constraints.rates import QUOTIENTS

# Sums of maxima multiply out; a constraint with more pieces than this is an accident.
MAX_PIECES = 10_000
# And one whose pieces have more rates than this in all takes longer to check than to train.
MAX_TERMS = 250_000

Piece = tuple[dict[RateOf, float], float]


@dataclass(frozen=True)
class LinearConstraint:
    """`sum_k coefficients[k][1] * coefficients[k][0] + constant <= 0`.

    Attributes:
        coefficients: (rate, coefficient) pairs, every rate once, no coefficient 0.
        constant: the constant term.
        source: text of the constraint it came from (for logs; not compared).
    """

    coefficients: tuple[tuple[RateOf, float], ...]
    constant: float
    source: str = field(default="", compare=False)

    def as_expression(self) -> Expression:
        """The left-hand side as an expression."""
        return add(*(scale(factor, rate) for rate, factor in self.coefficients), self.constant)

    def __str__(self) -> str:
        return f"{self.as_expression()} <= 0"


def linearize(constraint: Constraint, clear_quotients: bool = True) -> list[LinearConstraint]:
    """The linear constraints that hold together exactly if `constraint` does.

    Pieces that always hold, whatever the rates, are left out; equal pieces appear once.

    Args:
        constraint: of any rates.
        clear_quotients: whether a rate over the examples that are predicted alike is cleared as a
            quotient, because a trainer can follow it only so. Of a model that does not change it is a
            rate like any other.

    Raises:
        NotTrainableError: (a ValueError) if the constraint is no intersection of linear ones, or
            can never be met; names the part in the way.

    >>> from fairgate.constraints.language import parse
    >>> gap = parse("max_gap(FPR, [sex]) <= 0.05", {"sex": ["Female", "Male"]})
    >>> for piece in linearize(gap):
    ...     print(piece)
    FPR | [sex=Female] - FPR | [sex=Male] - 0.05 <= 0
    FPR | [sex=Male] - FPR | [sex=Female] - 0.05 <= 0
    """
    found: dict[LinearConstraint, None] = {}
    pieces = _Reduction(constraint, clear_quotients).pieces(
        constraint.expression, constraint.limit, constraint.sense
    )
    for coefficients, constant in pieces:
        kept = tuple((rate, factor) for rate, factor in coefficients.items() if factor)
        piece = LinearConstraint(kept, constant, constraint.text)
        low, high = value_range(piece.as_expression())
        if low > 0:
            raise OutOfReachError(constraint.text, str(piece))
        if high > 0:
            found[piece] = None
    return list(found)


@dataclass(frozen=True)
class _Reduction:
    """The reduction of one constraint, which it names in its errors."""

    constraint: Constraint
    clear_quotients: bool
    made: list[int] = field(default_factory=lambda: [0])
    """Rates in all pieces that were made so far: one number, which grows."""

    def pieces(self, node: Expression, limit: float, sense: Sense) -> list[Piece]:
        """Linear pieces of  node <sense> limit."""
        match node:
            case Scaled(factor, inner) if factor and math.isfinite(limit / factor):
                flipped: Sense = ">=" if sense == "<=" else "<="
                return self.pieces(inner, limit / factor, sense if factor > 0 else flipped)
            case Maximum(arguments) if sense == "<=":
                return [p for argument in arguments for p in self.pieces(argument, limit, sense)]
            case Minimum(arguments) if sense == ">=":
                return [p for argument in arguments for p in self.pieces(argument, limit, sense)]
            case Sum(terms) if len(_varying(terms)) == 1 and not self._is_linear(
                _varying(terms)[0]
            ):
                constant = math.fsum(t.value for t in terms if isinstance(t, Number))
                return self.pieces(_varying(terms)[0], limit - constant, sense)
            case RateOf() if not self._is_linear(node):
                return self.pieces(as_quotient(node), limit, sense)
            case Ratio(numerator, denominator):
                if value_range(denominator)[0] < 0:
                    raise self._refuse(denominator, "a divisor must never be negative")
                return self.pieces(add(numerator, scale(-limit, denominator)), 0.0, sense)
        sign = 1.0 if sense == "<=" else -1.0
        return [(rates, total - sign * limit) for rates, total in self._convex(node, sign)]

    def _is_linear(self, node: Expression) -> bool:
        return isinstance(node, RateOf) and not (self.clear_quotients and node.rate in QUOTIENTS)

    def _convex(self, node: Expression, sign: float) -> list[Piece]:
        """Linear pieces whose maximum is  sign * node."""
        match node:
            case Number(value):
                return [({}, sign * value)]
            case RateOf() if self._is_linear(node):
                return [({node: sign}, 0.0)]
            case Scaled(factor, inner):
                return self._convex(inner, sign * factor)
            case Sum(terms):
                return self._added([self._convex(term, sign) for term in terms])
            case Maximum(arguments) if sign >= 0 or len(arguments) == 1:
                return [piece for argument in arguments for piece in self._convex(argument, sign)]
            case Minimum(arguments) if sign <= 0 or len(arguments) == 1:
                return [piece for argument in arguments for piece in self._convex(argument, sign)]
        raise self._refuse(node, "it is no intersection of linear constraints there")

    def _added(self, terms: list[list[Piece]]) -> list[Piece]:
        """The pieces of a sum: every choice of one piece per term."""
        choices = math.prod(map(len, terms))
        if choices > MAX_PIECES:
            raise self._refuse(self.constraint.expression, f"over {MAX_PIECES} linear pieces")
        self.made[0] += choices * sum(max(len(rates) for rates, _ in of) for of in terms)
        if self.made[0] > MAX_TERMS:
            raise self._refuse(
                self.constraint.expression, f"over {MAX_TERMS} rates in its linear pieces"
            )
        sums: list[Piece] = []
        for choice in product(*terms):
            rates: dict[RateOf, float] = {}
            for coefficients, _ in choice:
                for rate, factor in coefficients.items():
                    rates[rate] = rates.get(rate, 0.0) + factor
            sums.append((rates, math.fsum(constant for _, constant in choice)))
        return sums

    def _refuse(self, part: Expression, problem: str) -> NotTrainableError:
        return NotTrainableError(
            self.constraint.text,
            str(part),
            problem,
            "sums of rates; max, abs or max_gap with '<='; min with '>='; or one ratio of sums "
            "of rates against the limit",
        )


def _varying(terms: Sequence[Expression]) -> list[Expression]:
    return [term for term in terms if not isinstance(term, Number)]
