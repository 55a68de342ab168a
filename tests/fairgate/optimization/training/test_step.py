"""The bare step: loops, strategies, saving and restoring."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from fairgate.optimization import problems as co
from fairgate.optimization.games import Lagrangian, ProxyLagrangian
from fairgate.optimization.training import ConstrainedOptimizer
from tests.fairgate.optimization.training.data import examples, group_fpr, loop_problem, model

X, Y = examples(256)


def optimizer_for(network: keras.Model) -> ConstrainedOptimizer:
    problem = loop_problem(network)
    game = ProxyLagrangian(problem.num_constraints, optimizer=keras.optimizers.Adam(0.03))
    return ConstrainedOptimizer(problem, game, keras.optimizers.Adam(0.05), network)


def batches(steps: int, size: int = 64) -> list[tuple[tf.Tensor, dict[str, tf.Tensor]]]:
    random = np.random.default_rng(1)
    rows = [random.integers(0, len(X), size) for _ in range(steps)]
    return [(tf.constant(X[r]), {k: tf.constant(v[r]) for k, v in Y.items()}) for r in rows]


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_compiled_loop_trains(jit_compile: bool) -> None:
    network = model()
    step = tf.function(optimizer_for(network).minimize, jit_compile=jit_compile, autograph=False)
    for batch in batches(200):
        values = step(batch)
    assert np.isfinite(values.objective)
    assert group_fpr(network, X, Y) <= 0.15


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_problem_without_constraints_is_plain_training(jit_compile: bool) -> None:
    network = model()
    context = co.rate_context(lambda b: network(b[0]), lambda b: b[1]["label"])
    problem = co.RateMinimizationProblem(co.error_rate(context))
    optimizer = ConstrainedOptimizer(
        problem, ProxyLagrangian(0), keras.optimizers.SGD(0.1), network
    )
    step = tf.function(optimizer.minimize, jit_compile=jit_compile, autograph=False)
    (batch,) = batches(1)
    first = step(batch).objective
    assert step(batch).objective < first


def test_two_replicas_take_the_step_of_one(two_replicas: tf.distribute.Strategy) -> None:
    steps = batches(12)
    alone = model()
    single = optimizer_for(alone)
    expected = [single.minimize(batch) for batch in steps]
    with two_replicas.scope():
        network = model()
        mirrored = optimizer_for(network)

    @tf.function
    def step(batch):
        return two_replicas.run(mirrored.minimize, args=(batch,))

    for batch, wanted in zip(steps, expected, strict=True):
        halves = [tf.nest.map_structure(lambda t, i=i: tf.split(t, 2)[i], batch) for i in range(2)]

        def half(context, halves=halves):
            return halves[context.replica_id_in_sync_group]

        values = step(two_replicas.experimental_distribute_values_from_function(half))
        for ours, single_value in zip(values, wanted, strict=True):
            for local in two_replicas.experimental_local_results(ours):
                np.testing.assert_allclose(local, single_value, atol=2e-5)
    np.testing.assert_allclose(network.get_weights()[0], alone.get_weights()[0], atol=2e-5)
    np.testing.assert_allclose(
        mirrored.formulation.multipliers(), single.formulation.multipliers(), atol=2e-5
    )


def test_a_checkpoint_resumes_where_it_stopped(tmp_path: Path) -> None:
    def fresh() -> tuple[keras.Model, ConstrainedOptimizer, tf.train.Checkpoint]:
        network = model()
        optimizer = optimizer_for(network)
        return network, optimizer, tf.train.Checkpoint(optimizer=optimizer, model=network)

    steps = batches(10)
    _, optimizer, checkpoint = fresh()
    for batch in steps[:5]:
        optimizer.minimize(batch)
    path = checkpoint.write(str(tmp_path / "game"))
    expected = [optimizer.minimize(batch) for batch in steps[5:]]
    _, resumed, checkpoint = fresh()
    checkpoint.read(path).assert_consumed()
    for batch, wanted in zip(steps[5:], expected, strict=True):
        values = resumed.minimize(batch)
        np.testing.assert_allclose(values.objective, wanted.objective, atol=1e-6)
        np.testing.assert_allclose(values.constraints, wanted.constraints, atol=1e-6)
    np.testing.assert_array_equal(
        optimizer.formulation.multipliers(), resumed.formulation.multipliers()
    )


def test_streams_of_minibatches_per_group_keep_a_rare_group_in_every_step() -> None:
    """A group of 1%: its context reads a stream of its own; the denominators are its own, too."""
    random = np.random.default_rng(0)
    everyone, targets = examples(4000, seed=5)
    rare = random.random(4000) < 0.01
    network = model()
    whole = co.rate_context(lambda b: network(b["all"][0]), lambda b: b["all"][1])
    group = co.rate_context(lambda b: network(b["rare"][0]), lambda b: b["rare"][1])
    problem = co.RateMinimizationProblem(
        co.error_rate(whole), [co.false_positive_rate(group) <= 0.05]
    )
    optimizer = ConstrainedOptimizer(
        problem, Lagrangian(1, optimizer=0.5), keras.optimizers.Adam(0.02), network
    )

    def stream(mask: np.ndarray, size: int) -> tf.data.Dataset:
        data = tf.data.Dataset.from_tensor_slices((everyone[mask], targets["label"][mask]))
        return data.shuffle(4000, seed=1).repeat().batch(size)

    streams = {"all": stream(np.ones(4000, bool), 128), "rare": stream(rare, 16)}
    step = tf.function(optimizer.minimize, autograph=False)
    for batch in tf.data.Dataset.zip(streams).take(300):
        step(batch)
    scores = np.asarray(network(everyone[rare]))[:, 0]
    assert (scores[targets["label"][rare] == 0] > 0).mean() <= 0.1


def test_denominators_that_were_counted_make_minibatch_rates_unbiased() -> None:
    """The running mean starts at the clamp for a group that comes late; counting does not."""
    scores = np.array([1.0, 1.0, -1.0, -1.0] * 500, np.float32)
    members = np.zeros(2000, np.float32)
    members[[501, 1502]] = 1.0  # a thousandth of the rows, one of two above 0
    data = {"scores": scores, "members": members}
    context = co.rate_context(lambda b: b["scores"]).subset(lambda b: b["members"])
    problem = co.RateMinimizationProblem(
        co.wrap_rate(0.0), [co.positive_prediction_rate(context) <= 0], 0.01
    )
    minibatches = [{k: v[i : i + 100] for k, v in data.items()} for i in range(0, 2000, 100)]
    problem.count(minibatches)
    measured = []
    for batch in minibatches:
        problem.update(batch)
        measured.append(problem.components(batch).constraints[0])
    assert np.mean(measured) == pytest.approx(0.5)


def test_what_is_wrong_is_said_in_words() -> None:
    network = model()
    with pytest.raises(ValueError, match=r"problem\.num_constraints"):
        ConstrainedOptimizer(loop_problem(network), Lagrangian(2), keras.optimizers.SGD(), network)
    with pytest.raises(TypeError, match="a value would stay as it is"):
        co.rate_context(tf.constant([1.0]))
    other = tf.Variable(1.0)
    optimizer = ConstrainedOptimizer(
        loop_problem(network), Lagrangian(1), keras.optimizers.SGD(), [other]
    )
    with pytest.raises(ValueError, match="does not depend on the variables"):
        optimizer.minimize(batches(1)[0])


def test_both_halves_of_a_step_over_split_data_make_the_whole_one() -> None:
    """Primal and dual steps read one half of the data each, and move as `minimize` does."""

    def split_optimizer(network: keras.Model) -> ConstrainedOptimizer:
        context = co.split_rate_context(
            lambda b: network(b["one"][0]),
            lambda b: network(b["two"][0]),
            lambda b: b["one"][1]["label"],
            lambda b: b["two"][1]["label"],
        )
        group = context.subset(lambda b: b["one"][1]["group"], lambda b: b["two"][1]["group"])
        problem = co.RateMinimizationProblem(
            co.error_rate(context), [co.false_positive_rate(group) <= 0.1]
        )
        problem.count([{"one": (X, Y), "two": (X, Y)}])
        return ConstrainedOptimizer(
            problem, ProxyLagrangian(1, optimizer=0.5), keras.optimizers.SGD(0.1), network
        )

    together, apart = model(), model()
    whole, halves = split_optimizer(together), split_optimizer(apart)
    for one, two in zip(batches(5), batches(5, size=32), strict=True):
        values = whole.minimize({"one": one, "two": two})
        # The multipliers look before the model moves, as in `minimize`.
        expected = halves.problem.constraints({"two": two})
        p = halves.formulation.multipliers()
        objective = halves.primal_step({"one": one})
        np.testing.assert_allclose(objective, values.objective, rtol=1e-6)
        np.testing.assert_allclose(expected, values.constraints, rtol=1e-6)
        np.testing.assert_array_equal(p, halves.formulation.multipliers())
        halves.formulation.update(expected)
        np.testing.assert_array_equal(
            halves.formulation.multipliers(), whole.formulation.multipliers()
        )
        for a, b in zip(together.get_weights(), apart.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)
    before = halves.formulation.multipliers().numpy()
    seen = halves.dual_step({"two": batches(1)[0]})
    assert seen.shape == (1,) and (seen[0] > 0) == (halves.formulation.multipliers()[1] > before[1])
