"""A split in memory: what was written is what is read, and counted."""

from __future__ import annotations

import sys

import keras
import numpy as np
import psutil
import pytest
import tensorflow as tf

from components.constrained_trainer.examples.data import Split, forget, load_split, taken
from components.constrained_trainer.models import networks
from components.features import Features, GroupFeature, ImageFeature
from fairgate.constraints.rates import Counts, Group
from fairgate.constraints.units import order
from tests.tiny_dataset import record

FEATURES = Features(
    image=ImageFeature(height=5, width=4, channels=3),
    groups={
        "Age": GroupFeature(name="age", values={"Old": 2, "Young": 0, "Middle": 1}),
        "Hat": GroupFeature(name="hat", values={"With": "y", "Bare": "n"}),
    },
)


def written(folder, n: int, compression: str = "GZIP", shards: int = 2):
    """Transformed examples in shards; returns the files and what they hold, in order of reading."""
    rng = np.random.default_rng(n)
    images = rng.integers(0, 256, (n, 5, 4, 3), dtype=np.uint8)
    labels = rng.integers(0, 2, n)
    ages, hats = rng.integers(0, 3, n), rng.integers(0, 2, n)
    files, order = [], []
    for shard in range(shards):
        suffix = ".gz" if compression else ""
        file = folder / f"transformed_examples-{shard:05d}-of-{shards:05d}{suffix}"
        with tf.io.TFRecordWriter(str(file), compression) as writer:
            for i in range(shard, n, shards):
                order.append(i)
                writer.write(
                    record(
                        {
                            "image_bytes": images[i].tobytes(),
                            "label": int(labels[i]),
                            "group/Age": np.eye(3, dtype=int)[ages[i]].tolist(),
                            "group/Hat": np.eye(2, dtype=int)[hats[i]].tolist(),
                        }
                    )
                )
        files.append(str(file))
    return files, (images[order], labels[order], ages[order], hats[order])


@pytest.mark.parametrize("compression", ["GZIP", ""])
@pytest.mark.parametrize("n", [1, 7, 2500])
def test_a_split_comes_back_as_it_was_written(tmp_path, compression, n):
    files, (images, labels, ages, hats) = written(tmp_path, n, compression)
    split = load_split(files[::-1], FEATURES, str(tmp_path))  # whatever the order of the names
    assert len(split) == n
    np.testing.assert_array_equal(split.inputs["image"], images)
    np.testing.assert_array_equal(split.labels, labels)
    assert split.groups == tuple(Group(*key) for key in FEATURES.membership_columns())
    expected = np.concatenate([np.eye(3)[ages], np.eye(2)[hats]], axis=1)
    np.testing.assert_array_equal(split.memberships, expected)
    assert split.inputs["image"].dtype == np.uint8
    assert (split.labels.dtype, split.memberships.dtype) == (np.bool_, np.bool_)


def test_examples_fall_to_units_and_weigh_what_they_do(tmp_path):
    features = FEATURES.model_copy(
        update={"unit": "person", "weight": "w", "largest_weight": 6.0, "largest_unit": 4}
    )
    rows = [("ann", 1, 1.0), ("bo", 0, 2.0), ("ann", 0, 3.0), ("cy", 1, 2.0)]
    file = tmp_path / "examples"
    with tf.io.TFRecordWriter(str(file)) as writer:
        for person, label, weight in rows:
            row = {"image_bytes": bytes(60), "label": label, "group/Age": [0, 1, 0]}
            row |= {"group/Hat": [int(person == "ann"), int(person != "ann")]}
            writer.write(record(row | {"fairgate_unit": person, "fairgate_weight": weight}))
    split = load_split([str(file)], features, str(tmp_path))
    assert split.units.count == 3 and split.units.most == pytest.approx(4 * 6.0 / 2.0)
    found = split.by_unit(np.array([True, True, True, False]), "betting")
    place = dict(zip(("ann", "bo", "cy"), order(["ann", "bo", "cy"]), strict=True))
    expected = {"ann": [0.5, 1.5, 0, 0], "bo": [0, 1, 0, 0], "cy": [0, 0, 0, 1]}
    for name, cells in expected.items():
        np.testing.assert_allclose(found.tables[None].cells[place[name]], cells)
    assert found.rows[Group("Hat", "With")] == Counts(1, 1, 0, 0)
    assert found[Group("Hat", "Bare")] == Counts(0, 1, 0, 1)
    only = features.model_copy(update={"unit": None, "largest_unit": None})
    apart = load_split([str(file)], only, str(tmp_path)).units
    assert (apart.count, apart.most) == (4, pytest.approx(3.0))
    with_people = features.model_copy(update={"weight": None, "largest_unit": None})
    alike = load_split([str(file)], with_people, str(tmp_path))
    assert alike.units.most == 2 and not alike.by_unit(alike.labels > 0, "betting").weighted
    assert load_split([str(file)], FEATURES, str(tmp_path)).by_unit(alike.labels > 0, "x") is None


def test_somebody_may_be_in_no_group(tmp_path):
    file = tmp_path / "examples"
    row = {"image_bytes": bytes(60), "label": 1, "group/Age": [0, 0, 0], "group/Hat": [0, 1]}
    with tf.io.TFRecordWriter(str(file)) as writer:
        writer.write(record(row))
    assert load_split([str(file)], FEATURES, str(tmp_path)).memberships.tolist() == [
        [0, 0, 0, 0, 1]
    ]


def test_outcomes_are_counted_at_a_score_above_zero():
    groups = (Group("G", "a"), Group("G", "b"))
    split = Split(
        inputs={"image": np.zeros((6, 1, 1, 1), np.uint8)},
        labels=np.array([1, 1, 0, 0, 1, 0], np.float32),
        memberships=np.array([[1, 0], [0, 1], [1, 0], [0, 1], [1, 0], [0, 1]], np.float32),
        groups=groups,
    )
    counts = split.counts(np.array([0.1, -0.1, 1e-9, 0.0, 5.0, -0.0]))
    assert counts == {
        None: Counts(tp=2, fp=1, tn=2, fn=1),
        groups[0]: Counts(tp=2, fp=1, tn=0, fn=0),
        groups[1]: Counts(tp=0, fp=0, tn=2, fn=1),
    }


@pytest.mark.parametrize(
    ("images", "labels", "memberships"), [(3, 4, (4, 1)), (4, 4, (3, 1)), (4, 4, (4, 2))]
)
def test_parts_of_different_sizes_are_no_split(images, labels, memberships):
    with pytest.raises(ValueError, match="do not belong together"):
        Split(
            {"image": np.zeros((images, 2, 2, 1), np.uint8)},
            np.zeros(labels, np.float32),
            np.zeros(memberships, np.float32),
            (Group("G", "a"),),
        )


@pytest.fixture
def mapped(tmp_path) -> np.memmap:
    """64 MB that no page of is in this process's memory: float32 (n, 800)."""
    file = tmp_path / "numeric.bin"
    np.random.default_rng(0).random((20_000, 800), np.float32).tofile(file)
    return np.memmap(file, np.float32, mode="r", shape=(20_000, 800))


def of_files() -> float:
    """Memory of this process that files are mapped to [MB]."""
    if not sys.platform.startswith("linux"):
        pytest.skip("counted by Linux")
    return psutil.Process().memory_info().shared / 1e6


def test_rows_of_a_mapped_file_are_read_and_no_others(mapped):
    rows, before = np.random.default_rng(1).integers(0, len(mapped), 2_000), of_files()
    found = taken(mapped, rows)
    assert of_files() - before < 5
    np.testing.assert_array_equal(found, mapped[rows])
    assert of_files() - before > 50, "or nothing was shown"
    forget(mapped)
    assert of_files() - before < 5
    np.testing.assert_array_equal(taken(mapped[5:], rows[:9] // 2), mapped[5:][rows[:9] // 2])


def test_a_prediction_leaves_no_mapped_file_in_memory(mapped):
    model = keras.Sequential([keras.Input((800,)), keras.layers.Dense(1)])
    predict = networks.predictor(model)
    predict({"numeric": np.array(mapped[:2048])})  # it is compiled
    before = of_files()
    assert len(predict({"numeric": mapped})) == len(mapped)
    assert of_files() - before < 5
