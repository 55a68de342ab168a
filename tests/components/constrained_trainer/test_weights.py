"""Weights of examples in training: in minibatches, in outcomes, and in what is learned."""

from __future__ import annotations

import dataclasses
import tempfile

import numpy as np
import pytest
import tensorflow as tf

from components.constrained_trainer import serving
from components.constrained_trainer.config import TrainingConfig
from components.constrained_trainer.examples.data import Split, load_split, relative
from components.constrained_trainer.examples.sampling import Rounds, Sampler
from components.constrained_trainer.models import networks
from components.constrained_trainer.resolving import watched_split
from components.constrained_trainer.selection import thresholds, yardsticks
from components.constrained_trainer.training import train
from components.features import SLICES_UNIT, SLICES_WEIGHT, Features
from components.transform.inputs import model_inputs
from fairgate.constraints.rates import Counts, Group
from fairgate.errors import DataError, SettingsError
from tests.components.constrained_trainer.toy import biased_split
from tests.tiny_dataset import record, write_shard
from tests.transforming import transform_rows

TEAM = (Group("Team", "a"), Group("Team", "b"))


def small(weights) -> Split:
    """Six examples, three of either group."""
    members = np.repeat(np.eye(2, dtype=np.float32), 3, axis=0)
    labels = np.array([1, 0, 0, 1, 1, 0], np.float32)
    inputs = {"numeric": np.arange(6, dtype=np.float32)[:, None]}
    return Split(inputs, labels, members, TEAM, relative(np.array(weights, float)))


def test_outcomes_are_sums_of_what_examples_count():
    split = small([1, 2, 3, 0, 4, 2])
    assert split.weights.mean() == pytest.approx(1)
    # 12 in all, 34 in squares: as much as 144 / 34 examples tell.
    assert split.effective == pytest.approx(144 / 34 / 6)
    one = 12 / 34
    counts = split.counts(np.array([1, 1, -1, 1, -1, 1]))
    expected = {None: (1, 4, 3, 4), TEAM[0]: (1, 2, 3, 0), TEAM[1]: (0, 2, 0, 4)}
    for group, cells in expected.items():
        found = dataclasses.astuple(counts[group])[:4]
        assert found == pytest.approx([cell * one for cell in cells])
    scored = split.scored(np.array([1, 1, -1, 1, -1, 1.0]))
    assert scored[None].counts.tp == pytest.approx(counts[None].tp)


def test_equal_weights_are_none():
    split = small([5] * 6)
    plain = dataclasses.replace(split, weights=None)
    scores = np.array([1, 1, -1, 1, -1, 1.0])
    assert split.effective == pytest.approx(1)
    for group, counts in plain.counts(scores).items():
        assert dataclasses.astuple(split.counts(scores)[group])[:4] == pytest.approx(
            dataclasses.astuple(counts)[:4]
        )


def test_weights_of_nothing_are_refused():
    with pytest.raises(DataError, match="the weights of a split are all 0"):
        relative(np.zeros(3))


def test_outcomes_at_thresholds_are_those_of_shifted_scores():
    rng = np.random.default_rng(3)
    split = biased_split(300, 1)
    split = dataclasses.replace(split, weights=relative(rng.exponential(size=300)))
    scores = rng.normal(size=300).astype(np.float32)
    tried = thresholds.shifts(scores, 20)
    for shift, counts in zip(tried, thresholds.counts_at(split, scores, tried), strict=True):
        for group, expected in split.counts(scores - shift).items():
            assert dataclasses.astuple(counts[group])[:4] == pytest.approx(
                dataclasses.astuple(expected)[:4]
            )


@pytest.mark.parametrize("scheme", ["proportional", "balanced", "per_group"])
def test_weighted_means_over_minibatches_are_weighted_means_over_the_data(scheme):
    rng = np.random.default_rng(0)
    split = biased_split(200, 0)
    split = dataclasses.replace(split, weights=relative(rng.exponential(size=200)))
    sampler = Sampler(split, 64, scheme, seed=0, stream=0)
    rows = sampler.rows_of(tf.range(3000, dtype=tf.int64)).numpy()
    values = rng.normal(size=200)
    found = np.mean(sampler.weights[rows] * values[rows])
    # A mean of 192,000 draws, each of a deviation of about 1.4 to 2.
    assert found == pytest.approx(np.mean(split.weights * values), abs=5 * 2 / 192_000**0.5)
    assert np.array_equal(Rounds(split, 50, 0, 1).weights, split.weights)


def test_watched_examples_of_both_splits_keep_their_weights():
    one, other = small([1, 2, 3, 0, 4, 2]), small([1] * 6)
    joined = watched_split("both", one, other)
    assert np.array_equal(joined.weights, np.append(one.weights, other.weights))


def test_the_commonest_answer_is_that_of_most_weight():
    split = small([9, 1, 1, 1, 1, 1])
    [commonest, _] = yardsticks.measure(split, [], np.zeros(6))
    # 11 of 14 are positives'.
    assert commonest.error_rate == pytest.approx(3 / 14)


def test_training_with_weights_is_training_on_repeated_examples():
    """A group whose examples count nothing is not learned from: the constraint on it cannot pull."""
    split, validation = biased_split(2000, 0), biased_split(2000, 1)
    in_b = split.memberships[:, 1] > 0
    heavy = dataclasses.replace(split, weights=relative(np.where(in_b, 1.0, 4.0)))
    rows = np.concatenate([np.flatnonzero(in_b), np.repeat(np.flatnonzero(~in_b), 4)])
    config = TrainingConfig(
        constraints=(),
        network="tests.components.constrained_trainer.toy:linear_network",
        steps=400,
        batch_size=64,
        snapshots=4,
        learning_rate=0.02,
    )
    weighed = train(heavy, validation, config).scores(validation)
    repeated = train(split.take(rows), validation, config).scores(validation)
    plain = train(split, validation, config).scores(validation)
    assert np.mean((weighed > 0) == (repeated > 0)) > 0.98
    # Group a has fewer positives: counted four times, it draws the threshold its way.
    shares = [np.mean(each > 0) for each in (weighed, repeated, plain)]
    assert abs(shares[0] - shares[1]) < 0.02


def test_counts_without_weights_are_whole():
    counts = biased_split(50, 0).counts(np.ones(50))
    assert all(isinstance(cell, int) for cell in dataclasses.astuple(counts[None])[:4])
    assert isinstance(counts[None], Counts)


# From records to what is learned from and to what is judged.

FEATURES = Features(
    numeric=["skill"],
    label={"name": "hired", "negative": 0, "positive": 1},
    groups={"Sex": {"name": "sex", "values": {"Female": "f", "Male": "m"}}},
    weight="w",
    largest_weight=4,
)
_ALWAYS = "presence { min_fraction: 1.0 min_count: 1 } shape {}"
SCHEMA = f"""
feature {{ name: "skill" type: FLOAT {_ALWAYS} }}
feature {{ name: "hired" type: INT {_ALWAYS} }}
feature {{ name: "sex" type: BYTES {_ALWAYS} }}
"""
WEIGHTS = (0.5, 4.0, 0.0, 1.5)
ROWS = [
    {"skill": float(place), "hired": place % 2, "sex": "fm"[place // 2], "w": weight}
    for place, weight in enumerate(WEIGHTS)
]


@pytest.mark.parametrize("described", ["type: FLOAT " + _ALWAYS, "type: FLOAT"])
def test_weights_come_from_records_to_training_and_to_the_gate(tmp_path, described):
    schema = f'{SCHEMA}feature {{ name: "w" {described} }}'
    sparse = _ALWAYS not in described
    raw = [
        row | {"sex": row["sex"].encode(), "w": [row["w"]] if sparse else row["w"]} for row in ROWS
    ]
    graph, records = transform_rows(raw, schema, FEATURES, tmp_path / "graph")
    write_shard(tmp_path / "examples", records)
    with tempfile.TemporaryDirectory() as scratch:
        split = load_split([str(tmp_path / "examples")], FEATURES, scratch)
        assert split.weights.tolist() == pytest.approx([w * 4 / 6 for w in WEIGHTS])
    network = networks.build("mlp", model_inputs(FEATURES, graph), seed=0)
    serving.export(network, graph, FEATURES, str(tmp_path / "served"))
    slices = tf.saved_model.load(str(tmp_path / "served")).signatures["slices"]
    found = slices(examples=tf.constant([record(row) for row in ROWS]))
    assert found[SLICES_WEIGHT].numpy().tolist() == list(WEIGHTS)
    assert len(set(found[SLICES_UNIT].numpy().tolist())) == 4
    again = slices(examples=tf.constant([record(ROWS[2])]))
    assert again[SLICES_UNIT].numpy()[0] == found[SLICES_UNIT].numpy()[2]


def test_a_weight_that_the_schema_does_not_know_is_refused(tmp_path):
    raw = [{k: v for k, v in row.items() if k != "w"} | {"sex": b"f"} for row in ROWS]
    with pytest.raises(SettingsError, match=r"data.features.weight = 'w': the schema .* no such"):
        transform_rows(raw, SCHEMA, FEATURES, tmp_path)
