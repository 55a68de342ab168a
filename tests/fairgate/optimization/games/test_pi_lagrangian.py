"""The controller: its first steps by hand, and an oscillation that it damps."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks.duals.problems import PROBLEMS, ConvexProblem
from fairgate.optimization.games import Formulation, Lagrangian, PILagrangian
from fairgate.optimization.problems import ProblemValues
from fairgate.optimization.training.step import ConstrainedOptimizer


def seen(game: Formulation, *violations: float) -> list[float]:
    found = []
    for violation in violations:
        game.update(tf.constant([violation], tf.float32))
        found.append(float(game.multipliers()[0]))
    return found


def test_the_first_steps_are_those_of_the_formula() -> None:
    """kappa_i 0.5, kappa_p 2, nu 0.5 for e = 0.4, 0.2, -0.1.

    xi: 0.2, 0.2, 0.05; theta: 0.2, 0.3, 0.25; lambda = theta + 2 xi.
    """
    game = PILagrangian(1, proportional=2.0, smoothing=0.5, optimizer=0.5)
    assert seen(game, 0.4, 0.2, -0.1) == pytest.approx([0.6, 0.7, 0.35])
    np.testing.assert_allclose(game.mean_constraints, [0.05], rtol=1e-6)
    np.testing.assert_allclose(game.state, [0.25], rtol=1e-6)


def test_where_nothing_is_projected_it_is_nupi() -> None:
    """theta_t = theta_{t-1} + kappa_i e_t + kappa_p (xi_t - xi_{t-1}), of the paper."""
    kappa_i, kappa_p, nu = 0.3, 1.5, 0.8
    violations = 0.5 + 0.3 * np.sin(np.arange(20.0))
    theta, xi, expected = 0.0, 0.0, []
    for e in violations:
        before, xi = xi, nu * xi + (1 - nu) * e
        theta += kappa_i * e + kappa_p * (xi - before)
        expected.append(theta)
    game = PILagrangian(1, kappa_p, nu, optimizer=kappa_i)
    assert seen(game, *violations) == pytest.approx(expected, rel=1e-5)


def test_without_a_proportional_part_it_is_the_lagrangian_game() -> None:
    violations = [0.4, -0.1, 0.3, -2.0, 0.5]
    game = PILagrangian(1, proportional=0.0, optimizer=0.5)
    assert seen(game, *violations) == seen(Lagrangian(1, optimizer=0.5), *violations)


def test_it_is_the_gradient_of_an_augmented_lagrangian() -> None:
    """f + |max(0, theta + c g)|^2 / (2 c) at g = (0.5, -1) of w, for theta = (0.2, 0.3), c = 2."""
    game = PILagrangian(2, proportional=2.0, optimizer=1e-9)
    game.warm_start([0.2, 0.3])
    w = tf.Variable([0.5, -1.0])
    game.update(tf.convert_to_tensor(w))
    with tf.GradientTape(persistent=True) as tape:
        played = game.lagrangian(ProblemValues(tf.reduce_sum(w), w, w))
        pulled = tf.nn.relu(tf.constant([0.2, 0.3]) + 2.0 * w)
        augmented = tf.reduce_sum(w) + tf.reduce_sum(pulled**2) / 4.0
    np.testing.assert_allclose(tape.gradient(played, w), tape.gradient(augmented, w), rtol=1e-6)


def test_a_constraint_that_holds_less_well_than_before_gets_no_weight() -> None:
    game = PILagrangian(1, proportional=5.0, optimizer=0.5)
    assert seen(game, -0.9, -0.5, -0.1) == [0, 0, 0]


def test_the_radius_bounds_what_the_model_sees_and_nothing_winds_up() -> None:
    game = PILagrangian(2, proportional=3.0, maximum_radius=1.0, optimizer=0.5)
    for _ in range(100):
        game.update(tf.constant([0.8, 0.6]))
    assert float(tf.reduce_sum(game.multipliers())) == pytest.approx(1.0, abs=1e-6)
    # A hundred violations are forgotten in as many steps as one radius takes: 1 / (0.5 * 0.5) = 4.
    for _ in range(4):
        game.update(tf.constant([-0.5, -0.5]))
    assert game.multipliers().numpy() == pytest.approx([0, 0], abs=1e-6)


def test_a_scale_is_the_unit_of_a_multiplier() -> None:
    """Twice the scale, twice the multiplier, and the radius is in units of the scale."""
    game = PILagrangian(2, maximum_radius=2.0, scale=[1.0, 0.1], optimizer=0.5)
    game.update(tf.constant([0.2, 0.4]))
    np.testing.assert_allclose(game.multipliers(), [0.3, 0.6], rtol=1e-6)
    np.testing.assert_allclose(game.lagrange_multipliers(), [0.3, 0.06], rtol=1e-6)
    game.warm_start([0.5, 0.15])
    np.testing.assert_allclose(game.multipliers(), [0.5, 1.5], rtol=1e-6)
    values = ProblemValues(tf.constant(1.0), tf.constant([2.0, 10.0]), tf.zeros([2]))
    assert float(game.lagrangian(values)) == pytest.approx(1 + 0.5 * 2 + 0.15 * 10)


@pytest.mark.parametrize("argument", [{"proportional": -1.0}, {"smoothing": 1.0}, {"scale": 0.0}])
def test_an_argument_out_of_range_is_refused(argument: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(argument))):
        PILagrangian(1, **argument)


def distance_left(formulation: Formulation) -> float:
    """From the solution of a linear problem, at worst over the last tenth of 2000 plain steps."""
    convex, problem = PROBLEMS["linear"], ConvexProblem()
    players = ConstrainedOptimizer(problem, formulation, keras.optimizers.SGD(0.1), [problem.w])
    batch, step = convex.batch(), tf.function(players.minimize, autograph=False)
    far = []
    for number in range(2000):
        step(batch)
        if number >= 1800:
            away = [problem.w - convex.w, formulation.lagrange_multipliers() - convex.dual]
            far.append(float(tf.reduce_max(tf.abs(tf.concat(away, axis=0)))))
    return max(far)


def test_it_settles_where_gradient_ascent_swings_for_ever() -> None:
    """min -1.5 x - 0.5 y is bilinear in (w, lambda): gradients circle around its saddle point."""
    assert distance_left(Lagrangian(3, optimizer=0.1)) > 0.1
    assert distance_left(PILagrangian(3, proportional=1.0, optimizer=0.1)) < 1e-4
