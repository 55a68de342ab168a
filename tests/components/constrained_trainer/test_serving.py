"""The served model: raw examples in, the decision that was trained out."""

from __future__ import annotations

import tempfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.constrained_trainer import serving
from components.constrained_trainer.examples.data import load_split
from components.constrained_trainer.models import networks
from components.constrained_trainer.selection import deciding
from components.constrained_trainer.selection.cells import Cells, CellThresholds
from components.constrained_trainer.selection.snapshots import predict_scores
from components.features import (
    SLICES_LABEL,
    TRANSFORMED_IMAGE,
    Features,
    GroupFeature,
    LabelFeature,
)
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
    assert set(answers) == {SLICES_LABEL, "Team"}
    assert [name.decode() for name in answers["Team"]] == [person.group for person in people]
    assert answers[SLICES_LABEL].tolist() == [float(person.label) for person in people]


def test_a_value_that_no_group_has_is_shown_as_unknown(served, world, people):
    row = world.columns(people[0])
    row[GROUP] = "purple" if isinstance(row[GROUP], str) else 99
    row[LABEL] = "puzzled" if isinstance(row[LABEL], str) else 2
    answers = ask(served, "slices", [record(row)])
    assert answers["Team"].tolist() == [serving.UNKNOWN_GROUP.encode()]
    assert np.isnan(answers[SLICES_LABEL]).all()


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


# Thresholds of each group's own: a table whose groups are inputs, and may be missing in a record.


TABLE = Features(
    numeric=["skill", "age"],
    categorical=["sex"],
    label=LabelFeature(name="hired", negative="no", positive="yes"),
    groups={
        "Sex": GroupFeature(name="sex", values={"Female": "f", "Male": "m"}),
        "Age": GroupFeature(name="age", values={"Young": 20, "Middle": 40, "Old": 60}),
    },
)
_ALWAYS = "presence { min_fraction: 1.0 min_count: 1 } shape {}"
TABLE_SCHEMA = f"""
feature {{ name: "skill" type: FLOAT {_ALWAYS} }}
feature {{ name: "age" type: INT {_ALWAYS} }}
feature {{ name: "sex" type: BYTES value_count {{ min: 1 max: 1 }} }}
feature {{ name: "hired" type: BYTES {_ALWAYS} }}
"""
SEXES, AGES = TABLE.groups["Sex"].values, TABLE.groups["Age"].values


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """(rows, split as training sees it, Transform's output, network) of a table."""
    rng = np.random.default_rng(0)
    rows = [
        {
            "skill": float(rng.normal()),
            "age": int(rng.choice(list(AGES.values()))),
            "sex": str(rng.choice(list(SEXES.values()))),
            "hired": str(rng.choice(["no", "yes"])),
        }
        for _ in range(400)
    ]
    raw = [row | {"sex": [row["sex"].encode()], "hired": row["hired"].encode()} for row in rows]
    folder = tmp_path_factory.mktemp("table")
    graph, records = transform_rows(raw, TABLE_SCHEMA, TABLE, folder / "graph")
    write_shard(folder / "examples", records)
    with tempfile.TemporaryDirectory() as scratch:
        split = load_split([str(folder / "examples")], TABLE, scratch)
        split = split.take(np.arange(len(split)))
    return rows, split, graph, networks.build("tabular", model_inputs(TABLE, graph), seed=2)


def rule_for(split, scores) -> CellThresholds:
    """Some thresholds at quantiles of the scores, no two alike, and draws in every second cell."""
    cells = Cells.of(split, ["Sex", "Age"])
    at = np.quantile(scores, np.linspace(0.2, 0.8, len(cells)))
    own = tuple((float(t),) if i % 2 else (float(t), float(t + 0.1)) for i, t in enumerate(at))
    shares = tuple((1.0,) if len(each) == 1 else (0.3, 0.7) for each in own)
    return CellThresholds(cells, own, shares)


@pytest.fixture(scope="module")
def by_group(table, tmp_path_factory):
    """(rule, served model) of the table."""
    _, split, graph, network = table
    rule = rule_for(split, predict_scores(network, split))
    folder = str(tmp_path_factory.mktemp("by_group") / "1")
    serving.export(network, graph, TABLE, folder, rule=rule)
    return rule, tf.saved_model.load(folder)


def test_what_is_served_decides_by_the_thresholds_of_groups_as_arrays_do(table, by_group):
    rows, split, _, network = table
    rule, served = by_group
    records = [record(row) for row in rows]
    answers = ask(served, "serving_default", records)["probability"].ravel()
    members = [(1.0, network.get_weights())]
    shifted = deciding.scores(network, members, rule, split, records)
    np.testing.assert_allclose(answers, 1 / (1 + np.exp(-shifted)), rtol=1e-5)
    np.testing.assert_array_equal(answers > 0.5, shifted > 0)
    # Over many draws an answer is Yes as often as its chance says.
    chances = deciding.chances(network, members, rule, split)
    keys = [[record(row | {"n": k}) for row in rows] for k in range(30)]
    often = np.mean([deciding.scores(network, members, rule, split, k) > 0 for k in keys], axis=0)
    certain = np.isin(chances, (0, 1))
    np.testing.assert_array_equal(often[certain], chances[certain])
    assert (~certain).sum() > 0 and abs(often - chances)[~certain].max() < 5 * np.sqrt(0.21 / 30)
    # By hand: each example's threshold is one of its own group's.
    scores, names = predict_scores(network, split), rule.cells.named()
    met = np.zeros(len(names), int)
    for row, score, moved in zip(rows, scores, shifted, strict=True):
        [cell] = (
            index
            for index, (sex, age) in enumerate(names)
            if SEXES[sex.name] == row["sex"] and AGES[age.name] == row["age"]
        )
        assert min(abs(score - moved - t) for t in rule.thresholds[cell]) < 1e-5
        met[cell] += abs(score - moved - rule.thresholds[cell][0]) < 1e-5
    counts = np.bincount(rule.cells.index(split), minlength=len(names))
    for cell, own in enumerate(rule.thresholds):
        if len(own) == 1:
            assert met[cell] == counts[cell]
        else:  # a binomial variable, within four deviations
            assert abs(met[cell] - 0.3 * counts[cell]) < 4 * np.sqrt(0.21 * counts[cell])


def test_asked_twice_or_alone_a_draw_falls_alike(table, by_group):
    records = [record(row) for row in table[0][:50]]
    together = ask(by_group[1], "serving_default", records)["probability"]
    for index in (0, 7, 49):
        alone = ask(by_group[1], "serving_default", records[index : index + 1])["probability"]
        np.testing.assert_allclose(alone[0], together[index], rtol=1e-5)


@pytest.mark.parametrize("change", [{"sex": "x"}, {"sex": None}, {"age": 99}], ids=str)
def test_whose_group_is_unknown_meets_the_threshold_of_the_network(
    table, by_group, change, tmp_path
):
    _, _, graph, network = table
    serving.export(network, graph, TABLE, str(tmp_path / "plain"))
    plain = tf.saved_model.load(str(tmp_path / "plain"))
    unknown = [record(row | change) for row in table[0][:40]]
    known = [record(row) for row in table[0][:40]]
    expected = ask(plain, "serving_default", unknown)["probability"]
    found = ask(by_group[1], "serving_default", unknown)["probability"]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    shifted = ask(by_group[1], "serving_default", known)["probability"]
    assert (abs(shifted - ask(plain, "serving_default", known)["probability"]) > 1e-3).any()


def test_of_a_mixture_arrays_meet_the_members_that_are_served(table, tmp_path):
    rows, split, graph, network = table
    first = network.get_weights()
    members = [(0.4, first), (0.6, [*first[:-1], first[-1] + 3.0])]
    serving.export(network, graph, TABLE, str(tmp_path / "mixed"), members)
    records = [record(row) for row in rows]
    answers = ask(tf.saved_model.load(str(tmp_path / "mixed")), "serving_default", records)
    scores = deciding.scores(network, members, None, split, records)
    np.testing.assert_allclose(answers["probability"].ravel(), 1 / (1 + np.exp(-scores)), rtol=1e-5)
    shares = deciding.chances(network, members, None, split)
    low = predict_scores(network, split)
    np.testing.assert_allclose(shares, 0.4 * (low > 0) + 0.6 * (low + 3 > 0))
    # The network is what it was; without keys the inputs decide, so that equal ones are answered alike.
    np.testing.assert_array_equal(network.get_weights()[-1], first[-1])
    twice = split.take(np.repeat(np.arange(100), 2))
    own = deciding.scores(network, members, None, twice)
    np.testing.assert_array_equal(own[::2], own[1::2])
    moved = own[::2] - predict_scores(network, split)[:100]
    assert set(np.round(moved).tolist()) == {0.0, 3.0}
