"""Training under rate constraints: the mathematics, without any pipeline.

    from components import constrained_optimization as co

    context = co.rate_context(lambda b: b.y_pred, labels=lambda b: b.y["label"])
    young = context.subset(lambda b: b.y["young"])
    problem = co.RateMinimizationProblem(
        co.error_rate(context), [co.false_positive_rate(young) <= 0.05]
    )
    game = co.ConstrainedModel(model, problem, co.ProxyLagrangian(problem.num_constraints))
    game.compile("adam")
    game.fit(x, {"label": labels, "young": young_mask})

Every public name is at hand here, and is imported when it is first used: a settings checker that
only parses text (`language`) never waits for TensorFlow. `docs/constrained_optimization.md` is the
guide. The modules, from the words of a constraint to a served model:

| module | what it holds | needs |
|---|---|---|
| `rates` | the table of rates, groups, counts of outcomes | NumPy |
| `curves` | areas under curves and their kin, from the scores of each group | NumPy |
| `expressions` | rate expressions, constraints, Python operators, evaluation on data | NumPy |
| `algebra`, `notation` | building expressions in canonical form; their text | NumPy |
| `language` | one line of text -> `Constraint` (by `tokens`, `names`, `parser`) | NumPy |
| `errors` | errors that point at the character, or at the part that cannot be trained on | - |
| `linear` | `Constraint` -> linear pieces that a trainer can follow | NumPy |
| `trainable` | what a trainer follows of any constraint | NumPy |
| `bounds/` | one-sided confidence bounds of rates and of any expression | SciPy |
| `prediction` | what a gate of such bounds will say, from other data than its own | SciPy |
| `power`, `samples` | limits that a test split can keep; how many more examples would do | SciPy |
| `candidates` | which snapshot to keep, or in what proportions to mix them | SciPy |
| `losses` | zero-one, hinge, softmax and cross-entropy on net costs | TensorFlow |
| `problems/` | any problem: contexts, every rate, expressions, losses, the language | TensorFlow |
| `games/` | Lagrangian, proxy-Lagrangian, multipliers from a model (with `simplex`) | TensorFlow |
| `training/` | one step for loops of your own; `compile` and `fit` | TensorFlow |
| `serving/` | a stochastic classifier as one SavedModel | TensorFlow |

Sources: Cotter, Jiang, Gupta, Wang, Narayan, You and Sridharan, "Optimization with
non-differentiable constraints with applications to fairness, recall, churn, and other goals", JMLR
20 (2019); Cotter, Jiang and Sridharan, "Two-player games for efficient non-convex constrained
optimization", ALT 2019; Narasimhan, Cotter and Gupta, "Optimizing generalized rate metrics with
three players", NeurIPS 2019; Clopper and Pearson, Biometrika 26 (1934).
"""

from __future__ import annotations

import importlib
from typing import Any

_PACKAGE = "components.constrained_optimization"
_PROBLEMS = (
    "ConstrainedProblem Constraint Context Expression HingeLoss Loss ProblemValues "
    "RateMinimizationProblem SoftmaxCrossEntropyLoss SoftmaxLoss UnboundedError ZeroOneLoss "
    "accuracy_rate error_rate f_score f_score_ratio false_negative_proportion false_negative_rate "
    "false_positive_proportion false_positive_rate from_language inverse_precision_at_recall "
    "lower_bound multiclass_rate_context multiclass_split_rate_context negative_prediction_rate "
    "positive_prediction_rate pr_auc precision precision_at_recall precision_ratio rate_context "
    "ratio recall recall_at_precision roc_auc split_rate_context true_negative_proportion "
    "true_negative_rate true_positive_proportion true_positive_rate upper_bound wrap_rate"
)
_GAMES = (
    "Formulation Lagrangian MultiplierModel ProxyLagrangian constrained_loss feature_multipliers"
)
_EXPORTS = {
    **dict.fromkeys(_PROBLEMS.split(), "problems"),
    **dict.fromkeys(_GAMES.split(), "games"),
    **dict.fromkeys(("ConstrainedModel", "ConstrainedOptimizer", "FitBatch"), "training"),
    "StochasticClassifier": "serving",
    **dict.fromkeys(
        ("find_best_candidate_distribution", "find_best_candidate_index"), "candidates"
    ),
}
_MODULES = (
    *("algebra", "bounds", "candidates", "curves", "errors", "expressions", "games", "language"),
    *("linear", "losses", "notation", "power", "prediction", "problems", "rates", "samples"),
    "serving",
    "trainable",
    "training",
)


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(importlib.import_module(f"{_PACKAGE}.{_EXPORTS[name]}"), name)
    if name in _MODULES:
        return importlib.import_module(f"{_PACKAGE}.{name}")
    raise AttributeError(f"module {_PACKAGE!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*_EXPORTS, *_MODULES])
