"""The dual player: its distribution, its steps and its projections."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from fairgate.optimization import simplex
from fairgate.optimization.games import ProxyLagrangian
from fairgate.optimization.problems import ProblemValues

KINDS = [(r, u) for r in ("swap", "external") for u in ("multiplicative", "additive")]


def constant(values):
    return tf.constant(values, tf.float32)


def arguments_of(case):
    """The reference's arguments as ours, with its defaults spelled out."""
    given = case["arguments"]
    minimum = given.get("minimum_multiplier_radius", 1e-3)
    start = minimum if given["update_type"] == "multiplicative" else 0.0
    return {
        "regret_type": given["regret_type"],
        "update_type": given["update_type"],
        "minimum_radius": minimum,
        "initial_radius": given.get("initial_multiplier_radius", start),
    }


def linear_values(case, model):
    """Objective c.w, constraints A w - b, proxies P w - q (or the constraints themselves)."""
    constraints = tf.linalg.matvec(constant(case["A"]), model) - constant(case["b"])
    proxies = constraints
    if case["P"] is not None:
        proxies = tf.linalg.matvec(constant(case["P"]), model) - constant(case["q"])
    return ProblemValues(tf.tensordot(constant(case["c"]), model, 1), proxies, constraints)


@pytest.mark.parametrize("m", [1, 2, 12])
@pytest.mark.parametrize(("regret", "update"), KINDS)
def test_the_default_start_gives_half_to_the_objective(m, regret, update):
    p = ProxyLagrangian(m, regret, update).multipliers().numpy()
    np.testing.assert_allclose(p, [0.5] + [0.5 / m] * m, rtol=1e-5)


@pytest.mark.parametrize(("regret", "update"), KINDS)
def test_without_constraints_the_objective_has_all_the_weight(regret, update):
    dual = ProxyLagrangian(0, regret, update)
    dual.update(tf.zeros(0))
    np.testing.assert_allclose(dual.multipliers(), [1.0], rtol=1e-5)
    values = ProblemValues(constant(3.0), tf.zeros(0), tf.zeros(0))
    np.testing.assert_allclose(dual.lagrangian(values), 3.0, rtol=1e-5)


@pytest.mark.parametrize("normalize", [False, True])
def test_the_model_sees_the_weighted_sum_with_the_weights_held_fixed(normalize):
    dual = ProxyLagrangian(2, initial_radius=0.6, normalize=normalize)
    objective, proxies = tf.Variable(2.0), tf.Variable([1.0, -3.0])
    with tf.GradientTape() as tape:
        value = dual.lagrangian(ProblemValues(objective * 1, proxies * 1, constant([9, 9])))
    p = np.array([0.6, 0.2, 0.2]) / (0.6 if normalize else 1)
    np.testing.assert_allclose(value, p @ [2, 1, -3], rtol=1e-5)
    gradients = tape.gradient(value, [objective, proxies, dual.state])
    np.testing.assert_allclose(gradients[0], p[0], rtol=1e-5)
    np.testing.assert_allclose(gradients[1], p[1:], rtol=1e-5)
    assert gradients[2] is None


def test_a_step_is_exponentiated_gradient():
    dual = ProxyLagrangian(1, "external", optimizer=2.0)
    dual.update(constant([0.1]))
    weights = np.array([0.5, 0.5 * np.exp(0.2)])
    np.testing.assert_allclose(dual.multipliers(), weights / weights.sum(), rtol=1e-5)


def test_the_optimizer_really_advances():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
    dual = ProxyLagrangian(1, optimizer=keras.optimizers.Adam(schedule))
    for _ in range(3):
        dual.update(constant([0.1]))
    assert int(dual.optimizer.iterations) == 3
    assert float(dual.optimizer.learning_rate) == pytest.approx(0.0125)


def weight_after_100_steps(dual, violation=0.1):
    step = tf.function(lambda: dual.update(constant([violation])))
    for _ in range(100):
        step()
    return float(dual.multipliers()[1])


def test_the_default_start_acts_within_a_hundred_steps():
    assert weight_after_100_steps(ProxyLagrangian(1)) > 0.7
    adam = keras.optimizers.Adam(1e-2)
    assert weight_after_100_steps(ProxyLagrangian(1, optimizer=adam)) > 0.7


def test_the_start_of_the_reference_hardly_acts():
    # The trap that the default avoids: the reference's initial radius with its tutorial's Adam.
    trapped = ProxyLagrangian(1, initial_radius=1e-3, optimizer=keras.optimizers.Adam(1e-3))
    assert weight_after_100_steps(trapped) < 0.001


def test_the_floor_lets_a_constraint_come_back():
    dual = ProxyLagrangian(1, optimizer=10.0)
    step = tf.function(dual.update)
    for _ in range(100):
        step(constant([-0.5]))
    assert 2e-4 < dual.multipliers()[1] < 2e-3
    for _ in range(100):
        step(constant([0.5]))
    assert dual.multipliers()[1] > 0.9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_constraints": -1}, "num_constraints"),
        ({"num_constraints": 1, "regret_type": "x"}, "regret_type"),
        ({"num_constraints": 1, "update_type": "x"}, "update_type"),
        ({"num_constraints": 1, "minimum_radius": 0.0}, "minimum_radius"),
        ({"num_constraints": 1, "initial_radius": 1.5}, "initial_radius"),
        ({"num_constraints": 1, "initial_radius": 1e-4}, "initial_radius"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ProxyLagrangian(**arguments)


def test_state_saves_and_restores(tmp_path):
    dual = ProxyLagrangian(2, optimizer=keras.optimizers.Adam(0.1))
    dual.update(constant([0.3, -0.2]))
    path = tf.train.Checkpoint(dual=dual).write(str(tmp_path / "dual"))
    other = ProxyLagrangian(2, optimizer=keras.optimizers.Adam(0.1))
    tf.train.Checkpoint(dual=other).read(path).assert_consumed()
    for both in (dual, other):
        both.update(constant([0.1, 0.1]))
    np.testing.assert_array_equal(dual.state, other.state)


def test_stationary_distributions_of_slow_and_periodic_chains():
    slow = constant([[0.999, 0.002], [0.001, 0.998]])
    np.testing.assert_allclose(simplex.stationary_distribution(slow), [2 / 3, 1 / 3], rtol=1e-3)
    cycle = constant([[0, 0, 0.5], [1, 0, 0.5], [0, 1, 0]])
    np.testing.assert_allclose(simplex.stationary_distribution(cycle), [0.2, 0.4, 0.4], rtol=1e-5)


@pytest.mark.parametrize("size", [2, 17, 18, 60])
def test_a_stationary_distribution_stays_where_it_is_whatever_the_size(size):
    chain = np.random.default_rng(size).dirichlet(np.full(size, 0.2), size).T.astype(np.float32)
    p = simplex.stationary_distribution(chain).numpy()
    np.testing.assert_allclose(chain.astype(np.float64) @ p, p, atol=1e-6)
    np.testing.assert_allclose(p.sum(), 1.0, rtol=1e-5)


def test_the_additive_projection_is_the_nearest_point_of_the_simplex():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(4, 50)).astype("float32")
    projected = simplex.project_additive(tf.constant(points)).numpy()
    assert projected.min() >= 0
    np.testing.assert_allclose(projected.sum(axis=0), 1, rtol=1e-5)
    # Optimality: (x - P x) . (y - P x) <= 0 for every vertex y.
    residual = points - projected
    assert (residual - (residual * projected).sum(axis=0)).max() <= 1e-5


def test_steps_are_those_of_the_reference(reference):
    for case in reference["optimizers"]:
        assert (case["model_optimizer"], case["constraint_optimizer"]) == ("SGD(0.1)", "SGD(1.0)")
        dual = ProxyLagrangian(len(case["b"]), optimizer=1.0, **arguments_of(case))
        model = tf.Variable(constant(case["model_start"]))
        tolerance = {"rtol": 2e-5, "atol": 2e-5, "err_msg": case["id"]}
        np.testing.assert_allclose(dual.state, case["initial"]["state"], **tolerance)
        for expected in case["steps"]:
            np.testing.assert_allclose(dual.multipliers(), expected["weights_used"], **tolerance)
            with tf.GradientTape() as tape:
                values = linear_values(case, model)
                value = dual.lagrangian(values)
            model.assign_sub(0.1 * tape.gradient(value, model))
            dual.update(values.constraints)
            np.testing.assert_allclose(values.objective, expected["objective"], **tolerance)
            np.testing.assert_allclose(values.constraints, expected["constraints"], **tolerance)
            np.testing.assert_allclose(dual.state, expected["state_after"], **tolerance)
            np.testing.assert_allclose(model, expected["model_after"], **tolerance)


def test_gradients_and_projections_are_those_of_the_reference(reference):
    for case in reference["loss_functions"]:
        dual = ProxyLagrangian(len(case["b"]), optimizer=1.0, **arguments_of(case))
        model = tf.Variable(constant(case["model"]))
        tolerance = {"rtol": 2e-5, "atol": 2e-5, "err_msg": case["id"]}
        np.testing.assert_allclose(dual.state, case["initial_state"], **tolerance)
        dual.state.assign(case["state"])
        with tf.GradientTape() as tape:
            values = linear_values(case, model)
            value = 3 * dual.lagrangian(values)
        np.testing.assert_allclose(tape.gradient(value, model), case["gradient_model"], **tolerance)
        gradient = 3 * case["arguments"]["dual_scale"] * dual.dual_gradient(values.constraints)
        np.testing.assert_allclose(gradient, case["gradient_state"], **tolerance)
        if case["arguments"]["update_type"] == "multiplicative":
            floor = arguments_of(case)["minimum_radius"] / (len(case["b"]) + 1)
            projected = simplex.project_multiplicative(constant(case["state_to_project"]), floor)
        else:
            projected = simplex.project_additive(constant(case["state_to_project"]))
        np.testing.assert_allclose(projected, case["projected"], **tolerance)
