"""A stochastic classifier: a distribution over trained models, served as one SavedModel.

Where no single snapshot is as good as a mixture (`find_best_candidate_distribution`), every example
is given to a snapshot drawn from that distribution. Which one depends on nothing but

* a key per example (an id): the same key always meets the same snapshot, in every process; or
* a seed per request: the i-th example of the request meets a snapshot drawn from (seed, i).

    u in [0, 1) from the hash of the key, or from the seed and i;   member = #{j : c_j <= u}

with c the cumulative probabilities. At most m + 1 snapshots have a probability (m constraints), so
all of them score every example, and one is picked.

Source: Cotter, Jiang and Sridharan, ALT 2019, section 4; on how often an individual meets another
decision: Cotter, Gupta and Narasimhan, "On making stochastic classifiers deterministic", NeurIPS
2019.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

# A prime number of buckets, so fine that no probability is off by more than 2^-30.
_BUCKETS = 2_147_483_647


def draws_by_key(keys: tf.Tensor, salt: str | tf.Tensor = "") -> tf.Tensor:
    """(n,) float64 in [0, 1): a draw for each key, the same for the same key in every process.

    Args:
        keys: (n,) strings or whole numbers.
        salt: with another salt the same keys get other draws.
    """
    text = keys if keys.dtype == tf.string else tf.strings.as_string(keys)
    salted = tf.strings.join([salt, text], separator="\x1f")
    # A keyed hash: with a fast one, ids that count upwards would meet members in patterns.
    buckets = tf.strings.to_hash_bucket_strong(salted, _BUCKETS, key=[7_203_772_011, 40_503])
    return tf.cast(buckets, tf.float64) / _BUCKETS


class StochasticClassifier(tf.Module):
    """See the top of this file.

    Args:
        members: Keras models with one output, a score or one for each of several classes, that take the
            same inputs.
        probabilities: one per member, non-negative, summing to 1 (within 1e-6). Members with
            probability 0 are left out.
        salt: with another salt the same keys meet other members.

    Raises:
        ValueError: if the probabilities are none, or do not fit the members.
    """

    def __init__(
        self, members: Sequence[keras.Model], probabilities: ArrayLike, salt: str = ""
    ) -> None:
        super().__init__(name="stochastic_classifier")
        p = np.asarray(probabilities, np.float64)
        if p.shape != (len(members),) or not members:
            raise ValueError(f"expected {len(members)} probabilities, got shape {p.shape}")
        if not (np.isfinite(p).all() and (p >= 0).all() and abs(p.sum() - 1) <= 1e-6):
            raise ValueError(f"probabilities must be >= 0 and sum to 1, got {p.tolist()}")
        self.members = [member for member, weight in zip(members, p, strict=True) if weight > 0]
        kept = p[p > 0] / p.sum()
        self.probabilities = tf.constant(kept, tf.float32)
        # The last one is left out: whatever u is, some member has it.
        self._cumulative = tf.constant(np.cumsum(kept)[:-1], tf.float64)
        self._salt = tf.constant(salt)

    @classmethod
    def from_snapshots(
        cls,
        model: keras.Model,
        weights: Sequence[Sequence[Any]],
        probabilities: ArrayLike,
        salt: str = "",
    ) -> StochasticClassifier:
        """From one architecture and the weights (`model.get_weights()`) of each snapshot."""
        p = np.asarray(probabilities, np.float64)
        if p.shape != (len(weights),):
            raise ValueError(f"expected {len(weights)} probabilities, got shape {p.shape}")
        members = []
        for place in np.flatnonzero(p):
            member = keras.models.clone_model(model)
            member.set_weights(list(weights[place]))
            members.append(member)
        return cls(members, p[p > 0], salt)

    def scores(self, inputs: Any) -> tf.Tensor:
        """(n, members) float32: what every member says; of several classes (n, members, classes)."""
        said = [tf.cast(member(inputs, training=False), tf.float32) for member in self.members]
        several = [each.shape.rank == 2 and each.shape[1] != 1 for each in said]
        return tf.stack(said if all(several) else [tf.reshape(x, [-1]) for x in said], axis=1)

    def by_key(self, inputs: Any, keys: tf.Tensor) -> tf.Tensor:
        """(n,) float32 scores (of several classes (n, classes)), each of the member that its key meets.

        Args:
            inputs: as the members take them, n examples.
            keys: (n,) strings or whole numbers.
        """
        return self._picked(inputs, draws_by_key(keys, self._salt))

    def by_seed(self, inputs: Any, seed: tf.Tensor) -> tf.Tensor:
        """(n,) float32 scores, each of a member drawn from the seed and the example's place.

        Args:
            inputs: as the members take them, n examples.
            seed: () whole number.
        """
        rows = tf.shape(tf.nest.flatten(inputs)[0])[0]
        pair = tf.stack([tf.cast(seed, tf.int64), tf.constant(0, tf.int64)])
        # By name: the default algorithm depends on the device.
        draws = tf.random.stateless_uniform([rows], pair, dtype=tf.float64, alg="philox")
        return self._picked(inputs, draws)

    def positive_probability(self, inputs: Any) -> tf.Tensor:
        """(n,) float32: the probability of a positive decision (score > 0), over the draw."""
        decided = tf.cast(self.scores(inputs) > 0, tf.float32)
        return tf.reduce_sum(decided * self.probabilities, axis=-1)

    def save(self, directory: str | os.PathLike[str]) -> None:
        """One SavedModel with a signature per way to call it.

        | signature | takes | gives |
        |---|---|---|
        | serving_default | inputs, seed | scores |
        | by_key | inputs, key (n,) strings | scores |
        | positive_probability | inputs | positive_probability |

        Raises:
            ValueError: if the members take more than one tensor: write signatures of your own
                around `by_key` and `by_seed`, and save with `tf.saved_model.save`.
        """
        inputs = self.members[0].inputs
        if len(inputs) != 1:
            raise ValueError(f"expected models of one input, got {len(inputs)}")
        spec = tf.TensorSpec([None, *inputs[0].shape[1:]], inputs[0].dtype, name="inputs")
        seed = tf.TensorSpec([], tf.int64, name="seed")
        keys = tf.TensorSpec([None], tf.string, name="key")
        signatures = {
            "serving_default": tf.function(
                lambda inputs, seed: {"scores": self.by_seed(inputs, seed)}
            ).get_concrete_function(spec, seed),
            "by_key": tf.function(
                lambda inputs, key: {"scores": self.by_key(inputs, key)}
            ).get_concrete_function(spec, keys),
            "positive_probability": tf.function(
                lambda inputs: {"positive_probability": self.positive_probability(inputs)}
            ).get_concrete_function(spec),
        }
        tf.saved_model.save(self, os.fspath(directory), signatures=signatures)

    def _picked(self, inputs: Any, draws: tf.Tensor) -> tf.Tensor:
        member = tf.reduce_sum(tf.cast(draws[:, tf.newaxis] >= self._cumulative, tf.int32), axis=1)
        return tf.gather(self.scores(inputs), member, axis=1, batch_dims=1)
