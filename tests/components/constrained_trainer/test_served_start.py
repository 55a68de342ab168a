"""A training that starts from the model that is served, also after somebody went back to an older one."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from tfx.types import standard_artifacts

from components.constrained_trainer import executor, serving
from components.constrained_trainer.config import TrainingConfig
from components.constrained_trainer.models import networks, weight_files
from components.evaluator.digests import files_digest
from components.features import Features
from components.pusher import versions
from components.pusher.versions import Record
from components.transform.inputs import model_inputs
from fairgate.errors import DataError, SettingsError
from tests.tiny_dataset import World, schema
from tests.transforming import transform_rows

SERVED = TrainingConfig(warm_start="served")


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def graph(world, tmp_path_factory):
    rows = [
        {name: value.encode() if isinstance(value, str) else value for name, value in row.items()}
        for row in map(world.columns, world.people(20, seed=1))
    ]
    return transform_rows(rows, schema(world), world.features, tmp_path_factory.mktemp("graph"))[0]


def built(name: str, features: Features, graph) -> keras.Model:
    """A built-in network, or one with layers that are random and with some that keep statistics."""
    inputs = model_inputs(features, graph)
    if name != "random":
        return networks.build(name, inputs, seed=3)
    plain = networks.build("mlp", inputs, seed=3)
    added = (layers.Dropout(0.5), layers.BatchNormalization(), layers.GaussianNoise(0.1))
    inner = keras.Sequential([*added, layers.Normalization(), layers.Dense(1)])
    return keras.Model(plain.inputs, inner(plain.layers[-1].input))


@pytest.mark.parametrize(
    ("name", "mixture"), [("mlp", True), ("cnn", False), ("random", False), ("random", True)]
)
def test_the_weights_of_a_served_model_are_those_of_its_network(
    tmp_path, world, graph, name, mixture
):
    network = built(name, world.features, graph)
    draw = np.random.default_rng(5)
    weights = [draw.normal(size=each.shape).astype(each.dtype) for each in network.get_weights()]
    network.set_weights(weights)
    members = [(0.5, weights), (0.5, [2 * each for each in weights])] if mixture else []
    serving.export(network, graph, world.features, str(tmp_path / "1"), members)
    found = serving.weights(str(tmp_path / "1"))
    assert len(found) == len(weights)
    for one, other in zip(found, weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture
def served(tmp_path, world, graph) -> str:
    """A folder of two versions, the biases of which are 1 and 2, and then the first again."""
    folder = str(tmp_path / "serving")
    network = networks.build("mlp", model_inputs(world.features, graph), seed=0)
    for value in (1.0, 2.0):
        network.set_weights([np.full_like(each, value) for each in network.get_weights()])
        export = str(tmp_path / f"export-{value}")
        serving.export(network, graph, world.features, export)
        versions.add(folder, export, Record(files_digest(export), f"model {value}"))
    return folder


def baseline(tmp_path) -> dict:
    model = standard_artifacts.Model()
    model.uri = str(tmp_path / "baseline")
    weight_files.write(f"{model.uri}/{executor.WEIGHTS_FILE}", [np.zeros(2, np.float32)])
    return {"base_model": [model]}


def test_it_starts_from_the_newest_version(tmp_path, served):
    inputs = baseline(tmp_path)
    assert executor._start(inputs, SERVED, served)[0].flat[0] == 2.0
    first = versions.every(served)[0]
    versions.add(served, first.folder, first.record)  # as roll-back does
    assert executor._start(inputs, SERVED, served)[0].flat[0] == 1.0
    second = versions.every(served)[1]
    assert executor._start(inputs, SERVED, second.folder)[0].flat[0] == 2.0, (
        "a version by its folder"
    )


def test_it_starts_from_the_baseline_while_nothing_is_served(tmp_path):
    start = executor._start(baseline(tmp_path), SERVED, str(tmp_path / "none"))
    assert start[0].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("what", ["no variables", "cut", "somebody else's"])
def test_a_served_model_without_weights_is_refused(tmp_path, served, what):
    newest = versions.every(served)[-1].folder
    data = f"{newest}/variables/variables.data-00000-of-00001"
    if what == "no variables":
        tf.io.gfile.rmtree(f"{newest}/variables")
    elif what == "cut":
        with open(data, "r+b") as file:
            file.truncate(10)
    else:
        tf.saved_model.save(tf.Module(), f"{served}/9999999999")
    with pytest.raises(
        DataError, match=r"warm_start = served, but this is no whole model"
    ) as error:
        executor._start(baseline(tmp_path), SERVED, served)
    assert versions.every(served)[-1].folder in str(error.value)
    assert "roll-back" in str(error.value)


def test_a_component_that_was_not_told_where_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="was not told where models are served"):
        executor._start(baseline(tmp_path), SERVED, None)
