"""What the gate looks at: its constraints, and what else it asks of every model.

Light on purpose: whoever explains a judgement reads these names without loading TensorFlow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fairgate.constraints import language
from fairgate.constraints.expressions import Constraint
from fairgate.constraints.rates import Measured
from fairgate.gate.config import GateConfig

Groups = Mapping[str, Sequence[str]]

ACCURACY = "fairgate/accuracy"
FEWEST_NEGATIVES = "fairgate/fewest_negatives"
DISTINCT_DECISIONS = "fairgate/distinct_decisions"


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
      groups: display name of each group feature -> the names of its groups.

    Raises:
      ConstraintError: a line is no constraint over these groups.

    >>> gate = GateConfig(constraints=["max_gap(FPR, [sex]) <= 0.05"], limit=0.1)
    >>> [str(check.constraint) for check in checks(gate, {"sex": ["Female", "Male"]})]
    ['max_gap(FPR, [sex]) <= 0.1']
    """
    result = []
    for index, line in enumerate(gate.constraints):
        constraint = language.parse(line, groups, from_counts=True)
        if gate.limit is not None:
            constraint = constraint.with_limit(gate.limit)
        result.append(GateCheck(constraint, f"fairgate/{index}/value", f"fairgate/{index}/bound"))
    return result


def fewest_negatives(counts: Measured) -> float:
    """Number of negative examples of the group that has fewest; 0 when a group is missing."""
    return float(min(count.negatives for group, count in counts.items() if group is not None))


def distinct_decisions(counts: Measured) -> int:
    """How many different answers a model gives: 1 for one that always says No (or always Yes)."""
    everybody = counts[None]
    yes, no = everybody.tp + everybody.fp, everybody.tn + everybody.fn
    return int(yes > 0) + int(no > 0)
