"""The frontier: limits that are replaced as written, trainings that go on from one another."""

from __future__ import annotations

import numpy as np
import pytest

from components.constrained_trainer.config import TrainingConfig
from components.constrained_trainer.search import frontier, limits
from components.constrained_trainer.search.frontier import sweep
from fairgate.errors import SettingsError
from tests.components.constrained_trainer.toy import (
    AS_TRAINED,
    biased_split,
    changed,
    two_sided_split,
)

GROUPS = {"G": ["a", "b"]}
GAP = "max_gap(FPR, [G]) <= 0.5"
CONFIG = TrainingConfig(
    network="tests.components.constrained_trainer.toy:linear_network",
    constraints=(GAP,),
    steps=900,
    batch_size=128,
    learning_rate=0.01,
    snapshots=9,
    jit="off",
    seed=3,
    selection=AS_TRAINED,
)


@pytest.fixture(scope="module")
def splits():
    return biased_split(6000, seed=1), biased_split(4000, seed=2)


@pytest.fixture(scope="module")
def swept(splits):
    """The points, and what was reported on the way."""
    reports = []

    def report(*progress):
        reports.append(progress)

    return sweep(*splits, CONFIG, [0.05, 0.02, 0.1], report), reports


@pytest.fixture(scope="module")
def points(swept):
    return swept[0]


def test_tighter_limits_give_smaller_gaps_at_no_higher_accuracy(points):
    assert [point.limit for point in points] == [None, 0.1, 0.05, 0.02]
    gaps = [point.measured[0].value for point in points]
    accuracies = [point.accuracy for point in points]
    assert gaps[0] > 0.15  # the limits bind
    for point in points[1:]:
        assert point.measured[0].value <= point.limit + 0.005
    assert np.diff(gaps).max() < 0 and np.diff(accuracies).max() < 0.005
    assert accuracies[-1] < accuracies[0] - 0.02


def test_a_point_tells_what_was_measured_and_trained(points):
    assert [point.steps for point in points] == [900] * 4
    assert all(0 < point.step <= point.steps and point.seconds > 0 for point in points)
    for point in points:
        [measured] = point.measured
        assert 0 <= measured.value < measured.bound < measured.value + 0.1
    assert {point.measured[0].expression for point in points} == {"max_gap(FPR, [G])"}


def test_progress_counts_the_steps_of_all_trainings(swept):
    reports = swept[1]
    done = [report[0] for report in reports]
    assert done == sorted(done) and done[-1] == 3600 and {report[1] for report in reports} == {3600}
    messages = list(dict.fromkeys(report[2] for report in reports))
    assert messages[0] == "unconstrained (1 of 4)" and messages[-1] == "<= 0.02 (4 of 4)"


def test_each_training_starts_from_the_weights_chosen_before(splits, monkeypatch):
    given, chosen, configs = [], [], []

    def train(training, validation, config, on_moment, *, start, **rest):
        result = original(training, validation, config, on_moment, start=start, **rest)
        given.append(start)
        chosen.append(result.model.get_weights())
        configs.append(config.config)
        return result

    original = frontier.train
    monkeypatch.setattr(frontier, "train", train)
    config = changed(CONFIG, steps=60, snapshots=3)
    first = [np.full((16, 1), 0.25, np.float32), np.zeros(1, np.float32)]
    sweep(*splits, config, [0.1, 0.2], start=first, share=0.5)
    assert given[0] is first
    for start, before in zip(given[1:], chosen, strict=False):
        assert all(np.array_equal(a, b) for a, b in zip(start, before, strict=True))
    assert [config.constraints for config in configs] == [
        (),
        ("max_gap(FPR, [G]) <= 0.2",),
        ("max_gap(FPR, [G]) <= 0.1",),
    ]
    assert [(config.steps, config.snapshots) for config in configs] == [(60, 3), (30, 2), (30, 2)]


def test_only_the_head_is_trained_after_the_unconstrained_training(splits):
    config = changed(
        CONFIG, network="mlp", layers="head", warm_start="baseline", steps=60, snapshots=2
    )
    points = sweep(*splits, config, [0.1])
    assert len(points) == 2 and points[1].measured[0].value != points[0].measured[0].value


def test_a_limit_from_below_is_tightened_upwards(splits):
    config = changed(CONFIG, constraints=("TPR | [a] >= 0.1",), steps=600)
    points = sweep(*splits, config, [0.88, 0.85])
    assert [point.limit for point in points] == [None, 0.85, 0.88]
    values = [point.measured[0].value for point in points]
    assert values[0] < 0.83 < 0.84 < values[1] < values[2] and values[2] > 0.87
    assert all(point.measured[0].bound < point.measured[0].value for point in points)


def test_an_area_under_a_curve_is_swept_too_and_has_a_value_without_a_bound():
    config = changed(CONFIG, constraints=("AUC | [a] >= 0.5",), steps=1500)
    points = sweep(
        two_sided_split(6000, seed=1), two_sided_split(4000, seed=2), config, [0.8, 0.75]
    )
    assert [point.limit for point in points] == [None, 0.75, 0.8]
    areas = [point.measured[0].value for point in points]
    assert areas[0] < 0.65  # the limits bind
    for point, area in zip(points[1:], areas[1:], strict=True):
        assert area > point.limit - 0.02
    assert np.diff(areas).min() > 0 and points[2].accuracy < points[0].accuracy - 0.02
    assert all(np.isnan(point.measured[0].bound) for point in points)


@pytest.mark.parametrize(
    ("line", "tightened"),
    [
        ("FPR | [b] <= 0.3", "FPR | [b] <= 0.1"),
        ("0.3 >= FPR | [b]", "FPR | [b] <= 0.1"),
        ("TPR | [b] >= 0.3", "TPR | [b] >= 0.1"),
        ("abs(FPR | [a] - FPR | [b]) <= 0.3", "abs(FPR | [a] - FPR | [b]) <= 0.1"),
        ("max_gap(TPR, [G]) <= 0.3", "max_gap(TPR, [G]) <= 0.1"),
        ("PPR | [a] / PPR | [b] >= 0.3", "PPR | [a] / PPR | [b] >= 0.1"),
        ("F1 | [a] >= 0.3", "F1 | [a] >= 0.1"),
        ("AUC | [a] >= 0.6", "AUC | [a] >= 0.1"),
    ],
)
def test_a_limit_is_replaced_and_nothing_else(line, tightened):
    [(limit, [constraint])] = limits.tightening([line], GROUPS, [0.1])
    assert limit == 0.1 == constraint.limit and str(constraint) == tightened
    # The text says the same as the value: a training is given the text.
    again = frontier.at(CONFIG, [constraint]).constraints
    assert limits.tightening(again, GROUPS, [0.1]) == [(0.1, (constraint,))]


def test_the_loosest_limit_comes_first_whichever_side_it_is_on():
    above = limits.tightening([GAP], GROUPS, [0.1, 0.3, 0.2])
    below = limits.tightening(["TPR >= 0.5"], GROUPS, [0.1, 0.3, 0.2])
    assert [limit for limit, _ in above] == [0.3, 0.2, 0.1]
    assert [limit for limit, _ in below] == [0.1, 0.2, 0.3]


@pytest.mark.parametrize(
    ("lines", "given", "message"),
    [
        ([], [0.1], "trainer.constraints is empty"),
        ([GAP, "TPR >= 0.5"], [0.1], "one limit cannot tighten both"),
        ([GAP], [], "at least one, each once"),
        ([GAP], [0.1, 0.1], "at least one, each once"),
        (["FPR <= 0.5"], [0.1, -0.1], "limit -0.1: "),
        ([GAP], [1.5], "holds for every model"),
    ],
)
def test_limits_that_cannot_be_swept_are_refused(lines, given, message):
    with pytest.raises(SettingsError, match=message):
        limits.tightening(lines, GROUPS, given)


@pytest.mark.parametrize("text", ["", "0.1,", "0.1,x", "nan", "0.1;0.2", "inf"])
def test_what_is_no_number_is_no_limit(text):
    with pytest.raises(SettingsError, match="is not a limit; expected numbers between commas"):
        limits.read(text)


def test_a_share_of_nothing_is_refused(splits):
    with pytest.raises(ValueError, match="share must be in"):
        sweep(*splits, CONFIG, [0.1], share=0)


def test_changes_are_held_against_the_model_without_constraints(splits):
    line = "change(FPR | [b]) <= 0.1"
    free, tight = sweep(*splits, CONFIG.model_copy(update={"constraints": (line,)}), [-0.05])
    assert free.measured[0].value == 0 and 0 < free.measured[0].bound < 0.01
    [measured] = tight.measured
    assert measured.expression == "change(FPR | [b])"
    # As it was asked, and by McNemar's bound, which is near to it.
    assert measured.value <= -0.035
    assert measured.value < measured.bound < measured.value + 0.04
