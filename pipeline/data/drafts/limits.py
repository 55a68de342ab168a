"""Limits that a test split of some size can show: a first gate asks for what is possible."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from fairgate.constraints import language
from fairgate.constraints.rates import Group
from fairgate.gate import power
from fairgate.gate.prediction import Size

_LIMITS = (0.05, 0.1, 0.15, 0.2, 0.3)
_SHARE = 0.3  # of each label a first model errs on, about


def first(
    constraint: str, sizes: Mapping[Group | None, Size], groups: Mapping[str, Sequence[str]]
) -> tuple[float, bool]:
    """(a limit for `constraint`, whether so many test examples can show that it is kept).

    Args:
      constraint: `rate {limit}`, a line of the language without its limit.
      sizes: of the test split.
      groups: feature -> names of its groups.
    """
    asked = language.parse(constraint.format(limit=_LIMITS[1]), groups, from_counts=True)
    model = power.even_model(asked.expression, _SHARE)
    needed = power.limit_to_pass(asked, model, sizes, delta=0.05, draws=200)
    if not math.isfinite(needed):
        return _LIMITS[-1], False
    for limit in _LIMITS:
        if needed <= limit:
            return limit, True
    return _LIMITS[-1], False
