"""What the gate looks at: its constraints, and what else it asks of every model.

Light on purpose: whoever explains a judgement reads these names without loading TensorFlow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fairgate.constraints import algebra, language
from fairgate.constraints.classes import answers
from fairgate.constraints.expressions import Constraint
from fairgate.constraints.notation import number_text
from fairgate.constraints.rates import Group, Measured
from fairgate.constraints.units import rows_of
from fairgate.errors import SettingsError
from fairgate.gate.config import GateConfig

Groups = Mapping[str, Sequence[str]]

ACCURACY = "fairgate/accuracy"
ACCURACY_BOUND = "fairgate/accuracy/bound"
USEFUL = "fairgate/useful"
CHANGED = "fairgate/changed/"  # and a field of `Changes`
FEWEST_NEGATIVES = "fairgate/fewest_negatives"
DISTINCT_DECISIONS = "fairgate/distinct_decisions"
UNIT_OUTCOMES = "fairgate/unit_outcomes"
CLASS_OUTCOMES = "fairgate/class_outcomes"


@dataclass(frozen=True)
class GateCheck:
    """One constraint of the gate and the names of its two metrics."""

    constraint: Constraint
    value_metric: str
    bound_metric: str


def checks(gate: GateConfig, groups: Groups) -> list[GateCheck]:
    """The constraints of the gate, parsed, with `gate.limit` in place.

    Args:
      gate: the gate's settings.
      groups: display name of each group feature -> the names of its groups; and the label's classes, see
        `language.parse`.

    Raises:
      ConstraintError: a line is no constraint over these groups.
      SettingsError: a limit is beyond all that the constraint's left side can be.

    >>> gate = GateConfig(constraints=["max_gap(FPR, [sex]) <= 0.05"], limit=0.1)
    >>> [str(check.constraint) for check in checks(gate, {"sex": ["Female", "Male"]})]
    ['max_gap(FPR, [sex]) <= 0.1']
    """
    result = []
    for index, line in enumerate(gate.constraints):
        constraint = language.parse(line, groups, from_counts=True)
        if gate.limit is not None:
            constraint = constraint.with_limit(gate.limit)
        _require_possible(constraint)
        result.append(GateCheck(constraint, f"fairgate/{index}/value", f"fairgate/{index}/bound"))
    return result


def _require_possible(constraint: Constraint) -> None:
    low, high = algebra.value_range(constraint.expression)
    if low <= constraint.limit if constraint.sense == "<=" else constraint.limit <= high:
        return
    end, worst = ("least", low) if constraint.sense == "<=" else ("most", high)
    raise SettingsError(
        f"gate: {constraint}: no model can keep this limit, because the left side is at {end} "
        f"{number_text(worst)} whatever a model does. Give a limit that can be kept"
    )


def fewest_negatives(counts: Measured, groups: Sequence[Group]) -> float:
    """Number of negative examples of the group, of these, that has fewest; 0 when one is missing."""
    rows = rows_of(counts)
    return float(min(rows[group].negatives if group in rows else 0 for group in groups))


def distinct_decisions(counts: Measured) -> int:
    """How many different answers a model gives: 1 for one that always says No (or always Yes)."""
    return sum(times > 0 for times in answers(counts).values())
