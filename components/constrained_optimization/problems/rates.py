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

from collections.abc import Sequence
from typing import Literal

from components.constrained_optimization.problems.contexts import Context, Half
from components.constrained_optimization.problems.expression import Expression, exact
from components.constrained_optimization.problems.forms import Cost, DenominatorKey, Form, Scores
from components.constrained_optimization.problems.losses import HingeLoss, Loss, ZeroOneLoss
from components.constrained_optimization.problems.predicates import Predicate
from components.constrained_optimization.problems.slacks import Slack

Classes = tuple[float, ...]
PositiveClass = int | Sequence[float] | None
Set = Literal["all", "positives", "negatives"]

HINGE = HingeLoss()
ZERO_ONE = ZeroOneLoss()


def positive_prediction_rate(
    context: Context,
    positive_class: PositiveClass = None,
    penalty_loss: Loss = HINGE,
    constraint_loss: Loss = ZERO_ONE,
) -> Expression:
    """P(predicted positive)."""
    return _simple(context, positive_class, "all", "all", True, penalty_loss, constraint_loss)


def negative_prediction_rate(
    context: Context,
    positive_class: PositiveClass = None,
    penalty_loss: Loss = HINGE,
    constraint_loss: Loss = ZERO_ONE,
) -> Expression:
    """P(predicted negative)."""
    return _simple(context, positive_class, "all", "all", False, penalty_loss, constraint_loss)


def true_positive_rate(
    context: Context,
    positive_class: PositiveClass = None,
    penalty_loss: Loss = HINGE,
    constraint_loss: Loss = ZERO_ONE,
) -> Expression:
    """P(predicted positive | labelled positive), also called recall."""
    return _simple(
        context, positive_class, "positives", "positives", True, penalty_loss, constraint_loss
    )


recall = true_positive_rate


def false_negative_rate(
    context: Context,
    positive_class: PositiveClass = None,
    penalty_loss: Loss = HINGE,
    constraint_loss: Loss = ZERO_ONE,
) -> Expression:
    """P(predicted negative | labelled positive)."""
    return _simple(
        context, positive_class, "positives", "positives", False, penalty_loss, constraint_loss
    )


def false_positive_rate(
    context: Context,
    positive_class: PositiveClass = None,
    penalty_loss: Loss = HINGE,
    constraint_loss: Loss = ZERO_ONE,
) -> Expression:
    """P(predicted positive | labelled negative)."""
    return _simple(
        context, positive_class, "negatives", "negatives", True, penalty_loss, constraint_loss
    )


def true_negative_rate(
    context: Context,
    positive_class: PositiveClass = None,
    penalty_loss: Loss = HINGE,
    constraint_loss: Loss = ZERO_ONE,
) -> Expression:
    """P(predicted negative | labelled negative)."""
    return _simple(
        context, positive_class, "negatives", "negatives", False, penalty_loss, constraint_loss
    )


def true_positive_proportion(
    context: Context,
    positive_class: PositiveClass = None,
    penalty_loss: Loss = HINGE,
    constraint_loss: Loss = ZERO_ONE,
) -> Expression:
    """P(predicted positive and labelled positive)."""
    return _simple(context, positive_class, "positives", "all", True, penalty_loss, constraint_loss)


def false_negative_proportion(
    context: Context,
    positive_class: PositiveClass = None,
    penalty_loss: Loss = HINGE,
    constraint_loss: Loss = ZERO_ONE,
) -> Expression:
    """P(predicted negative and labelled positive)."""
    return _simple(
        context, positive_class, "positives", "all", False, penalty_loss, constraint_loss
    )


def false_positive_proportion(
    context: Context,
    positive_class: PositiveClass = None,
    penalty_loss: Loss = HINGE,
    constraint_loss: Loss = ZERO_ONE,
) -> Expression:
    """P(predicted positive and labelled negative)."""
    return _simple(context, positive_class, "negatives", "all", True, penalty_loss, constraint_loss)


def true_negative_proportion(
    context: Context,
    positive_class: PositiveClass = None,
    penalty_loss: Loss = HINGE,
    constraint_loss: Loss = ZERO_ONE,
) -> Expression:
    """P(predicted negative and labelled negative)."""
    return _simple(
        context, positive_class, "negatives", "all", False, penalty_loss, constraint_loss
    )


def error_rate(
    context: Context, penalty_loss: Loss = HINGE, constraint_loss: Loss = ZERO_ONE
) -> Expression:
    """P(predicted class is not the label)."""
    return _matching(context, False, penalty_loss, constraint_loss)


def accuracy_rate(
    context: Context, penalty_loss: Loss = HINGE, constraint_loss: Loss = ZERO_ONE
) -> Expression:
    """P(predicted class is the label)."""
    return _matching(context, True, penalty_loss, constraint_loss)


def classes_of(context: Context, positive_class: PositiveClass) -> Classes | None:
    """positive_class as k probabilities; None for a binary context.

    Raises:
        ValueError: if it does not fit the context.
    """
    size = context.num_classes
    if size is None:
        if positive_class is not None:
            raise ValueError("positive_class is for multiclass contexts; this one is binary")
        return None
    if positive_class is None:
        raise ValueError(
            f"a multiclass context needs positive_class: 0..{size - 1}, or {size} weights"
        )
    if isinstance(positive_class, int) and not isinstance(positive_class, bool):
        if not 0 <= positive_class < size:
            raise ValueError(f"positive_class must be in 0..{size - 1}, got {positive_class}")
        return tuple(float(j == positive_class) for j in range(size))
    vector = tuple(float(weight) for weight in positive_class)  # type: ignore[union-attr]
    if len(vector) != size or not all(0 <= weight <= 1 for weight in vector):
        raise ValueError(f"positive_class must be {size} numbers in [0, 1], got {positive_class!r}")
    return vector


def rate_form(
    half: Half,
    classes: Classes | None,
    numerator: Set,
    denominator: Set,
    positive: bool,
    loss: Loss,
    threshold: Slack | None = None,
    index: int | None = None,
) -> Form:
    """One half of the rate of predicting positive (or negative), at a trained threshold if any."""
    predicted = (1.0, 0.0) if classes is None else classes
    per_class = predicted if positive else tuple(1.0 - weight for weight in predicted)
    size = None if classes is None else len(classes)
    cost = Cost(per_class, _key(half, numerator, classes), _key(half, denominator, classes))
    return Form({(Scores(half.predictions, size, threshold, index), loss): (cost,)})


def _simple(
    context: Context,
    positive_class: PositiveClass,
    numerator: Set,
    denominator: Set,
    positive: bool,
    penalty_loss: Loss,
    constraint_loss: Loss,
) -> Expression:
    classes = classes_of(context, positive_class)
    of_half = ((context.penalty, penalty_loss), (context.constraint, constraint_loss))
    return exact(
        *(
            rate_form(half, classes, numerator, denominator, positive, loss)
            for half, loss in of_half
        )
    )


def _matching(
    context: Context, matching: bool, penalty_loss: Loss, constraint_loss: Loss
) -> Expression:
    """Predicting each class among the examples of that label (or of the others)."""
    if context.num_classes is None:
        return _binary_matching(context, matching, penalty_loss, constraint_loss)
    size = context.num_classes
    halves = []
    for half, loss in ((context.penalty, penalty_loss), (context.constraint, constraint_loss)):
        form = Form()
        for label in range(size):
            one = tuple(float(j == label) for j in range(size))
            costs = one if matching else tuple(1.0 - c for c in one)
            cost = Cost(costs, _key(half, "positives", one), _key(half, "all", None))
            form = form.plus(Form({(Scores(half.predictions, size), loss): (cost,)}))
        halves.append(form)
    return exact(*halves)


def _binary_matching(
    context: Context, matching: bool, penalty_loss: Loss, constraint_loss: Loss
) -> Expression:
    halves = []
    for half, loss in ((context.penalty, penalty_loss), (context.constraint, constraint_loss)):
        on_positives = rate_form(half, None, "positives", "all", matching, loss)
        halves.append(
            on_positives.plus(rate_form(half, None, "negatives", "all", not matching, loss))
        )
    return exact(*halves)


def _key(half: Half, which: Set, classes: Classes | None) -> DenominatorKey:
    members: Predicate = half.subset
    if which == "positives":
        members = members & half.labelled(classes)
    elif which == "negatives":
        negatives = None if classes is None else tuple(1.0 - weight for weight in classes)
        labelled = half.labelled(negatives)
        members = members & (~labelled if classes is None else labelled)
    return DenominatorKey(half.weights, members)
