"""Quotients of rates: precision and F-score.

    precision = TP / (TP + FP)
    F_beta    = (1 + beta^2) TP / ((1 + beta^2) TP + beta^2 FN + FP)

as proportions of all examples. The `_ratio` functions give numerator and denominator, for
constraints that are linear (precision >= 0.8 is TP - 0.8 (TP + FP) >= 0); the others give the
quotient itself through a slack variable (`operations.ratio`).

Source: Narasimhan, Cotter and Gupta, NeurIPS 2019.
"""

from __future__ import annotations

from fairgate.optimization.problems.contexts import Context
from fairgate.optimization.problems.explained import explained
from fairgate.optimization.problems.expression import Expression
from fairgate.optimization.problems.losses import Loss
from fairgate.optimization.problems.operations import ratio
from fairgate.optimization.problems.rate_forms import HINGE, ZERO_ONE, PositiveClass
from fairgate.optimization.problems.rates import (
    false_negative_proportion,
    false_positive_proportion,
    positive_prediction_rate,
    true_positive_proportion,
)

SOURCE = "Narasimhan, Cotter and Gupta, NeurIPS 2019."


@explained(SOURCE)
def precision_ratio(
    context: Context,
    positive_class: PositiveClass = None,
    penalty_loss: Loss = HINGE,
    constraint_loss: Loss = ZERO_ONE,
) -> tuple[Expression, Expression]:
    """(P(predicted and labelled positive), P(predicted positive))."""
    losses = {"penalty_loss": penalty_loss, "constraint_loss": constraint_loss}
    return (
        true_positive_proportion(context, positive_class, **losses),
        positive_prediction_rate(context, positive_class, **losses),
    )


@explained(SOURCE)
def precision(
    context: Context,
    positive_class: PositiveClass = None,
    penalty_loss: Loss = HINGE,
    constraint_loss: Loss = ZERO_ONE,
) -> Expression:
    """P(labelled positive | predicted positive); brings one slack and one constraint."""
    return ratio(*precision_ratio(context, positive_class, penalty_loss, constraint_loss))


@explained(SOURCE)
def f_score_ratio(
    context: Context,
    beta: float = 1.0,
    positive_class: PositiveClass = None,
    penalty_loss: Loss = HINGE,
    constraint_loss: Loss = ZERO_ONE,
) -> tuple[Expression, Expression]:
    """((1 + beta^2) TP, (1 + beta^2) TP + beta^2 FN + FP); precision_ratio if beta is 0."""
    if not beta >= 0:
        raise ValueError(f"beta must be >= 0, got {beta!r}")
    if beta == 0:
        return precision_ratio(context, positive_class, penalty_loss, constraint_loss)
    losses = {"penalty_loss": penalty_loss, "constraint_loss": constraint_loss}
    numerator = (1 + beta**2) * true_positive_proportion(context, positive_class, **losses)
    missed = false_negative_proportion(context, positive_class, **losses)
    wrong = false_positive_proportion(context, positive_class, **losses)
    return numerator, numerator + beta**2 * missed + wrong


@explained(SOURCE)
def f_score(
    context: Context,
    beta: float = 1.0,
    positive_class: PositiveClass = None,
    penalty_loss: Loss = HINGE,
    constraint_loss: Loss = ZERO_ONE,
) -> Expression:
    """The weighted harmonic mean of precision and recall; brings one slack and one constraint."""
    return ratio(*f_score_ratio(context, beta, positive_class, penalty_loss, constraint_loss))
