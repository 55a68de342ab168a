"""XLA and a GPU are taken where they pay, by counts that are the same on every machine."""

from __future__ import annotations

import dataclasses
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.constrained_trainer.config import MOST_STEPS, TrainingConfig
from components.constrained_trainer.models import networks
from components.constrained_trainer.resolving import resolve
from components.constrained_trainer.running import devices, paying
from components.constrained_trainer.training import train
from components.transform.inputs import CATEGORICAL, NUMERIC, ModelInput
from tests.components.constrained_trainer.toy import biased_split

SMALL = {"image": ModelInput((28, 28, 3), "uint8")}
LARGE = {"image": ModelInput((64, 64, 3), "uint8")}
TABLE = {
    NUMERIC: ModelInput((4,), "float32"),
    CATEGORICAL: ModelInput((2,), "int32", (10, 20)),
}


@pytest.fixture(scope="module")
def models() -> dict[str, keras.Model]:
    return {name: networks.build(name, SMALL, seed=0) for name in ("mlp", "cnn")}


def test_the_operations_of_layers_are_counted(models):
    """Two for each weight of a dense layer, and for each of a convolution at each place of its output."""
    dense = 2352 * 64 + 64
    assert paying.operations(models["mlp"]) == 2 * dense
    expected = 0
    for layer in models["cnn"].layers:
        if isinstance(layer, keras.layers.Conv2D):
            height, width, _ = layer.output.shape[1:]
            expected += height * width * math.prod(layer.kernel.shape)
        elif isinstance(layer, keras.layers.Dense):
            expected += math.prod(layer.kernel.shape)
    assert paying.operations(models["cnn"]) == 2 * expected


@pytest.mark.parametrize(
    ("kind", "network", "first"),
    [("CPU", "mlp", 1000), ("CPU", "cnn", None), ("GPU", "mlp", 3000), ("GPU", "cnn", 10_000)],
)
def test_xla_needs_steps_to_pay(models, monkeypatch, kind, network, first):
    monkeypatch.setattr(devices, "kind_of", lambda scope: kind)
    scope = devices.strategy("cpu")

    def used(steps: int, jit: str = "auto") -> bool:
        config = TrainingConfig(network=network, steps=steps, jit=jit)
        return paying.uses_xla(config, models[network], scope)

    if first is None:
        assert not used(10**9)
    else:
        assert used(first) and not used(first - 1)
    assert used(30, jit="on") and not used(10**9, jit="off")


def test_several_replicas_are_not_compiled(models, two_replicas):
    config = TrainingConfig(steps=10**6, jit="on")
    assert not paying.uses_xla(config, models["mlp"], two_replicas)


def test_the_steps_that_are_found_by_themselves_are_compiled(models):
    """As they always were: a run without settings of its own keeps its digits."""
    split = biased_split(200, 1)
    config = resolve(TrainingConfig(constraints=()), split, split).config
    assert 1000 <= config.steps <= MOST_STEPS
    assert paying.uses_xla(config, models["mlp"], devices.strategy("cpu"))


@pytest.mark.parametrize(
    ("network", "inputs", "batch", "pays"),
    [
        ("tabular", TABLE, 1024, False),
        ("mlp", SMALL, 256, False),
        ("mlp", SMALL, 4096, True),
        ("cnn", LARGE, 256, True),
        ("resnet", LARGE, 32, True),
    ],
)
def test_a_gpu_needs_work_to_pay(monkeypatch, network, inputs, batch, pays):
    split, scope = biased_split(2000, 1), devices.strategy("cpu")
    asked = TrainingConfig(constraints=(), network=network, steps=1000, batch_size=batch)
    assert paying.is_worth(scope, asked, split, split, inputs)
    monkeypatch.setattr(devices, "kind_of", lambda scope: "GPU")
    assert paying.is_worth(scope, asked, split, split, inputs) is pays
    by_name = asked.model_copy(update={"devices": "gpu"})
    assert paying.is_worth(scope, by_name, split, split, inputs)


def test_what_xla_cannot_compile_is_trained_without_unless_it_was_asked_for(monkeypatch):
    monkeypatch.setattr(paying, "_XLA_FROM", {"CPU": 1})
    pictures = np.random.default_rng(0).integers(0, 256, (200, 8, 8, 3), np.uint8)
    split = dataclasses.replace(biased_split(200, 1), inputs={"image": pictures})
    network = "tests.components.constrained_trainer.own_networks:not_for_xla"
    asked = {"network": network, "constraints": (), "steps": 20, "snapshots": 2, "batch_size": 32}
    found = train(split, split, TrainingConfig(**asked))
    without = train(split, split, TrainingConfig(**asked, jit="off"))
    for one, two in zip(found.snapshots, without.snapshots, strict=True):
        for a, b in zip(one.weights, two.weights, strict=True):
            np.testing.assert_array_equal(a, b)
    with pytest.raises(tf.errors.OpError):
        train(split, split, TrainingConfig(**asked, jit="on"))
