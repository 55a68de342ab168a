"""The penalty and the running mean: by hand, and what they are for."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from components.constrained_trainer.running.calm_adam import CalmAdam


def optimizer_of(*variables, **given) -> CalmAdam:
    optimizer = CalmAdam(**({"learning_rate": 0.1, "penalty": 0.0, "horizon": 1.0} | given))
    optimizer.build(list(variables))
    return optimizer


def test_without_a_penalty_it_takes_the_steps_of_adam():
    one, other = (keras.Variable([[1.0, -2.0]]) for _ in range(2))
    adam, calm = keras.optimizers.Adam(0.1), optimizer_of(other)
    for gradient in ([[0.3, 0.1]], [[-0.2, 0.5]], [[0.1, 0.1]]):
        adam.apply([keras.ops.array(gradient)], [one])
        calm.apply([keras.ops.array(gradient)], [other])
    np.testing.assert_allclose(one, other, rtol=1e-6)


def test_the_penalty_is_a_gradient_of_layers_and_not_of_their_biases():
    """min (w - 1)^2 / 2 + 3 w^2 / 2 is at 1/4; without a penalty at 1."""
    layer, bias = keras.Variable([[0.0]]), keras.Variable([0.0])
    optimizer = optimizer_of(layer, bias, penalty=3.0, learning_rate=0.02)
    for _ in range(2000):
        optimizer.apply([layer.value - 1.0, bias.value - 1.0], [layer, bias])
    assert float(layer[0, 0]) == pytest.approx(0.25, abs=1e-3)
    assert float(bias[0]) == pytest.approx(1.0, abs=1e-3)


def test_the_mean_follows_closely_at_first_and_then_over_the_horizon():
    weight = keras.Variable([[0.0]])
    optimizer = optimizer_of(weight, horizon=5.0)
    mean = 0.0
    for step in range(60):
        optimizer.apply([keras.ops.array([[np.sin(step)]])], [weight])
        kept = min(1 - 1 / 5, (1 + step) / (10 + step))
        mean += (1 - kept) * (float(weight[0, 0]) - mean)
        assert float(optimizer.means[0][0, 0]) == pytest.approx(mean, abs=1e-6)


def test_a_horizon_of_one_step_is_no_mean():
    weight = keras.Variable([[0.0]])
    optimizer = optimizer_of(weight)
    optimizer.apply([keras.ops.array([[1.0]])], [weight])
    np.testing.assert_allclose(optimizer.means[0], weight)


def test_a_model_is_at_the_means_only_while_it_is_asked_to_be():
    model = keras.Sequential([keras.Input([1]), keras.layers.Dense(1, use_bias=False)])
    [weight] = model.trainable_variables
    optimizer = optimizer_of(weight, horizon=50.0)
    weight.assign([[7.0]])
    with pytest.raises(KeyError), optimizer.at_their_means(model):
        assert float(weight[0, 0]) != 7.0
        raise KeyError
    assert float(weight[0, 0]) == 7.0
