"""`compile` and `fit` on an ordinary Keras model."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from fairgate.optimization.games import Lagrangian, ProxyLagrangian
from fairgate.optimization.training import ConstrainedModel
from fairgate.optimization.training.support import require_supported
from tests.fairgate.optimization.training.data import (
    error,
    examples,
    fit_problem,
    group_fpr,
    model,
)

X, Y = examples()


def game(network: keras.Model | None = None, **options: object) -> ConstrainedModel:
    network = network or model()
    problem = fit_problem()
    formulation = ProxyLagrangian(problem.num_constraints, optimizer=keras.optimizers.SGD(1.0))
    return ConstrainedModel(network, problem, formulation, **options)


def assert_same(one: object, other: object) -> None:
    """To the digit; on a GPU, whose libraries choose among kernels at each call, to rounding."""
    tolerance = 1e-5 if tf.config.list_physical_devices("GPU") else 0.0
    np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    "options",
    [{}, {"jit_compile": True}, {"steps_per_execution": 4}, {"run_eagerly": True}],
    ids=str,
)
def test_fit_keeps_the_constraint_and_logs_its_multiplier(options: dict[str, object]) -> None:
    network = model()
    trained = game(network)
    trained.compile(keras.optimizers.Adam(0.05), **options)
    epochs = 1 if "run_eagerly" in options else 10
    # More steps per epoch: Keras spends more on an epoch than on these steps.
    x, y = np.tile(X, (4, 1)), {key: np.tile(value, 4) for key, value in Y.items()}
    history = trained.fit(x, y, epochs=epochs, batch_size=128, verbose=0).history
    assert {"loss", "max_violation", "g/fpr", "multiplier/fpr"} <= history.keys()
    assert history["multiplier/fpr"][0] > 0
    if epochs > 1:
        assert group_fpr(network, X, Y) <= 0.13
        assert error(network, X, Y) < 0.25
    assert int(trained.optimizer.iterations) == 16 * epochs
    assert int(trained.formulation.optimizer.iterations) == 16 * epochs


def test_callbacks_metrics_and_validation_work_as_for_any_model(
    capfd: pytest.CaptureFixture[str],
) -> None:
    trained = game(metric_labels=lambda y: y["label"])
    trained.compile("adam", metrics=[keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)])
    seen: list[dict[str, float]] = []
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs))
    history = trained.fit(X, Y, epochs=2, callbacks=[callback], validation_data=(X, Y), verbose=2)
    assert {"accuracy", "val_accuracy", "val_loss", "val_g/fpr"} <= history.history.keys()
    assert len(seen) == 2
    assert "Epoch 2/2" in capfd.readouterr().out


def test_half_precision_trains_with_loss_scaling() -> None:
    keras.config.set_dtype_policy("mixed_float16")
    try:
        network = model()
        trained = game(network)
        trained.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.05)))
        history = trained.fit(X, Y, epochs=20, batch_size=128, verbose=0).history
    finally:
        keras.config.set_dtype_policy("float32")
    assert np.isfinite(history["loss"]).all()
    assert group_fpr(network, X, Y) < 0.2


def test_weights_hold_the_whole_game(tmp_path: Path) -> None:
    first = game()
    first.compile(keras.optimizers.Adam(0.05))
    first.fit(X, Y, epochs=2, batch_size=128, verbose=0)
    first.save_weights(tmp_path / "game.weights.h5")
    second = game()
    second.compile(keras.optimizers.Adam(0.05))
    second.load_weights(tmp_path / "game.weights.h5")
    np.testing.assert_array_equal(first.formulation.state, second.formulation.state)
    np.testing.assert_array_equal(first.problem.denominators.sums, second.problem.denominators.sums)
    np.testing.assert_array_equal(first.model.get_weights()[0], second.model.get_weights()[0])
    assert int(second.formulation.optimizer.iterations) == 8
    # And so it goes on as if nothing had happened.
    for each in (first, second):
        each.fit(X, Y, epochs=2, batch_size=128, shuffle=False, verbose=0)
    assert_same(first.formulation.state, second.formulation.state)
    assert_same(first.model.get_weights()[0], second.model.get_weights()[0])


def test_the_model_that_was_given_saves_as_it_always_did(tmp_path: Path) -> None:
    network = model()
    trained = game(network)
    trained.compile("adam")
    trained.fit(X, Y, verbose=0)
    network.save(tmp_path / "model.keras")
    restored = keras.models.load_model(tmp_path / "model.keras")
    for one, other in zip(restored.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert_same(restored(X[:4]), network(X[:4]))
    with pytest.raises(NotImplementedError, match="save the trained model itself"):
        trained.get_config()


def test_what_is_wrong_is_said_in_words() -> None:
    with pytest.raises(ValueError, match="give it an Input"):
        game(keras.Sequential([keras.layers.Dense(1)]))
    with pytest.raises(ValueError, match=r"problem\.num_constraints"):
        ConstrainedModel(model(), fit_problem(), Lagrangian(3))
    with pytest.raises(ValueError, match="the problem's objective is the loss"):
        game().compile("adam", loss="mse")


def test_fit_says_where_it_cannot_go(two_replicas: tf.distribute.Strategy) -> None:
    assert two_replicas.num_replicas_in_sync == 2
    assert require_supported(two_replicas, "auto", 1) is False
    with pytest.raises(ValueError, match="steps_per_execution=4 under MirroredStrategy"):
        require_supported(two_replicas, "auto", 4)
    with pytest.raises(ValueError, match="jit_compile=True under MirroredStrategy"):
        require_supported(two_replicas, True, 1)
    # The class calls itself CollectiveAllReduceStrategy, which nobody asked for.
    workers = object.__new__(tf.distribute.MultiWorkerMirroredStrategy)
    with pytest.raises(
        ValueError, match=r"under MultiWorkerMirroredStrategy: use Constr.*\.minimize"
    ):
        require_supported(workers, "auto", 1)


def test_fit_under_two_replicas_trains(two_replicas: tf.distribute.Strategy) -> None:
    with two_replicas.scope():
        network = model()
        trained = game(network)
        trained.compile(keras.optimizers.Adam(0.05))
    history = trained.fit(X, Y, epochs=3, batch_size=128, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    assert history["multiplier/fpr"][0] > 0
