"""The limits of a sweep: which constraints each of its trainings has."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from fairgate.constraints import algebra, language
from fairgate.constraints.expressions import Constraint, rates_in
from fairgate.constraints.rates import Counts
from fairgate.errors import SettingsError
from fairgate.optimization import trainable

DEFAULT = (0.2, 0.1, 0.05, 0.02, 0.01)


def read(text: str) -> tuple[float, ...]:
    """Numbers between commas.

    Raises:
      SettingsError: naming what is no number, or no finite one.
    """
    limits = []
    for part in text.split(","):
        try:
            limit = float(part)
        except ValueError:
            limit = math.nan
        if not math.isfinite(limit):
            raise SettingsError(
                f"--limits {text}: {part.strip()!r} is not a limit; expected numbers between "
                f"commas, such as {','.join(map(str, DEFAULT))}"
            )
        limits.append(limit)
    return tuple(limits)


def tightening(
    lines: Sequence[str], groups: Mapping[str, Sequence[str]], limits: Sequence[float]
) -> list[tuple[float, tuple[Constraint, ...]]]:
    """Each limit and the constraints with it in place of their own, from the loosest to the tightest.

    Args:
      lines: of the constraint language; sense and wording stay.
      groups: display name of a feature -> names of its groups.
      limits: each once, in any order.

    Raises:
      SettingsError: there is no constraint or no limit, a limit is given twice or cannot be trained
        on, or the constraints have both senses, so that no limit is tighter than another for all.
    """
    constraints = [language.parse(line, groups) for line in lines]
    if not constraints:
        raise SettingsError("trainer.constraints is empty: a sweep needs a constraint to tighten")
    senses = {constraint.sense for constraint in constraints}
    if len(senses) > 1:
        raise SettingsError(
            f"trainer.constraints {[str(c) for c in constraints]} have limits from above and from "
            "below: one limit cannot tighten both. Write them all with <=, or all with >="
        )
    if not limits or len(set(limits)) < len(limits):
        raise SettingsError(f"limits {list(limits)}: expected at least one, each once")
    ordered = sorted(limits, reverse=senses == {"<="})
    found = [(limit, tuple(c.with_limit(limit) for c in constraints)) for limit in ordered]
    for limit, tightened in found:
        for constraint in tightened:
            _require_trainable(limit, constraint)
    return found


def beside_any(constraint: Constraint) -> Constraint:
    """The constraint with changes held against a baseline of which nothing is known yet.

    Its rates are taken to be one half, from where they may fall and rise.
    """
    named = [rate.group for rate in rates_in(constraint.expression)]
    half = dict.fromkeys([None, *named], Counts(1, 1, 1, 1))
    return algebra.beside(constraint, half)


def _require_trainable(limit: float, constraint: Constraint) -> None:
    try:
        pieces = trainable.pieces(beside_any(constraint))
    except ValueError as error:
        raise SettingsError(f"limit {limit:g}: {error}") from error
    if not pieces:
        raise SettingsError(
            f"limit {limit:g}: {constraint} holds for every model: give tighter limits"
        )
