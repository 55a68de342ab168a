"""Games on problems whose solution is known, their starts and their optimizers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from fairgate.optimization import problems as co
from fairgate.optimization.games import (
    Formulation,
    Lagrangian,
    MultiplierModel,
    PILagrangian,
    ProxyLagrangian,
    constrained_loss,
    feature_multipliers,
)
from fairgate.optimization.training.step import ConstrainedOptimizer


class Nearest(co.ConstrainedProblem):
    """min |w - (2, 1)|^2  s.t.  w_1 + w_2 <= 1,  w_1 <= 3:  w = (1, 0), lambda = (2, 0)."""

    num_constraints = 2

    def __init__(self) -> None:
        super().__init__()
        self.w = tf.Variable([0.0, 0.0])

    def objective(self, batch: Any = None) -> tf.Tensor:
        return tf.reduce_sum((self.w - [2.0, 1.0]) ** 2)

    def constraints(self, batch: Any = None) -> tf.Tensor:
        return tf.stack([self.w[0] + self.w[1] - 1.0, self.w[0] - 3.0])


def by_features() -> Formulation:
    model = keras.Sequential(
        [keras.Input([2]), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")]
    )
    outputs, variables = feature_multipliers(model, np.eye(2))
    return MultiplierModel(2, outputs, variables)


GAMES: dict[str, Callable[[], Formulation]] = {
    "lagrangian": lambda: Lagrangian(2, optimizer=0.1),
    "lagrangian with a radius": lambda: Lagrangian(2, maximum_radius=5.0, optimizer=0.1),
    "lagrangian, dual scale": lambda: Lagrangian(2, optimizer=0.02, dual_scale=5.0),
    "lagrangian, Adam": lambda: Lagrangian(
        2,
        optimizer=keras.optimizers.Adam(keras.optimizers.schedules.InverseTimeDecay(0.05, 100, 1)),
    ),
    "PI": lambda: PILagrangian(2, optimizer=0.1),
    "PI with a radius": lambda: PILagrangian(2, maximum_radius=5.0, optimizer=0.1),
    "multiplier model": by_features,
} | {
    f"{regret} {update}{' normalized' * normalize}": (
        lambda regret=regret, update=update, normalize=normalize: ProxyLagrangian(
            2, regret, update, optimizer=0.05, normalize=normalize
        )
    )
    for regret in ("swap", "external")
    for update in ("multiplicative", "additive")
    for normalize in (False, True)
}


@pytest.mark.parametrize("name", GAMES)
def test_the_default_start_acts(name: str) -> None:
    """The reference's needs a thousand steps to weigh a violated constraint by 0.001."""
    problem, game = Nearest(), GAMES[name]()
    for _ in range(10):
        game.update(tf.constant([0.5, -0.5]))
    weights = game.lagrange_multipliers().numpy()
    assert weights[0] > 0.1
    assert weights[0] > weights[1]
    assert problem.num_constraints == game.num_constraints


def test_the_optimizers_of_both_players_really_advance() -> None:
    """In the reference the wrapped optimizers stay at step 0: no schedule, no bias correction."""
    problem = Nearest()
    decay = keras.optimizers.schedules.PiecewiseConstantDecay([1], [1.0, 0.0])
    game = Lagrangian(2, optimizer=keras.optimizers.SGD(decay))
    primal = keras.optimizers.Adam(0.1)
    optimizer = ConstrainedOptimizer(problem, game, primal, [problem.w])
    problem.w.assign([3.0, 0.0])
    for _ in range(5):
        optimizer.minimize()
    assert int(primal.iterations) == int(game.optimizer.iterations) == 5
    # The rate is 1 in the first two steps, where g is about 2, and 0 afterwards.
    assert game.multipliers().numpy()[0] == pytest.approx(4.0, abs=0.01)


def test_clipping_bounds_the_step_of_the_multipliers() -> None:
    game = Lagrangian(1, optimizer=keras.optimizers.SGD(1.0, clipnorm=0.25))
    game.update(tf.constant([10.0]))
    assert game.multipliers().numpy() == pytest.approx([0.25])


@pytest.mark.parametrize("name", [name for name in GAMES if name != "multiplier model"])
def test_a_warm_start_is_what_was_asked_for(name: str) -> None:
    game = GAMES[name]()
    game.warm_start([2.0, 0.5])
    np.testing.assert_allclose(game.lagrange_multipliers(), [2.0, 0.5], rtol=1e-5)
    with pytest.raises(ValueError, match="2 finite multipliers"):
        game.warm_start([1.0, -1.0])


def test_an_optimizer_cannot_serve_both_players() -> None:
    shared = keras.optimizers.Adam()
    Lagrangian(1, optimizer=shared)
    with pytest.raises(ValueError, match="one of their own"):
        Lagrangian(1, optimizer=shared)


def test_multipliers_that_depend_on_features_share_what_they_learn() -> None:
    """Constraints with like features rise together, unlike those with others."""
    features = np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]])
    model = keras.Sequential(
        [keras.Input([2]), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")]
    )
    game = MultiplierModel(3, *feature_multipliers(model, features))
    for _ in range(20):
        game.update(tf.constant([0.5, 0.0, 0.0]))
    weights = game.multipliers().numpy()
    assert weights[0] > 0.5
    assert weights[1] > 0.9 * weights[0]
    assert weights[2] == 0


def test_one_loss_drives_both_players() -> None:
    problem, game = Nearest(), Lagrangian(2)
    loss = constrained_loss(problem, game)

    @tf.function(autograph=False)
    def step() -> None:
        with tf.GradientTape() as tape:
            value = loss()
        of_w, of_state = tape.gradient(value, [problem.w, game.state])
        problem.w.assign_sub(0.1 * of_w)
        game.state.assign_sub(0.1 * of_state)
        game.project()

    for _ in range(600):
        step()
    np.testing.assert_allclose(problem.w, [1.0, 0.0], atol=1e-3)
    np.testing.assert_allclose(game.state, [2.0, 0.0], atol=1e-3)


def test_a_precision_constraint_is_met_by_precision() -> None:
    """With no gradient to the ratio's slack, b stays at 1 and TP / n >= 0.85 is asked for."""
    random = np.random.default_rng(3)
    labels = (random.random(400) < 0.4).astype(np.float32)
    features = np.stack([2 * labels - 1 + random.normal(size=400), np.ones(400)], 1).astype(
        "float32"
    )
    w = tf.Variable([0.1, 0.0])
    context = co.rate_context(lambda: tf.linalg.matvec(features, w), labels)
    problem = co.RateMinimizationProblem(
        co.false_negative_rate(context), [co.precision(context) >= 0.85]
    )
    game = ProxyLagrangian(problem.num_constraints, optimizer=0.3)
    optimizer = ConstrainedOptimizer(problem, game, keras.optimizers.Adam(0.02), [w])
    step = tf.function(optimizer.minimize, autograph=False)
    for _ in range(800):
        step()
    decided = features @ w.numpy() > 0
    assert labels[decided].mean() >= 0.8
    assert (decided & (labels > 0)).sum() / labels.sum() > 0.6
    assert float(problem.slacks[0]) < 0.6
