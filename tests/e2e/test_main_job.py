"""One whole run that passes: what it shows, what it keeps, and what it serves."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fairgate import bounds
from fairgate.constraints import language
from fairgate.constraints.rates import Group, count_outcomes
from pipeline.settings import dump, load
from tests.e2e.runs import NODES, REPOSITORY, forget
from tests.tiny_dataset import GROUP, IMAGE, LABEL

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def artifact(place, node: str, key: str) -> Path:
    """The folder of a node's first output: later runs in this place have their own."""
    folders = (place.home / "artifacts" / node / key).iterdir()
    return min(folders, key=lambda path: int(path.name))


@pytest.fixture(scope="module")
def test_records(place):
    """The raw records of the test split, with their labels and groups."""
    import tensorflow as tf

    files = sorted(str(path) for path in place.data.glob("*-test.tfrecord*"))
    records = [item.numpy() for item in tf.data.TFRecordDataset(files)]
    examples = [tf.train.Example.FromString(item) for item in records]

    def column(name: str) -> np.ndarray:
        return np.array([e.features.feature[name].int64_list.value[0] for e in examples])

    return records, column(LABEL), column(GROUP)


@pytest.fixture(scope="module")
def served(passed):
    """Asks the pushed model."""
    import tensorflow as tf

    model = tf.saved_model.load(passed.verdict["pushed_model"])

    def probabilities(records: list[bytes]) -> np.ndarray:
        answers = model.signatures["serving_default"](examples=tf.constant(records))
        return answers["probability"].numpy().ravel()

    return probabilities


def test_it_ends_with_status_0_and_a_verdict_that_says_passed(passed, place):
    verdict = passed.verdict
    assert passed.status == 0
    assert verdict["blessed"] is True and verdict["pushed"] is True and verdict["reasons"] == []
    version = Path(verdict["pushed_model"])
    assert version.parent == place.folder / "serving" / "happy" and version.name.isdigit()
    assert (version / "saved_model.pb").is_file()
    joined = "".join(passed.output.split())  # a long path takes more than a line
    assert f"PASSED:pushedto{version}" in joined and str(passed.folder / "verdict.json") in joined


def test_what_the_test_split_can_promise_is_told_before_training(passed):
    assert passed.verdict["outcome"] == "pushed"
    assert (
        passed.verdict["advice"] == []
    )  # what was said before the model was there is not about it
    groups = passed.verdict["models"]["constrained"]["groups"]
    name = min(groups, key=lambda group: groups[group]["negatives"])
    phrase = f"{groups[name]['negatives']} negatives of [{name}], the fewest"
    assert passed.words.index(phrase) < passed.words.index("Transform ...")


def test_the_baseline_is_over_the_constrained_model_in_its_gap(passed):
    [row] = passed.verdict["gate"]
    assert row["value"] < row["baseline_value"] and row["upper_bound"] < row["baseline_bound"]
    assert row["passed"] is True and row["upper_bound"] <= row["limit"]
    models = passed.verdict["models"]
    assert models["constrained"]["accuracy"] > models["baseline"]["accuracy"] - 0.05


def test_the_verdict_says_which_attempt_it_was(passed):
    attempt = passed.verdict["attempt"]
    assert (attempt["number"], attempt["of"], attempt["sealed"]) == (1, 1, False)
    assert attempt["confidence"] == passed.verdict["gate"][0]["confidence"] == pytest.approx(0.95)
    assert attempt["delta_total"] == pytest.approx(0.05) and passed.verdict["warnings"] == []
    assert re.fullmatch("[0-9a-f]{32}", attempt["test_digest"])  # of the ledger's page


def test_every_step_is_shown_and_timed(passed):
    assert [step for step in passed.steps if step in NODES] == list(NODES)
    assert set(passed.steps.values()) == {"done"}
    total = len(passed.steps)
    for node in NODES:
        assert f"/{total}] {node} ..." in passed.words and f"{node}: done," in passed.words
    steps = json.loads((passed.folder / "steps.json").read_text())
    assert all(step["seconds"] >= 0 and step["peak_memory_gb"] > 0 for step in steps)
    timed = {step["name"]: step["timings"]["compiling"] for step in steps if step["timings"]}
    assert set(timed) == {"ConstrainedTrainer.baseline", "ConstrainedTrainer.constrained"}
    assert all(seconds > 0 for seconds in timed.values())


def test_the_settings_of_the_run_are_kept_and_make_the_same_run(passed, place):
    kept = passed.folder / "settings.yaml"
    settings = load([str(kept)])
    assert settings == load([str(place.settings)]) and kept.read_text() == dump(settings)


def test_the_pushed_model_gives_the_numbers_of_the_verdict(passed, served, test_records):
    records, labels, groups = test_records
    yes = served(records) > 0.5
    model = passed.verdict["models"]["constrained"]
    assert model["examples"] == len(records)
    assert model["accuracy"] == pytest.approx(np.mean(yes == (labels == 1)))
    counts = {None: count_outcomes(yes, labels)}
    for name, value in (("Red", 1), ("Blue", 0)):
        count = count_outcomes(yes, labels, groups == value)
        counts[Group("Team", name)] = count
        assert model["groups"][name]["examples"] == count.examples
        assert model["groups"][name]["negatives"] == count.negatives
        assert model["groups"][name]["fpr"] == pytest.approx(count.rate("FPR"))
        assert model["groups"][name]["fnr"] == pytest.approx(count.rate("FNR"))
    [row] = passed.verdict["gate"]
    gap = language.parse(row["constraint"], {"Team": ["Red", "Blue"]})
    assert row["value"] == pytest.approx(gap.value(counts))
    expected = bounds.upper_bound(gap.expression, counts, 0.05)
    assert row["upper_bound"] == pytest.approx(expected)


def test_the_pushed_model_is_the_constrained_one(passed, place, served, test_records):
    import tensorflow as tf

    records, _, _ = test_records
    answers = {}
    for name in ("baseline", "constrained"):
        folder = artifact(place, f"ConstrainedTrainer.{name}", "model") / "Format-Serving"
        signature = tf.saved_model.load(str(folder)).signatures["serving_default"]
        answers[name] = signature(examples=tf.constant(records))["probability"].numpy().ravel()
    np.testing.assert_allclose(served(records), answers["constrained"], rtol=1e-6)
    assert np.abs(served(records) - answers["baseline"]).max() > 0.01


def test_statistics_are_of_everybody_each_group_and_each_group_and_label(passed, place):
    import tfx.components  # noqa: F401  # it patches what the next line imports

    # isort: split
    import tensorflow_data_validation as tfdv

    for split, n in (("train", 900), ("validation", 500), ("test", 900)):
        file = artifact(place, "StatisticsGen", "statistics") / f"Split-{split}" / "FeatureStats.pb"
        statistics = tfdv.load_stats_binary(str(file))
        sizes = {dataset.name: dataset.num_examples for dataset in statistics.datasets}
        groups = {f"{GROUP}_{value}" for value in (0, 1)}
        both = {f"{GROUP}_{value}_{LABEL}_{label}" for value in (0, 1) for label in (0, 1)}
        swapped = {f"{LABEL}_{label}_{GROUP}_{value}" for value in (0, 1) for label in (0, 1)}
        whole = set(sizes) - groups - both - swapped
        assert (
            len(whole) == 1
            and groups <= set(sizes)
            and (both <= set(sizes) or swapped <= set(sizes))
        )
        assert sizes[whole.pop()] == n
        assert sum(sizes[name] for name in groups) == n
        assert sum(sizes.get(name, 0) for name in both | swapped) == n


def test_images_are_never_counted_as_strings(passed, place):
    import tfx.components  # noqa: F401  # it patches what the next line imports

    # isort: split
    import tensorflow_data_validation as tfdv

    file = artifact(place, "StatisticsGen", "statistics") / "Split-train" / "FeatureStats.pb"
    assert b"JFIF" not in file.read_bytes()
    for dataset in tfdv.load_stats_binary(str(file)).datasets:
        of = {"/".join(f.path.step) or f.name: f for f in dataset.features}
        assert of[LABEL].num_stats.common_stats.num_non_missing == dataset.num_examples
        if IMAGE in of:
            assert not of[IMAGE].HasField("string_stats")
            assert of[IMAGE].bytes_stats.common_stats.num_non_missing == dataset.num_examples


@pytest.mark.parametrize("name", ["baseline", "constrained"])
def test_training_logs_objective_violations_and_multipliers(passed, place, name):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = artifact(place, f"ConstrainedTrainer.{name}", "model_run")
    history = json.loads((folder / "history.json").read_text())
    taken = [snapshot["step"] for snapshot in history["snapshots"] if not snapshot["shift"]]
    # The baseline is one more for the constrained model to choose from.
    first = [] if name == "baseline" else [0]
    assert taken == [*first, 50, 100, 150, 200, 250, 300] and history["told"]
    # What was left to the data, and why.
    assert any(reason.startswith("weight decay") for reason in history["settings_found"])
    constraints = len(history["constraints"])
    assert constraints == (0 if name == "baseline" else 2)
    events = EventAccumulator(str(folder)).Reload()
    expected = {"objective", "steps_per_second", "validation/error_rate"}
    for scalar in ("validation/violation", "minibatch_violation", "multiplier"):
        expected |= {f"{scalar}/{index}" for index in range(constraints)}
    assert set(events.Tags()["tensors"]) == expected
    rated = [event.step for event in events.Tensors("validation/error_rate")]
    assert rated == [50, 100, 150, 200, 250, 300]
    moments = [moment["step"] for moment in history["moments"]]
    assert moments == [event.step for event in events.Tensors("objective")]
    assert set(rated) <= set(moments) and moments == sorted(moments)


def test_a_user_sees_no_noise_and_the_log_has_it(passed, place):
    forget(place.folder / "runs")
    process = subprocess.run(
        [sys.executable, "-m", "pipeline", *place.arguments(["gate.limit=0.31"])],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stdout
    assert process.stderr == ""
    shown = process.stdout
    for noise in ("WARNING", "INFO", "oneDNN", "cuda", "absl", "Traceback", "Deprecat"):
        assert noise not in shown, shown
    lines = shown.splitlines()
    assert lines[0].startswith("FairGate run tiny/")
    assert all(len(line) <= 80 for line in lines if str(place.folder) not in line), shown
    assert "…" not in shown and "Evaluator: done" in shown and "Transform: reused" in shown
    log = place.run_folders()[-1] / "run.log"
    assert "Evaluator" in log.read_text(errors="replace")
