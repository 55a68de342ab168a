"""The served model: raw examples in, the decision that was trained out."""

from __future__ import annotations

import tempfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.constrained_trainer import networks, serving
from components.constrained_trainer.data import load_split
from components.constrained_trainer.snapshots import predict_scores
from components.features import TRANSFORMED_IMAGE
from components.transform.inputs import model_inputs
from components.transform.preprocessing import bytes_to_pixels
from tests.tiny_dataset import GROUP, IMAGE, LABEL, World, record, schema, write_shard
from tests.transforming import transform_rows

WORLDS = {
    "numbers": World(groups={"Blue": 0, "Red": 1}, seen=(8, 7)),
    "text": World(
        groups={"Green": "g", "Red": "r", "Blue": "b"}, labels=("sad", "happy"), grey=True
    ),
}


@pytest.fixture(scope="module", params=WORLDS)
def world(request):
    return WORLDS[request.param]


@pytest.fixture(scope="module")
def people(world):
    return world.people(40, seed=8)


@pytest.fixture(scope="module")
def transform(world, people, tmp_path_factory):
    """Transform's output: its graph, and the people as training sees them."""
    folder = tmp_path_factory.mktemp("transform")
    rows = [
        {name: value.encode() if isinstance(value, str) else value for name, value in row.items()}
        for row in map(world.columns, people)
    ]
    graph, records = transform_rows(rows, schema(world), world.features, folder / "graph")
    write_shard(folder / "examples", records)
    return graph, [str(folder / "examples")]


def split_of(transform, world):
    with tempfile.TemporaryDirectory() as folder:  # the mapped files live on until they are let go
        return load_split(transform[1], world.features, folder)


@pytest.fixture(scope="module")
def network(world, transform):
    model = networks.build("mlp", model_inputs(world.features, transform[0]), seed=1)
    # A bias in the middle of the scores, so that both answers are given.
    scores = predict_scores(model, split_of(transform, world))
    *weights, bias = model.get_weights()
    model.set_weights([*weights, bias - np.median(scores)])
    return model


@pytest.fixture(scope="module")
def served(world, transform, network, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("served") / "1")
    serving.export(network, transform[0], world.features, folder)
    return tf.saved_model.load(folder)


def ask(served, signature: str, records) -> dict[str, np.ndarray]:
    outputs = served.signatures[signature](examples=tf.constant(records))
    return {name: value.numpy() for name, value in outputs.items()}


def test_raw_records_get_the_scores_that_training_saw(served, world, people, transform, network):
    records = [record(world.columns(person)) for person in people]
    answers = ask(served, "serving_default", records)
    assert set(answers) == {"probability"} and answers["probability"].shape == (40, 1)
    split = split_of(transform, world)
    scores = predict_scores(network, split)
    np.testing.assert_allclose(answers["probability"].ravel(), 1 / (1 + np.exp(-scores)), rtol=1e-5)
    # Threshold 0.5 is the decision that the constraints were trained at.
    np.testing.assert_array_equal(answers["probability"].ravel() > 0.5, scores > 0)
    assert 0 < (scores > 0).sum() < len(scores)


def test_the_picture_alone_is_enough(served, people):
    full = ask(served, "serving_default", [record({IMAGE: p.jpeg, "more": 1.0}) for p in people])
    bare = ask(served, "serving_default", [record({IMAGE: p.jpeg}) for p in people])
    np.testing.assert_array_equal(full["probability"], bare["probability"])


def test_one_record_is_answered_as_among_many(served, people):
    records = [record({IMAGE: p.jpeg}) for p in people]
    together = ask(served, "serving_default", records)["probability"]
    for index in (0, 39):
        alone = ask(served, "serving_default", records[index : index + 1])["probability"]
        np.testing.assert_allclose(alone[0], together[index], rtol=1e-5)


def test_slices_name_label_and_group(served, world, people):
    answers = ask(served, "slices", [record(world.columns(person)) for person in people])
    assert set(answers) == {"label", "Team"}
    assert [name.decode() for name in answers["Team"]] == [person.group for person in people]
    assert answers["label"].tolist() == [float(person.label) for person in people]


def test_a_value_that_no_group_has_is_shown_as_unknown(served, world, people):
    row = world.columns(people[0])
    row[GROUP] = "purple" if isinstance(row[GROUP], str) else 99
    row[LABEL] = "puzzled" if isinstance(row[LABEL], str) else 2
    answers = ask(served, "slices", [record(row)])
    assert answers["Team"].tolist() == [serving.UNKNOWN_GROUP.encode()]
    assert np.isnan(answers["label"]).all()


def test_a_picture_that_cannot_be_decoded_is_an_error_and_not_a_score(served):
    with pytest.raises(tf.errors.InvalidArgumentError):
        ask(served, "serving_default", [record({IMAGE: b"not a picture"})])


def test_pixels_in_the_served_graph_are_those_of_training(world, people, transform):
    layer = transform[0].transform_features_layer()
    outputs = layer({IMAGE: tf.constant([person.jpeg for person in people])})
    pixels = bytes_to_pixels(outputs[TRANSFORMED_IMAGE], world.features.image)
    split = split_of(transform, world)
    np.testing.assert_array_equal(pixels, split.inputs["image"])
    indices = [list(world.groups).index(person.group) for person in people]
    np.testing.assert_array_equal(split.memberships.argmax(axis=1), indices)
    assert split.labels.tolist() == [person.label for person in people]


def test_a_score_of_zero_is_a_probability_of_one_half(world, transform, people, tmp_path):
    shape = world.features.image.shape
    zero = keras.Sequential(
        [
            keras.layers.Input(shape),
            keras.layers.Flatten(),
            keras.layers.Dense(1, kernel_initializer="zeros"),
        ]
    )
    serving.export(zero, transform[0], world.features, str(tmp_path / "zero"))
    answers = ask(
        tf.saved_model.load(str(tmp_path / "zero")),
        "serving_default",
        [record({IMAGE: people[0].jpeg})],
    )
    assert answers["probability"].item() == 0.5
