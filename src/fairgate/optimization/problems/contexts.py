"""What a rate is taken over: predictions, labels, weights, and a subset of the examples.

A context has two halves, because the two players may look at different data: the penalty half
feeds the differentiable surrogates that the model follows, the constraint half the true rates that
the multipliers follow. In most contexts they are the same; a split context gives the second player
data of its own (Cotter et al., "Training well-generalizing classifiers for fairness metrics and
other data-dependent constraints", ICML 2019).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from fairgate.optimization.problems.predicates import (
    ClassLabel,
    Everyone,
    PositiveLabel,
    Predicate,
    Where,
)
from fairgate.optimization.problems.sources import Source, as_predictions, as_source

_ALL_ONE = Source((1.0,))


@dataclass(frozen=True)
class Half:
    """The data of one player.

    Attributes:
        predictions: (n,) scores, > 0 predicts positive; (n, k) if multiclass.
        labels: None if there are none; then only rates without labels can be taken.
        weights: (n,) or (1,) non-negative.
        probabilities: whether binary labels are probabilities of being positive.
        subset: which examples.
    """

    predictions: Source
    labels: Source | None
    weights: Source
    probabilities: bool
    subset: Predicate

    def labelled(self, classes: tuple[float, ...] | None) -> Predicate:
        """The examples of the positive label; of the (soft) set of classes, if multiclass.

        Raises:
            ValueError: if there are no labels.
        """
        if self.labels is None:
            raise ValueError("this rate requires labels: give the context its labels")
        if classes is None:
            return PositiveLabel(self.labels, self.probabilities)
        return ClassLabel(self.labels, classes)


@dataclass(frozen=True)
class Context:
    """A (subset of a) minibatch on which rates can be taken; make one by `rate_context` and kin.

    `a & b`, `a | b` and `~a` combine the subsets of contexts over the same data, memberships
    being soft: the least of both, the largest of both, one minus it.

    Attributes:
        penalty, constraint: the halves.
        num_classes: None if binary.
    """

    penalty: Half
    constraint: Half
    num_classes: int | None = None

    @property
    def is_split(self) -> bool:
        """Whether the halves are over different data or different subsets."""
        return self.penalty != self.constraint

    def subset(self, penalty_predicate: Any, constraint_predicate: Any = None) -> Context:
        """This context, restricted further.

        Args:
            penalty_predicate: (n,) booleans, or memberships that are clipped to [0, 1]; a
                function of the minibatch or of nothing, or a constant.
            constraint_predicate: the same for the constraint half. Needed if the halves are over
                different data; given otherwise, it splits the context.

        Raises:
            ValueError: if the second predicate is missing.
        """
        if constraint_predicate is None:
            if not self._over_same_data():
                raise ValueError(
                    "a split context has two sets of examples: subset() needs a predicate for each"
                )
            constraint_predicate = penalty_predicate
        return self._restricted(
            self.penalty.subset & _predicate(penalty_predicate),
            self.constraint.subset & _predicate(constraint_predicate),
        )

    def __and__(self, other: Context) -> Context:
        self._require_same_data(other)
        return self._restricted(
            self.penalty.subset & other.penalty.subset,
            self.constraint.subset & other.constraint.subset,
        )

    def __or__(self, other: Context) -> Context:
        self._require_same_data(other)
        return self._restricted(
            self.penalty.subset | other.penalty.subset,
            self.constraint.subset | other.constraint.subset,
        )

    def __invert__(self) -> Context:
        return self._restricted(~self.penalty.subset, ~self.constraint.subset)

    def _restricted(self, penalty: Predicate, constraint: Predicate) -> Context:
        return replace(
            self,
            penalty=replace(self.penalty, subset=penalty),
            constraint=replace(self.constraint, subset=constraint),
        )

    def _over_same_data(self) -> bool:
        return _whole(self.penalty) == _whole(self.constraint)

    def _require_same_data(self, other: Context) -> None:
        mine, its = (self.penalty, self.constraint), (other.penalty, other.constraint)
        if list(map(_whole, mine)) != list(map(_whole, its)):
            raise ValueError(
                "only contexts over the same predictions, labels and weights can be combined"
            )


def rate_context(
    predictions: Any,
    labels: Any = None,
    weights: Any = None,
    labels_are_probabilities: bool = False,
) -> Context:
    """A binary context.

    Args:
        predictions: (n,) or (n, 1) scores, > 0 predicts positive: a function or a `tf.Variable`.
        labels: (n,) > 0 is positive; or probabilities of being positive, clipped to [0, 1].
        weights: (n,) non-negative; None: all 1.
        labels_are_probabilities: which of both.

    Raises:
        TypeError: for predictions that could not change.
    """
    return split_rate_context(
        predictions, predictions, labels, labels, weights, weights, labels_are_probabilities
    )


def split_rate_context(
    penalty_predictions: Any,
    constraint_predictions: Any,
    penalty_labels: Any = None,
    constraint_labels: Any = None,
    penalty_weights: Any = None,
    constraint_weights: Any = None,
    labels_are_probabilities: bool = False,
) -> Context:
    """A binary context whose players see different data.

    Args:
        penalty_predictions: what the model's player sees, as for `rate_context`.
        constraint_predictions: what the multipliers' player sees.
        penalty_labels: the model's player's.
        constraint_labels: the multipliers'.
        penalty_weights: the model's player's.
        constraint_weights: the multipliers'.
        labels_are_probabilities: of both.

    Raises:
        TypeError: for predictions that could not change.

    Source: Cotter et al., ICML 2019 (see the top of this file).
    """
    return Context(
        _half(penalty_predictions, penalty_labels, penalty_weights, labels_are_probabilities),
        _half(
            constraint_predictions, constraint_labels, constraint_weights, labels_are_probabilities
        ),
    )


def multiclass_rate_context(
    num_classes: int, predictions: Any, labels: Any = None, weights: Any = None
) -> Context:
    """A context of k classes.

    Args:
        num_classes: k >= 2.
        predictions: (n, k) scores, the largest is predicted: a function or a `tf.Variable`.
        labels: (n, k) probabilities (one-hot among them) or (n,) class numbers.
        weights: (n,) non-negative; None: all 1.

    Raises:
        ValueError: if num_classes is no whole number >= 2.
        TypeError: for predictions that could not change.
    """
    return multiclass_split_rate_context(
        num_classes, predictions, predictions, labels, labels, weights, weights
    )


def multiclass_split_rate_context(
    num_classes: int,
    penalty_predictions: Any,
    constraint_predictions: Any,
    penalty_labels: Any = None,
    constraint_labels: Any = None,
    penalty_weights: Any = None,
    constraint_weights: Any = None,
) -> Context:
    """A context of k classes whose players see different data.

    Args:
        num_classes: k >= 2.
        penalty_predictions: what the model's player sees, as for `multiclass_rate_context`.
        constraint_predictions: what the multipliers' player sees.
        penalty_labels: the model's player's.
        constraint_labels: the multipliers'.
        penalty_weights: the model's player's.
        constraint_weights: the multipliers'.

    Raises:
        ValueError: if num_classes is no whole number >= 2.
        TypeError: for predictions that could not change.
    """
    if isinstance(num_classes, bool) or not isinstance(num_classes, int) or num_classes < 2:
        raise ValueError(f"num_classes must be a whole number >= 2, got {num_classes!r}")
    return Context(
        _half(penalty_predictions, penalty_labels, penalty_weights, True),
        _half(constraint_predictions, constraint_labels, constraint_weights, True),
        num_classes,
    )


def _half(predictions: Any, labels: Any, weights: Any, probabilities: bool) -> Half:
    return Half(
        as_predictions(predictions),
        None if labels is None else as_source(labels),
        _ALL_ONE if weights is None else as_source(weights),
        probabilities,
        Everyone(),
    )


def _whole(half: Half) -> Half:
    return replace(half, subset=Everyone())


def _predicate(given: Any) -> Predicate:
    return given if isinstance(given, Predicate) else Where(as_source(given))
