"""Rows that count more or less than one: a run to its push, and a candidate beside what was pushed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components import tfrecords
from components.fairness_metrics.counts import DECISION_THRESHOLD
from tests.e2e.runs import Table

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def rates(table: Table, version: Path) -> dict[str, float]:
    """FPR of each group on the test rows, by what these count, of a served model asked about them."""
    records = [
        each for file in sorted(table.data.glob("*test*")) for each in tfrecords.records(str(file))
    ]
    served = tf.saved_model.load(str(version)).signatures["serving_default"]
    yes = served(examples=tf.constant(records))["probability"].numpy().ravel() > DECISION_THRESHOLD
    columns = {name: tf.io.FixedLenFeature([], tf.string) for name in ("sex", "income")}
    columns["counts"] = tf.io.FixedLenFeature([], tf.float32)
    parsed = {k: v.numpy() for k, v in tf.io.parse_example(tf.constant(records), columns).items()}
    found = {}
    for name, sex in (("Male", b"M"), ("Female", b"F")):
        negatives = (parsed["sex"] == sex) & (parsed["income"] == b"low")
        found[name] = np.average(yes[negatives], weights=parsed["counts"][negatives])
    return found


def test_weights_count_from_the_table_to_the_push(weighed):
    verdict, run = weighed.verdict, weighed.newest
    assert verdict["pushed"] and verdict["sampling"]["weighted"]
    assert verdict["sampling"]["most"] == 4
    # What is told before training is of weights, and so is what snapshots were rated by.
    notes = [
        note for step in json.loads((run / "steps.json").read_text()) for note in step["notes"]
    ]
    [told] = [note["text"] for note in notes if "At 95% confidence" in note["text"]]
    assert "the fewest (with weights of at most 4)." in told
    [file] = weighed.runs.glob("table/artifacts/*.constrained/model_run/*/history.json")
    history = json.loads(file.read_text())
    assert history["rated_by"] == "gate" and history["predicted_to_pass"] in (True, False)
    # The rates of the verdict are those of the served model's answers, by what rows count.
    [version] = weighed.versions
    groups = verdict["models"]["constrained"]["groups"]
    for name, rate in rates(weighed, version).items():
        assert groups[name]["fpr"] == pytest.approx(rate, abs=1e-6)
    page, card = ((run / name).read_text() for name in ("report.html", "model_card.md"))
    for text in (page, card):
        assert "over 700 units, with weights of at most 4" in text


def test_a_candidate_is_held_against_the_model_that_is_served(weighed):
    first, served = weighed.versions[0], weighed.served()
    weighed.on_new_test_data()
    other = ("trainer.seed=5", "gate.compare_with=served", "trainer.selection.rated_by=value")
    # Nobody errs less by a half of all negatives, and the sentence says so of the served model.
    status = weighed.run(*other, "gate.constraints=['FPR | [Male] <= baseline - 0.5']")
    blocked = weighed.verdict
    assert status == 3 and weighed.served() == served
    assert blocked["outcome"] == "over the limit"
    assert blocked["gate"][0]["constraint"] == "change(FPR | [Male]) <= -0.5"
    said = f"baseline is the model in {first}"
    assert any(said in each for each in blocked["warnings"])
    # The same candidate, asked what it can keep: it is no other attempt, and nothing is trained again.
    status = weighed.run(*other, "gate.constraints=['FPR | [Male] <= baseline + 0.4']")
    passed = weighed.verdict
    assert status == 0, (weighed.newest / "run.log").read_text(errors="replace")[-4000:]
    assert passed["attempt"]["number"] == blocked["attempt"]["number"] == 1
    assert passed["gate"][0]["value"] == pytest.approx(blocked["gate"][0]["value"])
    assert len(weighed.versions) == 2 and weighed.versions[0] == first
    # What stands beside it is what stood in the served model's own verdict.
    own = json.loads(weighed.verdicts[0].read_text())
    assert passed["models"]["baseline"]["groups"] == own["models"]["constrained"]["groups"]
