"""A model from outside a run: that it can be asked, and what the gate says beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import tensorflow as tf
from tfx.types import artifact_utils, standard_artifacts

from components.compared_model.executor import Executor
from components.evaluator import digests
from fairgate.bounds.paired import upper_change
from fairgate.constraints.rates import Counts
from fairgate.errors import DataError, SettingsError
from pipeline import compared
from tests.components.evaluator import planted
from tests.components.evaluator.planted import Planted
from tests.tiny_dataset import write_shard

OUTCOMES = {"Red": Counts(tp=300, fp=30, tn=270, fn=20), "Blue": Counts(200, 40, 260, 10)}
WORSE, BETTER = 4, 15
"""Of Red's negatives, those that only the candidate tells Yes, and those that only the other does."""


@dataclass(frozen=True)
class Served(Planted):
    """As planted, with what the served model says in a column of its own."""

    def records(self, whose: str = "p") -> list[bytes]:
        found, gained, lost = [], 0, 0
        for each in super().records(whose):
            example = tf.train.Example.FromString(each)
            columns = example.features.feature
            said = columns["p"].float_list.value[0]
            red = columns["team"].bytes_list.value[0] == b"r"
            if red and not columns["label"].int64_list.value[0]:
                if said > 0.5 and gained < WORSE:
                    said, gained = 0.3, gained + 1
                elif said < 0.5 and lost < BETTER:
                    said, lost = 0.7, lost + 1
            columns["old"].float_list.value.append(said)
            found.append(example.SerializeToString(deterministic=True))
        return found


DATA = Served(OUTCOMES)


@pytest.fixture
def served(tmp_path):
    """The folder of the model that is served."""
    artifact = planted.model(tmp_path / "old", weight=2.0, column="old")
    home = tmp_path / "serving" / "smiling"
    home.mkdir(parents=True)
    Path(artifact.uri, "Format-Serving").rename(home / "3")
    return home / "3"


def executed(tmp_path: Path, folder: Path, digest: str = "", settings=None):
    """The artifact that the component leaves."""
    examples = standard_artifacts.Examples()
    examples.uri, examples.split_names = (
        str(tmp_path / "data"),
        artifact_utils.encode_split_names(["validation"]),
    )
    shard = tmp_path / "data" / "Split-validation" / "part-0"
    if not shard.exists():
        write_shard(shard, DATA.records())
    model = standard_artifacts.Model()
    model.uri = str(tmp_path / "compared")
    features = (settings or DATA.settings()).data.features
    Executor().Do(
        {"examples": [examples]},
        {"model": [model]},
        {
            "folder": str(folder),
            "digest": digest or digests.files_digest(str(folder)),
            "features": features.model_dump_json(),
        },
    )
    return model


def test_a_change_against_the_served_model_is_bounded_by_mcnemars_test(tmp_path, served):
    line = "FPR | [Red] <= baseline + 0.02"
    assigned = (f"gate.constraints=['{line}']", f"serving={tmp_path / 'serving'}")
    settings = compared.resolved(DATA.settings(*assigned, "gate.compare_with=served"))
    assert settings.gate.compare_with == str(served)
    examples = planted.examples(tmp_path / "examples", DATA, "t" * 32)
    candidate = planted.model(tmp_path / "model")

    def verdict(name: str, settings, beside=None):
        judged = planted.judge(
            tmp_path / name,
            examples,
            candidate,
            settings,
            tmp_path / f"{name}.ledger",
            beside=beside,
        )
        return planted.verdict(settings, judged)

    found = verdict("served", settings, executed(tmp_path, served))
    [row] = found.gate
    assert row.value == pytest.approx((WORSE - BETTER) / 300)
    assert row.upper_bound == pytest.approx(upper_change(WORSE, BETTER, 300, 0.05))
    assert found.blessed and found.models["baseline"].groups["Red"].fpr == pytest.approx(41 / 300)
    assert found.warnings == compared.sentences(settings) and str(served) in found.warnings[0]
    # Beside itself nothing changes, which so few examples do not promise.
    alone = verdict("alone", DATA.settings(*assigned))
    assert alone.gate[0].value == 0 and alone.warnings == []
    assert alone.gate[0].upper_bound == pytest.approx(upper_change(0, 0, 300, 0.05))


def test_what_is_served_is_the_newest_version(tmp_path, served):
    (served.parent / "12").mkdir()
    (served.parent / "12" / "saved_model.pb").write_bytes(b"")
    (served.parent / "notes").mkdir()
    settings = DATA.settings(f"serving={tmp_path / 'serving'}", "gate.compare_with=served")
    assert compared.resolved(settings).gate.compare_with == str(served.parent / "12")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("served", "nothing is served in .* yet"),
        ("nowhere/7", "nowhere/7 holds no SavedModel. Give baseline, served, or the folder"),
    ],
)
def test_where_there_is_no_model_to_compare_with_it_is_said(tmp_path, given, said):
    settings = DATA.settings(f"serving={tmp_path / 'empty'}", f"gate.compare_with={given}")
    with pytest.raises(SettingsError, match=said):
        compared.resolved(settings)


def test_the_runs_own_baseline_needs_nothing():
    settings = DATA.settings()
    assert compared.resolved(settings) is settings and compared.sentences(settings) == []


def test_a_model_that_cannot_be_asked_is_refused_with_the_reason(tmp_path, served):
    names = DATA.settings("data.features.groups={Team: {name: team, values: {Sun: r, Moon: b}}}")
    with pytest.raises(SettingsError, match=r"other groups than those of 'Team' \(Sun, Moon"):
        executed(tmp_path, served, settings=names)
    other = planted.model(tmp_path / "other", column="elsewhere")
    with pytest.raises(SettingsError, match=r"cannot be asked about these .*elsewhere"):
        executed(tmp_path, Path(other.uri, "Format-Serving"))
    bare = tf.Module()
    bare.f = tf.function(lambda x: {"y": x}, input_signature=[tf.TensorSpec([None], tf.string)])
    tf.saved_model.save(bare, str(tmp_path / "bare"), signatures={"serving_default": bare.f})
    with pytest.raises(SettingsError, match="the model there has no signature 'slices'"):
        executed(tmp_path, tmp_path / "bare")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SettingsError, match="no SavedModel can be loaded from it"):
        executed(tmp_path, tmp_path / "empty")
    with pytest.raises(DataError, match="was replaced while the run went on"):
        executed(tmp_path, served, digest="0" * 32)


def test_what_is_copied_answers_as_what_is_served(tmp_path, served):
    copied = executed(tmp_path, served)
    asked = tf.constant(DATA.records()[:50])
    first, second = (
        tf.saved_model.load(str(folder)).signatures["serving_default"](examples=asked)
        for folder in (served, Path(copied.uri, "Format-Serving"))
    )
    assert (first["probability"].numpy() == second["probability"].numpy()).all()
