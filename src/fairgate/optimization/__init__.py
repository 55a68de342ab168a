"""Training under rate constraints, on TensorFlow.

    import fairgate.optimization as fo

    context = fo.rate_context(lambda b: b.y_pred, labels=lambda b: b.y["label"])
    young = context.subset(lambda b: b.y["young"])
    problem = fo.RateMinimizationProblem(
        fo.error_rate(context), [fo.false_positive_rate(young) <= 0.05]
    )
    game = fo.ConstrainedModel(model, problem, fo.ProxyLagrangian(problem.num_constraints))
    game.compile("adam")
    game.fit(x, {"label": labels, "young": young_mask})

Every public name is at hand here, and is imported when it is first used. The guide is
`docs/constrained_optimization.md`. The modules, from a constraint to a served model:

| module | what it holds | needs |
|---|---|---|
| `trainable` | what a trainer follows of any constraint | NumPy |
| `candidates` | which snapshot to keep, or in what proportions to mix them | SciPy |
| `losses` | zero-one, hinge, softmax and cross-entropy on net costs | TensorFlow |
| `problems/` | any problem: contexts, every rate, expressions, losses, the language | TensorFlow |
| `games/` | Lagrangian, PI and proxy-Lagrangian, multipliers from a model (with `simplex`) | TensorFlow |
| `training/` | one step for loops of your own; `compile` and `fit` | TensorFlow |
| `serving/` | a stochastic classifier as one SavedModel | TensorFlow |

Sources: Cotter, Jiang, Gupta, Wang, Narayan, You and Sridharan, "Optimization with
non-differentiable constraints with applications to fairness, recall, churn, and other goals", JMLR
20 (2019); Cotter, Jiang and Sridharan, "Two-player games for efficient non-convex constrained
optimization", ALT 2019; Narasimhan, Cotter and Gupta, "Optimizing generalized rate metrics with
three players", NeurIPS 2019.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

if importlib.util.find_spec("tensorflow") is None:
    raise ImportError(
        "fairgate.optimization trains with TensorFlow, which is not installed here. Install it with: "
        "pip install 'fairgate[tensorflow]'"
    )

if TYPE_CHECKING:
    from fairgate.optimization.candidates import *
    from fairgate.optimization.games import *
    from fairgate.optimization.problems import *
    from fairgate.optimization.serving import *
    from fairgate.optimization.training import *

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
    "Formulation Lagrangian MultiplierModel PILagrangian ProxyLagrangian constrained_loss "
    "feature_multipliers"
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
_MODULES = ("candidates", "games", "losses", "problems", "serving", "trainable", "training")

__all__ = sorted([*_EXPORTS, *_MODULES])


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*_EXPORTS, *_MODULES])
