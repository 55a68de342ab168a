"""Rates over contexts: proportions of a set of examples on which something is predicted.

    rate = sum_{i in numerator} w_i c(prediction_i) / sum_{i in denominator} w_i

Every function takes a context, binary or multiclass, and

* positive_class: which classes count as positive; needed if (and only if) the context is
  multiclass: a class number, or k probabilities of counting as positive. Examples are positive as
  far as their label is.
* penalty_loss: the differentiable stand-in that the model follows (`HingeLoss()`).
* constraint_loss: what the multipliers follow (`ZeroOneLoss()`).

and returns an `Expression`. ValueError if a context has no labels where they are needed, or if
positive_class does not fit the context.

Source: Cotter et al., JMLR 20 (2019), section 2 and table 2.
"""

from __future__ import annotations

from fairgate.optimization.problems.contexts import Context
from fairgate.optimization.problems.explained import explained
from fairgate.optimization.problems.expression import Expression
from fairgate.optimization.problems.losses import Loss
from fairgate.optimization.problems.rate_forms import (
    HINGE,
    ZERO_ONE,
    PositiveClass,
    matching,
    simple,
)

SOURCE = "Cotter et al., JMLR 20 (2019), section 2 and table 2."


@explained(SOURCE)
def positive_prediction_rate(
    context: Context,
    positive_class: PositiveClass = None,
    penalty_loss: Loss = HINGE,
    constraint_loss: Loss = ZERO_ONE,
) -> Expression:
    """P(predicted positive)."""
    return simple(context, positive_class, "all", "all", True, penalty_loss, constraint_loss)


@explained(SOURCE)
def negative_prediction_rate(
    context: Context,
    positive_class: PositiveClass = None,
    penalty_loss: Loss = HINGE,
    constraint_loss: Loss = ZERO_ONE,
) -> Expression:
    """P(predicted negative)."""
    return simple(context, positive_class, "all", "all", False, penalty_loss, constraint_loss)


@explained(SOURCE)
def true_positive_rate(
    context: Context,
    positive_class: PositiveClass = None,
    penalty_loss: Loss = HINGE,
    constraint_loss: Loss = ZERO_ONE,
) -> Expression:
    """P(predicted positive | labelled positive), also called recall."""
    return simple(
        context, positive_class, "positives", "positives", True, penalty_loss, constraint_loss
    )


recall = true_positive_rate
"""Another name of `true_positive_rate`."""


@explained(SOURCE)
def false_negative_rate(
    context: Context,
    positive_class: PositiveClass = None,
    penalty_loss: Loss = HINGE,
    constraint_loss: Loss = ZERO_ONE,
) -> Expression:
    """P(predicted negative | labelled positive)."""
    return simple(
        context, positive_class, "positives", "positives", False, penalty_loss, constraint_loss
    )


@explained(SOURCE)
def false_positive_rate(
    context: Context,
    positive_class: PositiveClass = None,
    penalty_loss: Loss = HINGE,
    constraint_loss: Loss = ZERO_ONE,
) -> Expression:
    """P(predicted positive | labelled negative)."""
    return simple(
        context, positive_class, "negatives", "negatives", True, penalty_loss, constraint_loss
    )


@explained(SOURCE)
def true_negative_rate(
    context: Context,
    positive_class: PositiveClass = None,
    penalty_loss: Loss = HINGE,
    constraint_loss: Loss = ZERO_ONE,
) -> Expression:
    """P(predicted negative | labelled negative)."""
    return simple(
        context, positive_class, "negatives", "negatives", False, penalty_loss, constraint_loss
    )


@explained(SOURCE)
def true_positive_proportion(
    context: Context,
    positive_class: PositiveClass = None,
    penalty_loss: Loss = HINGE,
    constraint_loss: Loss = ZERO_ONE,
) -> Expression:
    """P(predicted positive and labelled positive)."""
    return simple(context, positive_class, "positives", "all", True, penalty_loss, constraint_loss)


@explained(SOURCE)
def false_negative_proportion(
    context: Context,
    positive_class: PositiveClass = None,
    penalty_loss: Loss = HINGE,
    constraint_loss: Loss = ZERO_ONE,
) -> Expression:
    """P(predicted negative and labelled positive)."""
    return simple(context, positive_class, "positives", "all", False, penalty_loss, constraint_loss)


@explained(SOURCE)
def false_positive_proportion(
    context: Context,
    positive_class: PositiveClass = None,
    penalty_loss: Loss = HINGE,
    constraint_loss: Loss = ZERO_ONE,
) -> Expression:
    """P(predicted positive and labelled negative)."""
    return simple(context, positive_class, "negatives", "all", True, penalty_loss, constraint_loss)


@explained(SOURCE)
def true_negative_proportion(
    context: Context,
    positive_class: PositiveClass = None,
    penalty_loss: Loss = HINGE,
    constraint_loss: Loss = ZERO_ONE,
) -> Expression:
    """P(predicted negative and labelled negative)."""
    return simple(context, positive_class, "negatives", "all", False, penalty_loss, constraint_loss)


@explained(SOURCE)
def error_rate(
    context: Context, penalty_loss: Loss = HINGE, constraint_loss: Loss = ZERO_ONE
) -> Expression:
    """P(predicted class is not the label)."""
    return matching(context, False, penalty_loss, constraint_loss)


@explained(SOURCE)
def accuracy_rate(
    context: Context, penalty_loss: Loss = HINGE, constraint_loss: Loss = ZERO_ONE
) -> Expression:
    """P(predicted class is the label)."""
    return matching(context, True, penalty_loss, constraint_loss)
