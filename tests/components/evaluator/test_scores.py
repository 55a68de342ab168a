"""What was said of each example is found beside the evaluation, and what is drawn of it is the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components import tfrecords
from components.evaluator import scores
from components.report import asking, curves
from fairgate.constraints.rates import Counts
from fairgate.errors import DataError
from fairgate.gate.judgement import BASELINE, CONSTRAINED
from tests.components.evaluator import planted
from tests.components.evaluator.planted import Planted

DATA = Planted({"Red": Counts(tp=300, fp=30, tn=270, fn=20), "Blue": Counts(200, 40, 260, 10)})
RECORDS = DATA.records("t")


@pytest.fixture(scope="module")
def judged(tmp_path_factory) -> Path:
    """A folder with examples, a model, and an evaluation of both."""
    folder = tmp_path_factory.mktemp("judged")
    examples = planted.examples(folder / "examples", DATA, "t" * 32)
    model = planted.model(folder / "model")
    planted.judge(folder, examples, model, DATA.settings(), folder / "ledger")
    return folder


def test_each_example_has_the_scores_that_models_gave_it(judged):
    kept = scores.read(str(judged / "evaluation"))
    shuffled = np.random.default_rng(0).permutation(np.array(RECORDS, object))
    found = kept.of(shuffled)
    planted_scores = [
        tf.train.Example.FromString(record).features.feature["p"].float_list.value[0]
        for record in shuffled
    ]
    assert len(kept.known) == len(RECORDS) and found.keys() == {BASELINE, CONSTRAINED}
    for of_model in found.values():
        assert of_model.dtype == np.float32 and of_model.tolist() == planted_scores


def test_other_examples_are_refused(judged):
    kept = scores.read(str(judged / "evaluation"))
    for record in (b"", b"another", RECORDS[0] + b"\0"):
        with pytest.raises(DataError, match=r"evaluation: .* of other examples .* cache=false"):
            kept.of(np.array([RECORDS[0], record], object))


def test_an_evaluation_without_scores_has_none(tmp_path):
    assert scores.read(str(tmp_path)) is None


def test_a_report_draws_the_same_whether_it_asks_models_or_finds_what_they_said(judged):
    features = DATA.settings().data.features
    split = str(judged / "examples/Split-test")
    models = dict.fromkeys((BASELINE, CONSTRAINED), str(judged / "model/Format-Serving"))
    asked = asking.score(split, models, features)
    kept = scores.read(str(judged / "evaluation"))
    # Of what was said already, no model is asked: the second is not even there.
    found = asking.score(split, models | {CONSTRAINED: "nowhere"}, features, kept)
    assert list(found.scores) == list(asked.scores)
    for model, of_model in asked.scores.items():
        assert np.array_equal(found.scores[model], of_model)
    assert np.array_equal(found.positive, asked.positive)
    assert found.groups["Team"].tolist() == asked.groups["Team"].tolist()
    assert curves.group_curves(found) == curves.group_curves(asked)


def test_examples_that_are_shown_are_those_of_their_rows(judged):
    split = str(judged / "examples/Split-test")
    [file] = (judged / "examples/Split-test").iterdir()
    records = list(tfrecords.records(str(file)))
    rows = {0, 511, 512, len(records) - 1}
    found = dict(asking._rows(split, rows))
    assert found == {row: tf.train.Example.FromString(records[row]) for row in rows}
