"""Rates at a threshold that is trained along, and areas under curves made of them.

For scores z and a trained threshold t:

    recall_at_precision(p)          TPR(z - t)      with  TP(z - t) >= p PPR(z - t)
    precision_at_recall(r)          r / (r + s)     with  TPR(z - t) >= r,  s >= FP(z - t) / P
    inverse_precision_at_recall(r)  1 + FP(z - t) / (P r)   with  TPR(z - t) >= r
    roc_auc(k bins)                 mean_i TPR(z - t_i)  with  FPR(z - t_i) <= (i + 1/2) / k
    pr_auc(k bins)                  mean_i precision_at_recall((i + 1/2) / k), each with its t_i, s_i

as they are for the side that is meant to be large (small, for the inverse); for the other side
every inequality turns round. FP / P is false positives over labelled positives. Without
`include_threshold` the model's own bias serves as the threshold (the ROC thresholds then are
offsets with mean 0). Binary contexts only.

Source: Eban et al., "Scalable learning of non-decomposable objectives", AISTATS 2017; Narasimhan,
Cotter and Gupta, NeurIPS 2019.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from fairgate.optimization.problems.contexts import Context
from fairgate.optimization.problems.explained import explained
from fairgate.optimization.problems.expression import (
    Constraint,
    Expression,
    Resolved,
    bounded,
    exact,
)
from fairgate.optimization.problems.losses import Loss
from fairgate.optimization.problems.operations import of_slack
from fairgate.optimization.problems.rate_forms import HINGE, ZERO_ONE, Set, rate_form
from fairgate.optimization.problems.slacks import Slack, at_least_zero, zero_mean

SOURCE = "Eban et al., AISTATS 2017; Narasimhan, Cotter and Gupta, NeurIPS 2019."


@explained(SOURCE)
def recall_at_precision(
    context: Context,
    precision_target: float,
    include_threshold: bool = True,
    penalty_loss: Loss = HINGE,
    constraint_loss: Loss = ZERO_ONE,
) -> Expression:
    """The recall at the threshold where the precision is precision_target; one extra constraint."""
    rates = _Thresholded(context, penalty_loss, constraint_loss)
    _check_targets(precision_target)

    def make(upper: bool) -> Resolved:
        threshold = Slack("recall_at_precision_threshold") if include_threshold else None
        hits = rates.at("positives", "all", threshold)
        predicted = rates.at("all", "all", threshold)
        extra = _bounds(hits - precision_target * predicted, 0.0, not upper)
        return rates.at("positives", "positives", threshold).resolve().needing(extra)

    return bounded("recall_at_precision(...)", make)


@explained(SOURCE)
def precision_at_recall(
    context: Context,
    recall_target: float,
    include_threshold: bool = True,
    penalty_loss: Loss = HINGE,
    constraint_loss: Loss = ZERO_ONE,
) -> Expression:
    """The precision at the threshold where the recall is recall_target; two extra constraints."""
    rates = _Thresholded(context, penalty_loss, constraint_loss)
    _check_targets(recall_target)

    def make(upper: bool) -> Resolved:
        threshold = Slack("precision_at_recall_threshold") if include_threshold else None
        slack = Slack("precision_at_recall_slack", 0.0, at_least_zero)
        wrong = rates.at("negatives", "positives", threshold)
        precision = of_slack(slack, lambda s: recall_target / (recall_target + s))
        return precision.resolve().needing(
            _bounds(rates.at("positives", "positives", threshold), recall_target, not upper),
            _bounds(of_slack(slack) - wrong, 0.0, not upper),
        )

    return bounded("precision_at_recall(...)", make)


@explained(SOURCE)
def inverse_precision_at_recall(
    context: Context,
    recall_target: float,
    include_threshold: bool = True,
    penalty_loss: Loss = HINGE,
    constraint_loss: Loss = ZERO_ONE,
) -> Expression:
    """One over the precision at a recall of recall_target; one extra constraint."""
    rates = _Thresholded(context, penalty_loss, constraint_loss)
    _check_targets(recall_target)

    def make(upper: bool) -> Resolved:
        threshold = Slack("inverse_precision_at_recall_threshold") if include_threshold else None
        wrong = rates.at("negatives", "positives", threshold)
        extra = _bounds(rates.at("positives", "positives", threshold), recall_target, upper)
        return (1.0 + wrong / recall_target).resolve().needing(extra)

    return bounded("inverse_precision_at_recall(...)", make)


@explained(SOURCE)
def roc_auc(
    context: Context,
    bins: int,
    include_threshold: bool = True,
    penalty_loss: Loss = HINGE,
    constraint_loss: Loss = ZERO_ONE,
) -> Expression:
    """The area under the ROC curve, as a mean over `bins` false positive rates; as many constraints."""
    rates = _Thresholded(context, penalty_loss, constraint_loss)
    targets = _midpoints(bins)

    def make(upper: bool) -> Resolved:
        project = None if include_threshold else zero_mean
        thresholds = Slack("roc_auc_thresholds", (0.0,) * bins, project)
        hits = [rates.at("positives", "positives", thresholds, i) for i in range(bins)]
        wrong = [rates.at("negatives", "negatives", thresholds, i) for i in range(bins)]
        extras = [_bounds(w, target, upper) for w, target in zip(wrong, targets, strict=True)]
        return _mean(hits).resolve().needing(*extras)

    return bounded("roc_auc(...)", make)


@explained(SOURCE)
def pr_auc(
    context: Context,
    bins: int,
    include_threshold: bool = True,
    penalty_loss: Loss = HINGE,
    constraint_loss: Loss = ZERO_ONE,
) -> Expression:
    """The area under the precision-recall curve, a mean over `bins` recalls; 2 * bins constraints."""
    rates = _Thresholded(context, penalty_loss, constraint_loss)
    targets = _midpoints(bins)

    def make(upper: bool) -> Resolved:
        slacks = Slack("pr_auc_slacks", (0.0,) * bins, at_least_zero)
        thresholds = Slack(
            "pr_auc_thresholds", (0.0,) * bins, None if include_threshold else zero_mean
        )

        def mean_precision(s: tf.Tensor) -> tf.Tensor:
            return tf.reduce_mean(tf.constant(targets) / (tf.constant(targets) + s))

        extras: list[Constraint] = []
        for i, target in enumerate(targets):
            hits = rates.at("positives", "positives", thresholds, i)
            wrong = rates.at("negatives", "positives", thresholds, i)
            excess = of_slack(slacks, lambda s, i=i: s[i]) - wrong  # type: ignore[misc]
            extras += [_bounds(hits, target, not upper), _bounds(excess, 0.0, not upper)]
        return of_slack(slacks, mean_precision).resolve().needing(*extras)

    return bounded("pr_auc(...)", make)


class _Thresholded:
    """Rates of predicting positive at a threshold, over one context.

    Raises:
        ValueError: for a multiclass context, one without labels, or a constraint loss that is not
            normalized (whose value would not be a rate at any threshold).
    """

    def __init__(self, context: Context, penalty_loss: Loss, constraint_loss: Loss) -> None:
        if context.num_classes is not None:
            raise ValueError("rates at a threshold are for binary contexts")
        if not constraint_loss.is_normalized:
            raise ValueError(
                f"rates at a threshold need a normalized constraint loss, like ZeroOneLoss(), "
                f"not {constraint_loss}"
            )
        for half in (context.penalty, context.constraint):
            half.labelled(None)
        self._halves = ((context.penalty, penalty_loss), (context.constraint, constraint_loss))

    def at(
        self, numerator: Set, denominator: Set, threshold: Slack | None, index: int | None = None
    ) -> Expression:
        """P(z > t and in the numerator) / P(in the denominator)."""
        return exact(
            *(
                rate_form(half, None, numerator, denominator, True, loss, threshold, index)
                for half, loss in self._halves
            )
        )


def _bounds(expression: Expression, target: float, at_least: bool) -> Constraint:
    return expression >= target if at_least else expression <= target


def _mean(expressions: Sequence[Expression]) -> Expression:
    total = expressions[0]
    for expression in expressions[1:]:
        total = total + expression
    return total / len(expressions)


def _midpoints(bins: int) -> list[float]:
    if isinstance(bins, bool) or not isinstance(bins, int) or bins < 1:
        raise ValueError(f"bins must be a whole number >= 1, got {bins!r}")
    return [(i + 0.5) / bins for i in range(bins)]


def _check_targets(target: float) -> None:
    if not 0 < target < 1:
        raise ValueError(f"a target must be in (0, 1), got {target!r}")
