"""What the gate looks at, by name: one entry for each constraint and each further check.

Light on purpose: whoever explains a verdict reads these names without loading TensorFlow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from components.constrained_optimization import language
from components.constrained_optimization.expressions import Constraint
from components.fairness_metrics.config import GateConfig

CANDIDATE = "constrained"
BASELINE = "baseline"

ACCURACY = "fairgate/accuracy"
FEWEST_NEGATIVES = "fairgate/fewest_negatives"
DISTINCT_DECISIONS = "fairgate/distinct_decisions"


@dataclass(frozen=True)
class GateCheck:
    """One constraint of the gate and the names of its two metrics."""

    constraint: Constraint
    value_metric: str
    bound_metric: str


def checks(gate: GateConfig, groups: Mapping[str, Sequence[str]]) -> list[GateCheck]:
    """The constraints of the gate, parsed, with `gate.limit` in place."""
    result = []
    for index, line in enumerate(gate.constraints):
        constraint = language.parse(line, groups, from_counts=True)
        if gate.limit is not None:
            constraint = constraint.with_limit(gate.limit)
        result.append(GateCheck(constraint, f"fairgate/{index}/value", f"fairgate/{index}/bound"))
    return result
