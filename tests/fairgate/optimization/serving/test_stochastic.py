"""A distribution over snapshots, served as one SavedModel."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from fairgate.optimization.serving import StochasticClassifier


def constant(score: float) -> keras.Model:
    model = keras.Sequential([keras.Input([2]), keras.layers.Dense(1)])
    model.set_weights([np.zeros((2, 1)), np.array([score])])
    return model


SCORES = (-1.0, 1.0, 2.0)
P = (0.5, 0.0, 0.5)
X = np.zeros((4000, 2), np.float32)


def classifier(salt: str = "") -> StochasticClassifier:
    weights = [constant(score).get_weights() for score in SCORES]
    return StochasticClassifier.from_snapshots(constant(0.0), weights, P, salt)


def test_members_are_drawn_in_their_proportions_and_those_without_one_never() -> None:
    keys = tf.constant([f"id-{i}" for i in range(len(X))])
    for scores in (classifier().by_key(X, keys), classifier().by_seed(X, 7)):
        values, counts = np.unique(scores, return_counts=True)
        assert values.tolist() == [-1.0, 2.0]
        # 4 standard deviations of 4000 fair draws.
        assert abs(counts[0] - 2000) < 130


def test_a_key_meets_the_same_member_alone_in_company_and_with_a_number_as_key() -> None:
    keys = tf.range(len(X), dtype=tf.int64)
    together = classifier().by_key(X, keys).numpy()
    reversed_order = classifier().by_key(X, keys[::-1]).numpy()[::-1]
    np.testing.assert_array_equal(together, reversed_order)
    alone = classifier().by_key(X[:1], keys[17:18]).numpy()
    assert alone[0] == together[17]
    as_text = classifier().by_key(X, tf.strings.as_string(keys))
    np.testing.assert_array_equal(together, as_text)
    assert (classifier("salt").by_key(X, keys).numpy() != together).mean() > 0.4


def test_a_seed_makes_a_request_reproducible() -> None:
    first, again, other = (classifier().by_seed(X, seed).numpy() for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_the_probability_of_a_positive_decision_is_that_of_its_members() -> None:
    np.testing.assert_allclose(classifier().positive_probability(X[:2]), [0.5, 0.5])


def test_one_saved_model_serves_all_of_it(tmp_path: Path) -> None:
    stochastic = classifier()
    stochastic.save(tmp_path / "model")
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    x = tf.constant(X[:50])
    by_seed = loaded.signatures["serving_default"](inputs=x, seed=tf.constant(3, tf.int64))
    np.testing.assert_array_equal(by_seed["scores"], stochastic.by_seed(x, 3))
    keys = tf.constant([str(i) for i in range(50)])
    by_key = loaded.signatures["by_key"](inputs=x, key=keys)
    np.testing.assert_array_equal(by_key["scores"], stochastic.by_key(x, keys))
    probability = loaded.signatures["positive_probability"](inputs=x)
    np.testing.assert_allclose(probability["positive_probability"], 0.5)


@pytest.mark.parametrize("p", [(0.5, 0.5), (0.5, 0.2, 0.2), (-0.5, 1.0, 0.5), (np.nan, 0.5, 0.5)])
def test_probabilities_that_are_none_are_refused(p: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="probabilities"):
        StochasticClassifier([constant(score) for score in SCORES], p)
