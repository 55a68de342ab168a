"""How a rate becomes costs: which set is counted, over which denominator, for which classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from fairgate.optimization.problems.contexts import Context, Half
from fairgate.optimization.problems.expression import Expression, exact
from fairgate.optimization.problems.forms import Cost, DenominatorKey, Form, Scores
from fairgate.optimization.problems.losses import HingeLoss, Loss, ZeroOneLoss
from fairgate.optimization.problems.predicates import Predicate
from fairgate.optimization.problems.slacks import Slack

Classes = tuple[float, ...]
PositiveClass = int | Sequence[float] | None
Set = Literal["all", "positives", "negatives"]

HINGE = HingeLoss()
ZERO_ONE = ZeroOneLoss()


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


def simple(
    context: Context,
    positive_class: PositiveClass,
    numerator: Set,
    denominator: Set,
    positive: bool,
    penalty_loss: Loss,
    constraint_loss: Loss,
) -> Expression:
    """The rate of predicting positive (or negative) among the numerator, over the denominator."""
    classes = classes_of(context, positive_class)
    of_half = ((context.penalty, penalty_loss), (context.constraint, constraint_loss))
    return exact(
        *(
            rate_form(half, classes, numerator, denominator, positive, loss)
            for half, loss in of_half
        )
    )


def matching(
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
