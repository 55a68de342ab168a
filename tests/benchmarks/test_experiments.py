"""The experiments: who sees what, what is broken, how they go on, and a tiny one for real."""

from __future__ import annotations

import json
import math
import os
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy.stats import binom

from benchmarks.experiments import __main__ as command
from benchmarks.experiments import (
    figure,
    methods,
    peer,
    plan,
    pool,
    protocol,
    records,
    summary,
    workers,
)
from components.constrained_trainer.config import TrainingConfig
from components.constrained_trainer.examples.data import Split
from fairgate.constraints import language
from fairgate.constraints.rates import Counts, Group
from fairgate.errors import SettingsError
from fairgate.gate.prediction import bound_of
from tests.components.constrained_trainer.toy import GROUPS, biased_split

NAMES = {"G": ["a", "b"]}
GAP = "max_gap(FPR, [G]) <= 0.1"


# Who sees what.


@pytest.mark.parametrize("examples", [8, 101, 640])
def test_no_example_has_two_parts_and_half_of_them_are_for_safety(examples):
    found = protocol.divide(1000, examples, truth=10_000, seed=[0])
    parts = [found.training, found.validation, found.safety, found.truth]
    assert sorted(np.concatenate(parts)) == list(range(1000))
    assert len(found.truth) == 1000 - examples
    assert len(found.safety) == examples - examples // 2
    assert len(found.validation) == examples // 8


def test_a_method_without_a_test_learns_from_the_safety_rows_too_and_never_from_the_truth():
    found = protocol.divide(1000, 100, truth=500, seed=[0])
    training, validation = found.without_safety()
    drawn = np.concatenate([found.training, found.validation, found.safety])
    assert sorted(np.concatenate([training, validation])) == sorted(drawn)
    assert set(found.validation) <= set(validation)
    assert len(found.truth) == 500 and not set(found.truth) & set(drawn)


def test_divisions_follow_the_seed_alone():
    first, again, other = (protocol.divide(500, 60, 100, seed) for seed in ([1, 2], [1, 2], [1, 3]))
    np.testing.assert_array_equal(first.safety, again.safety)
    assert set(first.safety) != set(other.safety)


@pytest.mark.parametrize("examples", [7, 1000])
def test_a_trial_that_cannot_be_divided_is_refused(examples):
    with pytest.raises(ValueError, match="8 to 999 of 1000"):
        protocol.divide(1000, examples, 10, [0])


def test_nothing_that_head_only_learns_from_is_safety_data(monkeypatch):
    seen = []

    def spy(training, validation, config, **options):
        seen.append((training, validation, config.layers))
        return train(training, validation, config, **options)

    train = methods.train
    monkeypatch.setattr(methods, "train", spy)
    trial = _trial(_pool(400), 80)
    methods.run(trial, "head-only")
    assert [layers for _, _, layers in seen] == ["all", "head"]
    safety = {image.tobytes() for image in trial.safety.inputs["image"]}
    for training, validation, _ in seen:
        given = [*training.inputs["image"], *validation.inputs["image"]]
        assert len(given) == 40
        assert not safety & {image.tobytes() for image in given}


# What is broken.

# FPR of a: 0.5 (two negatives); of b: 0 (two negatives).
SPLIT = Split(
    {"image": np.zeros((5, 1, 1, 1), np.uint8)},
    np.array([0, 0, 1, 0, 0], np.float32),
    np.array([[1, 0], [1, 0], [1, 0], [0, 1], [0, 1]], np.float32),
    GROUPS,
)
P = np.array([1.0, 0.0, 1.0, 0.0, 0.0])


@pytest.mark.parametrize(
    "limit, bound, returned, violated",
    [
        (0.4, None, True, True),
        (0.5, None, True, False),
        (0.4, 0.39, True, True),  # the promise is broken: the test let it through
        (0.4, 0.41, False, False),  # without a solution nothing is broken
        (0.4, math.nan, False, False),
        (0.4, math.inf, False, False),
    ],
)
def test_violated_is_a_returned_solution_beyond_the_limit(limit, bound, returned, violated):
    constraint = language.parse(f"max_gap(FPR, [G]) <= {limit}", NAMES)
    found = protocol.judge(constraint, P, SPLIT, bound)
    assert (found.returned, found.violated) == (returned, violated)
    assert (found.accuracy, found.value) == (0.8, 0.5)
    assert bool(found.reason) is not returned
    json.dumps(found.__dict__, allow_nan=False)


def test_a_value_that_does_not_exist_keeps_no_promise():
    constraint = language.parse("FPR|[a] / FPR|[b] <= 3", NAMES)  # divides by 0
    found = protocol.judge(constraint, P, SPLIT)
    assert found.violated and found.value is None


def test_a_limit_from_below_is_broken_from_below():
    constraint = language.parse("ACC|[a] >= 0.7", NAMES)
    assert protocol.judge(constraint, P, SPLIT).violated
    assert bound_of(constraint, SPLIT.counts(P - 0.5), 0.05) < 2 / 3


def test_a_randomized_classifier_counts_by_its_expectation():
    p = np.array([0.5, 0.25, 0.75, 0.0, 1.0])
    found = protocol.expected_counts(p, SPLIT)
    assert found[Group("G", "a")] == Counts(tp=0.75, fp=0.75, tn=1.25, fn=0.25)
    assert found[None] == Counts(tp=0.75, fp=1.75, tn=2.25, fn=0.25)
    assert protocol.expected_counts(P, SPLIT) == SPLIT.counts(P - 0.5)


# What is asked.


def test_training_is_given_a_limit_with_something_to_spare():
    small = language.parse(GAP, NAMES)
    large = language.parse("min(ACC|[a]/ACC|[b], ACC|[b]/ACC|[a]) >= 0.8", NAMES)
    assert plan.spared(small, 0.5).limit == pytest.approx(0.05)
    assert plan.spared(large, 0.5).limit == pytest.approx(0.9)
    assert plan.spared(large, 0.0).limit == pytest.approx(0.8)


def test_the_default_constraint_is_the_guides():
    line = plan.default_constraint(NAMES)
    assert line == "min(ACC|[a]/ACC|[b], ACC|[b]/ACC|[a]) >= 0.8"
    assert plan.parse(plan.Plan("toy", line), NAMES).limit == 0.8


def test_sizes_that_cannot_be_are_refused():
    assert plan.sizes([0.5, 0.1, 0.1], 100) == {0.1: 10, 0.5: 50}
    for bad in (0.01, 1.0, -0.5):
        with pytest.raises(SettingsError, match="--fractions"):
            plan.sizes([bad], 100)
    assert list(plan.sizes(plan.default_fractions("other", 10_000), 10_000).values())[::5] == [
        100,
        5000,
    ]


def test_a_bad_delta_is_refused():
    with pytest.raises(SettingsError, match="--delta 1"):
        plan.Plan("toy", GAP, delta=1.0)


def test_fairlearn_is_asked_for_the_nearest_thing_it_has():
    guide = language.parse(plan.default_constraint(NAMES), NAMES)
    split = replace(SPLIT)
    found = peer.question_for(guide, split, np.zeros((5, 2)), np.zeros((3, 2)))
    assert str(found["moment"]) == "ErrorRateParity"
    np.testing.assert_allclose(found["bounds"], 0.2 * np.array(peer.SHARES))
    np.testing.assert_array_equal(found["groups"], [0, 0, 0, 1, 1])
    gap = language.parse(GAP, NAMES)
    assert peer.moment_for(gap) == ("FalsePositiveRateParity", "G")
    for line in ("FPR <= 0.1", "PPV|[a] - PPV|[b] <= 0.1", "FPR|[a] - TPR|[b] <= 0.1"):
        with pytest.raises(ValueError, match="fairlearn has no moment"):
            peer.moment_for(language.parse(line, NAMES))


# How an experiment goes on.

PLAN = {"constraint": GAP, "delta": 0.05}


def _record(trial: int, method: str = "ours", fraction: float = 0.1, **more) -> dict:
    made = {"method": method, "fraction": fraction, "trial": trial, "examples": 10}
    return made | {"returned": True, "violated": False, "accuracy": 0.75, "value": 0.0} | more


def test_what_is_finished_is_not_done_again_and_what_failed_is(tmp_path):
    first = records.Records(tmp_path, PLAN)
    first.append([_record(0), _record(0, "fairlearn", error="RuntimeError: no")])
    done = records.finished(records.Records(tmp_path, PLAN).read())
    jobs = command.missing(["ours", "fairlearn"], {0.1: 10, 0.2: 20}, 2, done)
    assert [(job.fraction, job.trial, job.methods) for job in jobs] == [
        (0.1, 0, ("fairlearn",)),
        (0.2, 0, ("ours", "fairlearn")),
        (0.1, 1, ("ours", "fairlearn")),
        (0.2, 1, ("ours", "fairlearn")),
    ]


def test_a_trial_that_ran_again_counts_once(tmp_path):
    found = records.Records(tmp_path, PLAN)
    found.append([_record(0, error="RuntimeError: no")])
    found.append([_record(1), _record(0)])
    assert found.read() == [_record(0), _record(1)]


def test_a_torn_line_is_lost_and_nothing_else(tmp_path):
    records.Records(tmp_path, PLAN).append([_record(0), _record(1)])
    file = tmp_path / "trials.jsonl"
    file.write_bytes(file.read_bytes()[:-5])
    again = records.Records(tmp_path, PLAN)
    assert again.read() == [_record(0)]
    again.append([_record(2)])
    assert again.read() == [_record(0), _record(2)]


def test_a_full_disk_leaves_no_half_line(tmp_path, monkeypatch):
    found = records.Records(tmp_path, PLAN)
    found.append([_record(0)])
    write = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda descriptor, text: write(descriptor, text[:20]))
        with pytest.raises(OSError, match="No space"):
            found.append([_record(1)])
    found.append([_record(2)])
    assert found.read() == [_record(0), _record(2)]


def test_a_folder_of_another_experiment_is_refused(tmp_path):
    records.Records(tmp_path, PLAN)
    with pytest.raises(SettingsError, match=r"delta = 0\.05, not 0\.1; give another folder"):
        records.Records(tmp_path, PLAN | {"delta": 0.1})


# The curves.


def test_points_are_means_and_exact_intervals():
    found = [
        _record(0, accuracy=0.5),
        _record(1, accuracy=1.0, violated=True),
        _record(2, returned=False, accuracy=0.1),
        _record(3, returned=False, accuracy=None),
        _record(4, error="ValueError: no"),
    ]
    (point,) = summary.summarize(found, ["ours"])
    assert (point.trials, point.failed) == (4, 1)
    assert (point.accuracy, point.accuracy_error) == pytest.approx((0.75, 0.25))
    assert (point.solution, point.violation) == (0.5, 0.25)
    # Clopper-Pearson: at its ends, what was seen or more extreme has probability 0.025.
    assert binom.sf(0, 4, point.violation_low) == pytest.approx(0.025)
    assert binom.cdf(1, 4, point.violation_high) == pytest.approx(0.025)
    assert binom.sf(1, 4, point.solution_low) == pytest.approx(0.025)
    assert binom.cdf(2, 4, point.solution_high) == pytest.approx(0.025)


def test_no_violation_in_n_trials_has_the_closed_form_bound():
    (point,) = summary.summarize([_record(i) for i in range(20)], ["ours"])
    assert (point.violation, point.violation_low) == (0, 0)
    assert point.violation_high == pytest.approx(1 - 0.025 ** (1 / 20))


def test_curves_are_written_as_numbers_and_as_a_picture(tmp_path):
    found = [_record(i, m, f, examples=round(100 * f)) for m in ("ours", "fairlearn")
             for f in (0.1, 0.5) for i in range(3)]  # fmt: skip
    found.append(_record(0, "head-only", 0.1, returned=False, accuracy=None))
    points = summary.summarize(found, list(figure.LABELS))
    assert [(p.method, p.examples) for p in points] == [
        ("ours", 10), ("ours", 50), ("head-only", 10), ("fairlearn", 10), ("fairlearn", 50)
    ]  # fmt: skip
    summary.write_csv(found, points, tmp_path)
    assert len((tmp_path / "trials.csv").read_text().splitlines()) == 1 + len(found)
    assert (tmp_path / "summary.csv").read_text().count("\n") == 1 + len(points)
    lines = summary.table(points)
    assert "| ours, accuracy | 0.750 | 0.750 |" in lines
    assert "| head-only, accuracy |  |  |" in lines
    figure.draw(points, "title", 0.05, tmp_path / "experiment.png")
    with Image.open(tmp_path / "experiment.png") as image:
        assert image.width > 2 * image.height
        assert len(np.unique(np.asarray(image.convert("RGB")).reshape(-1, 3), axis=0)) > 50


def test_every_method_has_a_name_and_a_style():
    assert set(methods.METHODS) == set(figure.LABELS) == set(figure._STYLES)


# For real.


def _pool(rows: int) -> Split:
    return biased_split(rows, seed=0)


def _trial(examples_of: Split, examples: int, constraint: str = GAP, number: int = 0):
    base = TrainingConfig(network="tests.components.constrained_trainer.toy:linear_network")
    made = plan.Plan("toy", constraint, network=base.network)
    return methods.Trial(examples_of, made, base, examples, number)


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(plan, "STEPS", (20, 20))
    monkeypatch.setattr(plan, "SNAPSHOTS", 2)


def test_the_safety_test_alone_makes_the_difference(short):
    trial = _trial(_pool(500), 120)
    ours, untested = methods.run(trial, "ours"), methods.run(trial, "ours-untested")
    # With 60 examples nobody can promise a gap of 0.1.
    assert not ours.returned and ours.bound > 0.1 and "safety test" in ours.reason
    assert untested.returned and untested.bound is None
    assert (ours.accuracy, ours.value) == (untested.accuracy, untested.value)


def test_a_limit_that_is_sure_to_be_kept_has_a_solution(short):
    found = methods.run(_trial(_pool(500), 120, "ERR <= 0.9"), "ours")
    assert found.returned and not found.violated and found.bound <= 0.9


def test_a_group_that_is_missing_is_no_solution_rather_than_a_failure(short):
    everyone = biased_split(500, seed=0)
    alone = everyone.take(np.flatnonzero(everyone.memberships[:, 0]))
    found = methods.run(_trial(alone, 60), "ours")
    assert not found.returned and found.accuracy is None
    assert "no examples" in found.reason


def test_two_trials_for_real_in_a_worker_and_a_failure_that_stops_nothing(short, tmp_path):
    folder = tmp_path / "pool"
    folder.mkdir()
    pool.write_pool(_pool(500), folder)
    np.testing.assert_array_equal(pool.open_pool(folder).labels, _pool(500).labels)
    network = "tests.components.constrained_trainer.toy:linear_network"
    made = plan.Plan("toy", GAP, network=network)
    setting = workers.Setting(folder, made, TrainingConfig(), None, tmp_path / "log")
    worker = workers.Worker(setting)
    kept = records.Records(tmp_path, made.as_json())
    wanted = ("ours", "unconstrained", "fairlearn")
    for trial in range(2):
        kept.append(worker.work(workers.Job(0.2, 100, trial, wanted)))
    again = worker.work(workers.Job(0.2, 100, 1, wanted[:1]))[0]
    found = {records.key(record): record for record in kept.read()}
    assert len(found) == 6
    same = ("accuracy", "value", "bound", "returned", "violated")
    assert [again[k] for k in same] == [found["ours", 0.2, 1][k] for k in same]
    assert found["unconstrained", 0.2, 0]["accuracy"] > 0.6
    assert "error" in found["fairlearn", 0.2, 0]  # there is no process to ask
    points = summary.summarize(kept.read(), wanted)
    assert [(p.trials, p.failed) for p in points] == [(2, 0), (2, 0), (0, 2)]
