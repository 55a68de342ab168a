"""A network of a user's own is tried before anything else: a score, a step, an export, on made-up rows.

What would end a run after both trainings, or spend an attempt on a model that says Yes to all, is told
in seconds.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from components.constrained_trainer.config import BUILT_IN_NETWORKS, TrainingConfig
from components.constrained_trainer.models import networks
from components.features import Features
from components.transform.inputs import CATEGORICAL, IMAGE, NUMERIC, ModelInput
from fairgate.errors import SettingsError

_ROWS = 2
_DRAWS = 16  # of weights, in which a score is below 0 at least once
_CATEGORIES = 3


def require_usable(config: TrainingConfig, features: Features) -> None:
    """Raises SettingsError unless `config.network` can be made, trained and exported.

    The networks that are built in are known to be.
    """
    if config.network in BUILT_IN_NETWORKS:
        return
    inputs = _inputs(features)
    scores = len(features.label.classes) or 1
    model = networks.build(config.network, inputs, config.seed, scores)
    rows = _rows(inputs)
    _require_score(model, rows, config.network)
    _require_step(model, rows, config)
    _require_export(model, rows, config.network)


def _inputs(features: Features) -> dict[str, ModelInput]:
    """As `model_inputs`, before any vocabulary is known."""
    inputs: dict[str, ModelInput] = {}
    if features.image is not None:
        inputs[IMAGE] = ModelInput(features.image.shape, "uint8")
    if features.numeric:
        inputs[NUMERIC] = ModelInput((len(features.numeric),), "float32")
    if features.categorical:
        count = len(features.categorical)
        inputs[CATEGORICAL] = ModelInput((count,), "int32", (_CATEGORIES,) * count)
    return inputs


def _rows(inputs: Mapping[str, ModelInput]) -> dict[str, tf.Tensor]:
    rng = np.random.default_rng(0)
    made = {}
    for name, given in inputs.items():
        shape = (_ROWS, *given.shape)
        drawn = rng.normal(size=shape)
        if name != NUMERIC:
            drawn = rng.integers(256 if name == IMAGE else _CATEGORIES, size=shape)
        made[name] = tf.constant(drawn.astype(given.dtype))
    return made


def _require_score(model: keras.Model, rows: Mapping[str, tf.Tensor], name: str) -> None:
    """A probability, or what a ReLU lets through, is over 0 whatever the weights: Yes to everybody."""
    rng = np.random.default_rng(0)
    before = [variable.numpy() for variable in model.trainable_variables]
    try:
        for _ in range(_DRAWS):
            for variable, weights in zip(model.trainable_variables, before, strict=True):
                variable.assign(weights + rng.normal(scale=0.5, size=weights.shape))
            if np.any(networks.call(model, rows, training=False).numpy() < 0):
                return
    finally:
        for variable, weights in zip(model.trainable_variables, before, strict=True):
            variable.assign(weights)
    raise SettingsError(
        f"trainer.network = {name!r}: what it returns is never below 0, whatever its weights, and a "
        "score above 0 means Yes: to everybody. Return a score and no probability: take the activation "
        "(sigmoid, softmax, relu) off the last layer"
    )


def _require_step(
    model: keras.Model, rows: Mapping[str, tf.Tensor], config: TrainingConfig
) -> None:
    jit = config.jit == "on"  # where it is `auto`, a training goes on without

    @tf.function(jit_compile=jit)
    def step() -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.relu(1 - networks.call(model, rows, training=True)))
        return tape.gradient(loss, [variable.value for variable in model.trainable_variables])

    before = model.get_weights()
    try:
        step()
    except Exception as error:  # whatever layers raise
        hint = "; if it is XLA that cannot, set trainer.jit to off" if jit else ""
        raise SettingsError(
            f"trainer.network = {config.network!r} cannot be trained: {_first_line(error)}{hint}"
        ) from error
    finally:
        model.set_weights(before)


def _require_export(model: keras.Model, rows: Mapping[str, tf.Tensor], name: str) -> None:
    module = tf.Module()
    module.states = [variable.value for variable in model.variables]
    specs = {key: tf.TensorSpec((None, *row.shape[1:]), row.dtype) for key, row in rows.items()}
    module.served = tf.function(
        lambda inputs: networks.call(model, inputs, training=False), input_signature=[specs]
    )
    try:
        with tempfile.TemporaryDirectory(prefix="fairgate-") as folder:
            tf.saved_model.save(module, folder)
            loaded = tf.saved_model.load(folder)  # as long as it is asked
            said = loaded.served(dict(rows)).numpy()
    except Exception as error:  # whatever layers raise
        raise SettingsError(
            f"trainer.network = {name!r} cannot be exported as a SavedModel: {_first_line(error)}"
        ) from error
    own = networks.call(model, rows, training=False).numpy()
    if not np.allclose(said, own, atol=1e-3, equal_nan=True):
        raise SettingsError(
            f"trainer.network = {name!r}: exported, it answers {said.ravel()} where it answers "
            f"{own.ravel()} itself. What a layer does must not depend on anything but its inputs"
        )


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:500]
