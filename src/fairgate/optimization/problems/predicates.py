"""Soft sets of examples: memberships in [0, 1], and their algebra.

    a & b = min(a, b),   a | b = max(a, b),   ~a = 1 - a,
    a ^ b = max(min(a, 1 - b), min(1 - a, b))

Predicates are values: two that are built alike over the same inputs are equal.
"""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf

from fairgate.optimization.problems.sources import Evaluation, Source


@dataclass(frozen=True)
class Predicate:
    """A membership for every example: (n,) float32 in [0, 1], or (1,) if it is the same for all."""

    def members(self, evaluation: Evaluation) -> tf.Tensor:
        """The memberships on the minibatch of `evaluation`, computed once."""
        return evaluation.once(self, lambda: self._compute(evaluation))

    def _compute(self, evaluation: Evaluation) -> tf.Tensor:
        raise NotImplementedError

    def __and__(self, other: Predicate) -> Predicate:
        if isinstance(self, Everyone) or self == other:
            return other
        return self if isinstance(other, Everyone) else And(self, other)

    def __or__(self, other: Predicate) -> Predicate:
        if isinstance(other, Everyone) or self == other:
            return other
        return self if isinstance(self, Everyone) else Or(self, other)

    def __xor__(self, other: Predicate) -> Predicate:
        return (self & ~other) | (~self & other)

    def __invert__(self) -> Predicate:
        return self.inner if isinstance(self, Not) else Not(self)


@dataclass(frozen=True)
class Everyone(Predicate):
    """All examples."""

    def _compute(self, evaluation: Evaluation) -> tf.Tensor:
        return tf.ones([1])


@dataclass(frozen=True)
class Where(Predicate):
    """An input as a membership: booleans, or numbers, which are clipped to [0, 1]."""

    source: Source

    def _compute(self, evaluation: Evaluation) -> tf.Tensor:
        return tf.clip_by_value(tf.reshape(evaluation.floats(self.source), [-1]), 0.0, 1.0)


@dataclass(frozen=True)
class PositiveLabel(Predicate):
    """Labels > 0; or, if they are probabilities, the probability of being positive."""

    labels: Source
    probabilities: bool

    def _compute(self, evaluation: Evaluation) -> tf.Tensor:
        labels = tf.reshape(evaluation.floats(self.labels), [-1])
        if self.probabilities:
            return tf.clip_by_value(labels, 0.0, 1.0)
        return tf.cast(labels > 0, tf.float32)


@dataclass(frozen=True)
class ClassLabel(Predicate):
    """sum_j labels[:, j] classes[j]: how much the label lies in a (soft) set of classes.

    Labels are (n, k) probabilities (one-hot among them) or (n,) class numbers.
    """

    labels: Source
    classes: tuple[float, ...]

    def _compute(self, evaluation: Evaluation) -> tf.Tensor:
        labels = evaluation.read(self.labels)
        if labels.shape.rank == 1:
            labels = tf.one_hot(tf.cast(labels, tf.int32), len(self.classes))
        labels = tf.cast(labels, tf.float32)
        if labels.shape.rank != 2 or labels.shape[1] != len(self.classes):
            raise ValueError(
                f"labels must be (n, {len(self.classes)}) probabilities or (n,) class numbers, "
                f"got shape {labels.shape}"
            )
        # Not a product of matrices: tensor cores would round it to ten bits.
        return tf.clip_by_value(tf.reduce_sum(labels * tf.constant(self.classes), axis=1), 0.0, 1.0)


@dataclass(frozen=True)
class Not(Predicate):
    """1 - inner."""

    inner: Predicate

    def _compute(self, evaluation: Evaluation) -> tf.Tensor:
        return 1.0 - self.inner.members(evaluation)


@dataclass(frozen=True)
class And(Predicate):
    """min(left, right)."""

    left: Predicate
    right: Predicate

    def _compute(self, evaluation: Evaluation) -> tf.Tensor:
        return tf.minimum(self.left.members(evaluation), self.right.members(evaluation))


@dataclass(frozen=True)
class Or(Predicate):
    """max(left, right)."""

    left: Predicate
    right: Predicate

    def _compute(self, evaluation: Evaluation) -> tf.Tensor:
        return tf.maximum(self.left.members(evaluation), self.right.members(evaluation))
