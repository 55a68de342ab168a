"""Problems on minibatches: contexts, rates, expressions, and what both players see of them.

context = rate_context(lambda batch: model(batch["x"]), labels=lambda batch: batch["y"])
young = context.subset(lambda batch: batch["young"])
problem = RateMinimizationProblem(
    error_rate(context), [false_positive_rate(young) <= 0.05]
)
"""

from fairgate.optimization.problems.contexts import (
    Context,
    multiclass_rate_context,
    multiclass_split_rate_context,
    rate_context,
    split_rate_context,
)
from fairgate.optimization.problems.expression import (
    Constraint,
    Expression,
    UnboundedError,
    wrap_rate,
)
from fairgate.optimization.problems.from_language import from_language
from fairgate.optimization.problems.interface import ConstrainedProblem, ProblemValues
from fairgate.optimization.problems.losses import (
    HingeLoss,
    Loss,
    SoftmaxCrossEntropyLoss,
    SoftmaxLoss,
    ZeroOneLoss,
)
from fairgate.optimization.problems.operations import lower_bound, ratio, upper_bound
from fairgate.optimization.problems.rate_minimization import RateMinimizationProblem
from fairgate.optimization.problems.rates import (
    accuracy_rate,
    error_rate,
    false_negative_proportion,
    false_negative_rate,
    false_positive_proportion,
    false_positive_rate,
    negative_prediction_rate,
    positive_prediction_rate,
    recall,
    true_negative_proportion,
    true_negative_rate,
    true_positive_proportion,
    true_positive_rate,
)
from fairgate.optimization.problems.ratios import f_score, f_score_ratio, precision, precision_ratio
from fairgate.optimization.problems.thresholds import (
    inverse_precision_at_recall,
    pr_auc,
    precision_at_recall,
    recall_at_precision,
    roc_auc,
)

__all__ = [
    "ConstrainedProblem",
    "Constraint",
    "Context",
    "Expression",
    "HingeLoss",
    "Loss",
    "ProblemValues",
    "RateMinimizationProblem",
    "SoftmaxCrossEntropyLoss",
    "SoftmaxLoss",
    "UnboundedError",
    "ZeroOneLoss",
    "accuracy_rate",
    "error_rate",
    "f_score",
    "f_score_ratio",
    "false_negative_proportion",
    "false_negative_rate",
    "false_positive_proportion",
    "false_positive_rate",
    "from_language",
    "inverse_precision_at_recall",
    "lower_bound",
    "multiclass_rate_context",
    "multiclass_split_rate_context",
    "negative_prediction_rate",
    "positive_prediction_rate",
    "pr_auc",
    "precision",
    "precision_at_recall",
    "precision_ratio",
    "rate_context",
    "ratio",
    "recall",
    "recall_at_precision",
    "roc_auc",
    "split_rate_context",
    "true_negative_proportion",
    "true_negative_rate",
    "true_positive_proportion",
    "true_positive_rate",
    "upper_bound",
    "wrap_rate",
]
