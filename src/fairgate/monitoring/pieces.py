"""What can be bet on: the linear pieces of a constraint, each at most 0 while it is kept."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from fairgate.bounds.shares import independent
from fairgate.constraints.errors import NotTrainableError, OutOfReachError
from fairgate.constraints.expressions import Constraint, RateOf
from fairgate.constraints.linear import LinearConstraint, linearize
from fairgate.errors import SettingsError

MOST_PIECES = 2_000
"""A gap between 45 groups has 1,980; each piece has its share of delta, and of every record's time."""


@dataclass(frozen=True)
class Piece:
    """sum_k factors[k] * rates[k] + constant <= 0.

    Attributes:
      rates: each once.
      factors: of the rates, none of them 0.
      constant: what is added.
      unit: by how much the constraint's own value is over its limit where the left side is 1; None
        where that depends on the rates, as of a quotient that was cleared.
    """

    rates: tuple[RateOf, ...]
    factors: tuple[float, ...]
    constant: float
    unit: float | None

    @property
    def lowest(self) -> float:
        """The least value of the left side, below 0: the piece can be kept."""
        return math.fsum(min(factor, 0.0) for factor in self.factors) + self.constant

    @property
    def highest(self) -> float:
        """The greatest value of the left side, above 0: the piece can be broken."""
        return math.fsum(max(factor, 0.0) for factor in self.factors) + self.constant

    @cached_property
    def disjoint(self) -> bool:
        """Whether no record counts for two of the rates."""
        return independent(self.rates)

    def __str__(self) -> str:
        return str(
            LinearConstraint(tuple(zip(self.rates, self.factors, strict=True)), self.constant)
        )


def pieces(constraint: Constraint) -> list[Piece]:
    """The pieces that hold together exactly if the constraint does.

    Raises:
      SettingsError: no intersection of linear pieces, out of reach, always kept, or too many pieces.

    >>> from fairgate.constraints.language import parse
    >>> for piece in pieces(parse("max_gap(PPV, [sex]) <= 0.1", {"sex": ["Female", "Male"]})):
    ...     print(piece, piece.disjoint, round(piece.lowest, 3), piece.unit)
    PPV | [sex=Female] - PPV | [sex=Male] - 0.1 <= 0 True -1.1 1.0
    PPV | [sex=Male] - PPV | [sex=Female] - 0.1 <= 0 True -1.1 1.0
    """
    try:
        found = linearize(constraint, clear_quotients=False)
    except OutOfReachError:
        raise SettingsError(
            f"the constraint '{constraint}' cannot be kept by any classifier, so there is nothing to "
            "watch: give a limit within reach"
        ) from None
    except NotTrainableError as error:
        raise SettingsError(
            f"the constraint '{constraint}' cannot be watched; the part in the way: {error.part}. A "
            "monitor watches sums of rates; max, abs or max_gap with '<='; min with '>='; or one ratio "
            "of sums of rates against the limit"
        ) from None
    if not found:
        raise SettingsError(
            f"the constraint '{constraint}' is kept whatever a model does, so there is nothing to watch"
        )
    if len(found) > MOST_PIECES:
        raise SettingsError(
            f"the constraint '{constraint}' has {len(found):,} pieces, at most {MOST_PIECES:,} can be "
            "watched: put small groups together, or watch fewer of them"
        )
    moved = _constants(constraint)
    result = []
    for piece in found:
        rates, factors = zip(*piece.coefficients, strict=True)
        unit = None
        if piece.coefficients in moved:
            slope = piece.constant - moved[piece.coefficients]
            unit = _STEP / slope if slope else None
        result.append(Piece(rates, factors, piece.constant, _rounded(unit)))
    return result


_STEP = 2.0**-20


def _constants(constraint: Constraint) -> dict[tuple[tuple[RateOf, float], ...], float]:
    """The constants of the pieces where the limit is looser by `_STEP`."""
    step = _STEP if constraint.sense == "<=" else -_STEP
    looser = linearize(constraint.with_limit(constraint.limit + step), clear_quotients=False)
    return {piece.coefficients: piece.constant for piece in looser}


def _rounded(unit: float | None) -> float | None:
    """Without what floating point added: limits and factors have few digits."""
    return None if unit is None else float(f"{unit:.6g}")
