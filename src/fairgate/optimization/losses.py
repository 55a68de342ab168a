"""Losses of net costs: what a prediction costs, given what "+" and "-" would cost.

Every function takes

* predictions: (n,) float, the scores z; z > 0 predicts "+".
* weights: (n, m, 2) float32, the cost of predicting "+" and of predicting "-", w+ and w-, for each
  of m constraints; costs may be negative.

and returns the (n, m) float32 costs. With w0 = min(w+, w-), the surrogates are applied to
w+ - w0 and w- - w0 and w0 is added, so that they are convex in z and shift with the costs
whatever the signs. They are for one net cost per example and constraint: add up the costs of all
rates before, not the losses after (the sum of surrogates is looser).

Source: Cotter et al., JMLR 20 (2019), section 2.2; Narasimhan, Cotter and Gupta, "Optimizing
generalized rate metrics with three players", NeurIPS 2019.
"""

from __future__ import annotations

import tensorflow as tf


def zero_one(predictions: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """w+ if z > 0, w- if z < 0, (w+ + w-) / 2 at z = 0. Its gradient is zero: for measuring."""
    plus, minus = tf.unstack(weights, axis=-1)
    decided = 0.5 * (1.0 + tf.sign(_column(predictions, weights)))
    return plus * decided + minus * (1.0 - decided)


def hinge(predictions: tf.Tensor, weights: tf.Tensor, margin: float = 1.0) -> tf.Tensor:
    """w0 + (w+ - w0) max(0, margin + z) + (w- - w0) max(0, margin - z).

    An upper bound on `zero_one` if margin >= 1. ValueError if margin < 0.
    """
    if margin < 0:
        raise ValueError(f"margin must be >= 0, got {margin!r}")
    z = _column(predictions, weights)
    return _surrogate(weights, tf.nn.relu(margin + z), tf.nn.relu(margin - z))


def softmax(predictions: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """w+ sigmoid(z) + w- sigmoid(-z): the expected cost of a prediction drawn at random."""
    plus, minus = tf.unstack(weights, axis=-1)
    z = _column(predictions, weights)
    return plus * tf.sigmoid(z) + minus * tf.sigmoid(-z)


def softmax_cross_entropy(predictions: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """w0 + (w+ - w0) log(1 + exp(z)) + (w- - w0) log(1 + exp(-z)).

    Natural logarithms: log 2 at z = 0, so no upper bound on `zero_one`.
    """
    z = _column(predictions, weights)
    return _surrogate(weights, tf.nn.softplus(z), tf.nn.softplus(-z))


def _surrogate(weights: tf.Tensor, above: tf.Tensor, below: tf.Tensor) -> tf.Tensor:
    plus, minus = tf.unstack(weights, axis=-1)
    least = tf.minimum(plus, minus)
    return least + (plus - least) * above + (minus - least) * below


def _column(predictions: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    # Half-precision scores are widened first: costs of rare groups exceed its range.
    return tf.cast(predictions, weights.dtype)[:, tf.newaxis]
