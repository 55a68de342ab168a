"""Distributions over the objective and the constraints: projections and stationary points."""

from __future__ import annotations

import tensorflow as tf

# 2^16 steps of the power iteration: chains that mix at 1e-4 per step have forgotten their start.
_SQUARINGS = 16

# Up to here a product is cheaper as sums, which XLA fuses with what surrounds them, than as a call of a
# matrix product: a third of the time for 9x9, half of it for 17x17, three times as much for 33x33.
_FUSED = 17


def stationary_distribution(matrix: tf.Tensor) -> tf.Tensor:
    """p with M p proportional to p: the dominant right eigenvector, as a distribution.

    Power iteration from the uniform distribution, 2^16 steps taken by squaring the matrix 16
    times (no data-dependent loop, so it is the same graph everywhere). It is run on (M + I) / 2,
    which has the same eigenvectors and never oscillates.

    Args:
        matrix: (n, n) float32, non-negative; columns that sum to one, or nearly so.

    Returns:
        (n,) float32, non-negative, sums to 1.
    """
    # abs: additive updates leave negative zeros.
    p = tf.cast(tf.abs(_row_sums_of_power(matrix)), matrix.dtype)
    return p / tf.reduce_sum(p)


def _squared(matrix: tf.Tensor) -> tf.Tensor:
    # float64: tensor cores would round products of float32 to ten bits, sixteen times over.
    power = 0.5 * (tf.cast(matrix, tf.float64) + tf.eye(tf.shape(matrix)[0], dtype=tf.float64))
    for squarings in range(1, _SQUARINGS + 1):
        power = _square(power)
        # float64 holds what four squarings make of a largest entry of 1: n^15 at most.
        if squarings % 4 == 0:
            power /= tf.reduce_max(power)
    return tf.reduce_sum(power, axis=1)


def _square(matrix: tf.Tensor) -> tf.Tensor:
    size = matrix.shape[0]
    if size is None or size > _FUSED:
        return matrix @ matrix
    return tf.reduce_sum(matrix[:, :, tf.newaxis] * matrix, axis=1)


# One call instead of dozens in eager mode; inlined in a surrounding tf.function.
_row_sums_of_power = tf.function(_squared, autograph=False)


def project_multiplicative(logs: tf.Tensor, minimum: float) -> tf.Tensor:
    """KL projection of exp(logs) on the simplex along axis 0, then no entry below `minimum`.

        logs <- max(logs - logsumexp(logs), log(minimum))

    After the clamp, columns sum to slightly more than 1.

    Args:
        logs: (n,) or (n, k) float32.
        minimum: least probability, > 0.
    """
    normalised = logs - tf.reduce_logsumexp(logs, axis=0, keepdims=True)
    return tf.maximum(normalised, tf.math.log(tf.constant(minimum, logs.dtype)))


def project_additive(columns: tf.Tensor, total: float = 1.0) -> tf.Tensor:
    """Euclidean projection on {x >= 0, sum x = total} along axis 0.

        x <- max(0, x - theta),   theta such that the result sums to `total`

    Source: Duchi, Shalev-Shwartz, Singer and Chandra, ICML 2008, figure 1.

    Args:
        columns: (n,) or (n, k) float32.
    """
    vectors = tf.transpose(columns)  # the simplex along the last axis
    descending = tf.sort(vectors, axis=-1, direction="DESCENDING")
    ranks = tf.range(1, tf.shape(vectors)[-1] + 1)
    thetas = (tf.cumsum(descending, axis=-1) - total) / tf.cast(ranks, vectors.dtype)
    # The support is a prefix of the sorted entries; its last theta is the largest.
    theta = tf.reduce_max(thetas, axis=-1, keepdims=True)
    return tf.transpose(tf.nn.relu(vectors - theta))


def project_ball(vector: tf.Tensor, radius: float) -> tf.Tensor:
    """Euclidean projection on {x >= 0, sum x <= radius}.

    Args:
        vector: (n,) float32.
        radius: > 0.
    """
    positive = tf.nn.relu(vector)
    outside = tf.reduce_sum(positive) > radius
    return tf.where(outside, project_additive(vector, radius), positive)
