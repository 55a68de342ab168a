"""Drift of the inputs: TFDV's distances, what chance explains, and what a reader is told."""

from __future__ import annotations

import base64
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import tensorflow_data_validation as tfdv

from components.features import Features
from components.report import inputs, page
from components.report.drift import nothing_of
from tests.components.report import sample
from tests.components.report.test_page import Outline

SPLITS = ("train", "validation", "test")
FEATURES = Features.model_validate({"numeric": ["age"], "categorical": ["job"]})


def people(older: float = 0, clerks: float = 0.3, seed: int = 0, n: int = 2000) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    job = np.where(rng.random(n) < clerks, "clerk", "cook")
    return pd.DataFrame({"age": rng.normal(40 + older, 10, n), "job": job})


def gathered(folder, **of_test) -> tuple[str, dict[str, float]]:
    """As of a run whose splits are alike but for what the test split's people are."""
    for seed, split in enumerate(SPLITS):
        place = folder / f"Split-{split}"
        place.mkdir(parents=True)
        given = {"seed": seed} | (of_test if split == "test" else {})
        found = tfdv.generate_statistics_from_dataframe(people(**given))
        (place / "FeatureStats.pb").write_bytes(found.SerializeToString())
    return inputs.gather(str(folder), {split: "" for split in SPLITS}, FEATURES)


def rows(found) -> dict[str, dict]:
    return {row["column"]: row for row in found["rows"]}


def test_the_distance_of_names_is_the_largest_change_of_a_share():
    one, other = people(clerks=0.3), people(clerks=0.5, seed=1)
    statistics = [tfdv.generate_statistics_from_dataframe(each) for each in (one, other)]
    change = (other.job == "clerk").mean() - (one.job == "clerk").mean()
    assert inputs.distances(*statistics)["job"] == pytest.approx(change)


def test_draws_of_one_source_have_not_moved(tmp_path):
    then, _ = gathered(tmp_path / "then")
    now, apart = gathered(tmp_path / "now", seed=9)
    found = inputs.drift_of(base64.b64decode(then), now, apart)
    assert [row["moved"] for row in found["rows"]] == [False, False]
    assert found["words"].startswith("None of 2 inputs moved further")


def test_what_moved_is_told_first_and_in_words(tmp_path):
    then, _ = gathered(tmp_path / "then")
    _, apart = gathered(tmp_path / "now", seed=9)  # all three splits of a run are of one source
    moved, _ = gathered(tmp_path / "moved", seed=9, older=15)
    found = inputs.drift_of(base64.b64decode(then), moved, apart)
    assert [row["column"] for row in found["rows"] if row["moved"]] == ["age"]
    assert (
        found["words"] == "1 of 2 inputs moved further than the splits of this run are apart: age."
    )
    assert found["rows"][0]["column"] == "age" and found["rows"][0]["kind"] == "numbers"
    assert found["rows"][0]["change"].startswith("median 4")

    drift = nothing_of("20261101-101010-101") | {"inputs": found}
    shown = Outline(page.render(replace(sample.report(), drift=drift)))
    assert found["words"] in shown.text and "drift" in shown.ids


def test_inputs_that_came_or_went_are_named():
    one = tfdv.generate_statistics_from_dataframe(people())
    other = tfdv.generate_statistics_from_dataframe(people().rename(columns={"age": "years"}))
    said = inputs.drift(one, other, {})["words"]
    assert "No longer an input: age." in said and "New among the inputs: years." in said


def test_of_pictures_brightness_and_contrast_are_compared(tmp_path):
    features = Features.model_validate({"image": {"name": "picture"}})
    folders = {}
    for seed, (split, light) in enumerate(zip(SPLITS, (90, 90, 200), strict=True)):
        place = tmp_path / f"Split-{split}"
        place.mkdir()
        (place / "FeatureStats.pb").write_bytes(
            tfdv.generate_statistics_from_dataframe(people()).SerializeToString()
        )
        folder = tmp_path / split
        folder.mkdir()
        folders[split] = str(folder)
        rng = np.random.default_rng(seed)
        with tf.io.TFRecordWriter(str(folder / "pictures.tfrecord")) as writer:
            for grey in rng.normal(light, 10, 50):
                value = tf.train.BytesList(value=[base64.b64decode(sample.picture(grey=int(grey)))])
                feature = {"picture": tf.train.Feature(bytes_list=value)}
                example = tf.train.Example(features=tf.train.Features(feature=feature))
                writer.write(example.SerializeToString())
    _, apart = inputs.gather(str(tmp_path), folders, features)
    assert apart[inputs.BRIGHTNESS] > 0.9  # the test split is much lighter
