"""The constraint language, and what a constraint means.

    from fairgate.constraints import Counts, Group, parse

    constraint = parse("max_gap(FPR, [sex]) <= 0.05", {"sex": ["Female", "Male"]})
    constraint.value({Group("sex", "Female"): ..., Group("sex", "Male"): ...})

| module | what it holds |
|---|---|
| `rates` | the table of rates, groups, counts of outcomes |
| `classes` | labels of more than two classes: tables of outcomes, one class against the rest |
| `paired` | examples that two models decide differently |
| `curves` | areas under curves and their kin, from the scores of each group |
| `notation` | numbers and groups as the language writes them |
| `expressions` | the tree: rate expressions and constraints, Python operators, value |
| `writing` | the text of a tree |
| `algebra` | expressions built of others, and what can be said of them without data |
| `language` | one line of text -> `Constraint` (by `tokens`, `names`, `parser`) |
| `errors` | errors that point at the character, or at the part that cannot be trained on |
| `linear` | `Constraint` -> linear pieces that a trainer can follow |

Which knows which: `algebra` builds on `expressions`; `writing` tells `expressions` the text of each node,
and is loaded with this package; `notation` knows numbers and groups alone.

Sources: Cotter et al., "Optimization with non-differentiable constraints with applications to
fairness, recall, churn, and other goals", JMLR 20 (2019).
"""

from fairgate.constraints import writing as _writing  # noqa: F401  for what it registers
from fairgate.constraints.algebra import absolute, f1, max_gap, maximum, measure, minimum
from fairgate.constraints.curves import Scored, scored_groups
from fairgate.constraints.errors import ConstraintError, NotTrainableError, OutOfReachError
from fairgate.constraints.expressions import (
    Constraint,
    CurveOf,
    Expression,
    RateOf,
    evaluate,
    violations,
)
from fairgate.constraints.language import parse, parse_all
from fairgate.constraints.linear import LinearConstraint, linearize
from fairgate.constraints.rates import RATES, Counts, Group, count_outcomes

__all__ = [
    "RATES",
    "Constraint",
    "ConstraintError",
    "Counts",
    "CurveOf",
    "Expression",
    "Group",
    "LinearConstraint",
    "NotTrainableError",
    "OutOfReachError",
    "RateOf",
    "Scored",
    "absolute",
    "count_outcomes",
    "evaluate",
    "f1",
    "linearize",
    "max_gap",
    "maximum",
    "measure",
    "minimum",
    "parse",
    "parse_all",
    "scored_groups",
    "violations",
]
