"""Losses as objects, which rates are made with; the formulas are those of `losses` one level up.

A loss turns the costs of each possible prediction into the cost of the scores at hand. To write
one, derive from `Loss`, say what it is, and give `binary` (or `multiclass`, or both):

    class Squared(Loss):
        is_differentiable = True

        def binary(self, scores, costs):
            plus, minus = tf.unstack(costs, axis=-1)
            least = tf.minimum(plus, minus)
            above, below = tf.nn.relu(1 + scores) ** 2, tf.nn.relu(1 - scores) ** 2
            return least + (plus - least) * above + (minus - least) * below

Costs may be negative (rates are subtracted from each other): a loss that should be convex takes
the least cost out first, as above.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import tensorflow as tf

from fairgate.optimization import losses


@dataclass(frozen=True)
class Loss:
    """Base of all losses. Equal losses of equal predictions are merged, so a loss is a value.

    Attributes:
        is_differentiable: whether a model can follow its gradient (a penalty loss must).
        is_normalized: whether it is an expected zero-one loss when a random number is added to
            the scores (rates at a threshold need that of their constraint loss).
    """

    is_differentiable: ClassVar[bool] = False
    is_normalized: ClassVar[bool] = False

    def binary(self, scores: tf.Tensor, costs: tf.Tensor) -> tf.Tensor:
        """(n,) costs of (n,) scores; costs (n or 1, 2): of predicting "+", of predicting "-"."""
        halves = tf.stack([0.5 * scores, -0.5 * scores], axis=1)
        return self.multiclass(halves, costs)

    def multiclass(self, scores: tf.Tensor, costs: tf.Tensor) -> tf.Tensor:
        """(n,) costs of (n, k) scores; costs (n or 1, k): of predicting each class."""
        raise NotImplementedError(f"{type(self).__name__} has no multiclass form")


@dataclass(frozen=True)
class ZeroOneLoss(Loss):
    """The cost of the predicted class; ties share equally. For measuring: its gradient is 0."""

    is_differentiable: ClassVar[bool] = False
    is_normalized: ClassVar[bool] = True

    def binary(self, scores: tf.Tensor, costs: tf.Tensor) -> tf.Tensor:
        return losses.zero_one(scores, costs[:, tf.newaxis, :])[:, 0]

    def multiclass(self, scores: tf.Tensor, costs: tf.Tensor) -> tf.Tensor:
        """mean of costs over the classes of the largest score."""
        best = tf.cast(scores >= tf.reduce_max(scores, axis=1, keepdims=True), costs.dtype)
        return tf.reduce_sum(best * costs, axis=1) / tf.reduce_sum(best, axis=1)


@dataclass(frozen=True)
class HingeLoss(Loss):
    """w0 + (w+ - w0) max(0, margin + z) + (w- - w0) max(0, margin - z),  w0 = min(w+, w-).

    ValueError if margin < 0. With a margin of 1 or more it bounds the zero-one loss from above.
    """

    margin: float = 1.0
    is_differentiable: ClassVar[bool] = True
    is_normalized: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not self.margin >= 0:
            raise ValueError(f"margin must be >= 0, got {self.margin!r}")

    def binary(self, scores: tf.Tensor, costs: tf.Tensor) -> tf.Tensor:
        return losses.hinge(scores, costs[:, tf.newaxis, :], self.margin)[:, 0]

    def multiclass(self, scores: tf.Tensor, costs: tf.Tensor) -> tf.Tensor:
        """w_(1) + sum_j (w_(j+1) - w_(j)) max(0, margin + max_{l > j} f_(l) - mean_{l <= j} f_(l)).

        Classes in ascending order of cost: w_(1) <= w_(2) <= ..., f_(j) the score of the j-th.
        """
        costs = tf.broadcast_to(costs, tf.shape(scores))
        order = tf.argsort(costs, axis=1, stable=True)
        costs = tf.gather(costs, order, batch_dims=1)
        scores = tf.gather(scores, order, batch_dims=1)
        classes = scores.shape[1]
        value = costs[:, 0]
        for j in range(1, classes):
            cheaper = tf.reduce_mean(scores[:, :j], axis=1)
            dearer = tf.reduce_max(scores[:, j:], axis=1)
            step = costs[:, j] - costs[:, j - 1]
            value += step * tf.nn.relu(self.margin + dearer - cheaper)
        return value


@dataclass(frozen=True)
class SoftmaxLoss(Loss):
    """The expected cost of a prediction drawn from the softmax; binary: of sigmoid(z)."""

    is_differentiable: ClassVar[bool] = True
    is_normalized: ClassVar[bool] = True

    def binary(self, scores: tf.Tensor, costs: tf.Tensor) -> tf.Tensor:
        return losses.softmax(scores, costs[:, tf.newaxis, :])[:, 0]

    def multiclass(self, scores: tf.Tensor, costs: tf.Tensor) -> tf.Tensor:
        """sum_j w_j softmax(f)_j."""
        return tf.reduce_sum(tf.nn.softmax(scores, axis=1) * costs, axis=1)


@dataclass(frozen=True)
class SoftmaxCrossEntropyLoss(Loss):
    """w0 + (w+ - w0) log(1 + exp(z)) + (w- - w0) log(1 + exp(-z)),  w0 = min(w+, w-).

    Natural logarithms: log 2 at z = 0, so no upper bound of the zero-one loss.
    """

    is_differentiable: ClassVar[bool] = True
    is_normalized: ClassVar[bool] = False

    def binary(self, scores: tf.Tensor, costs: tf.Tensor) -> tf.Tensor:
        return losses.softmax_cross_entropy(scores, costs[:, tf.newaxis, :])[:, 0]

    def multiclass(self, scores: tf.Tensor, costs: tf.Tensor) -> tf.Tensor:
        """w_max - sum_j (w_max - w_j) (1 + log softmax(f)_j)."""
        most = tf.reduce_max(costs, axis=1, keepdims=True)
        gains = (most - costs) * (1.0 + tf.nn.log_softmax(scores, axis=1))
        return most[:, 0] - tf.reduce_sum(gains, axis=1)
