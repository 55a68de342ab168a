"""A snapshot at other thresholds: its outcomes are those of the shifted model."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.constrained_trainer.examples.data import Split
from components.constrained_trainer.selection import thresholds, yardsticks
from components.constrained_trainer.training import parse
from fairgate.constraints.rates import Counts, Group

GROUPS = (Group("G", "a"), Group("G", "b"))


def split(labels, groups) -> Split:
    members = np.eye(2, dtype=np.float32)[np.asarray(groups, int)]
    inputs = {"numeric": np.zeros((len(labels), 1), np.float32)}
    return Split(inputs, np.asarray(labels, np.float32), members, GROUPS)


rows = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.integers(0, 1),
        st.one_of(st.integers(-3, 3).map(float), st.floats(-3, 3, width=32)),
    ),
    min_size=1,
    max_size=40,
)


@settings(deadline=None)
@given(rows, st.lists(st.floats(-4, 4, width=32), max_size=5))
def test_counts_at_a_threshold_are_those_of_the_shifted_scores(rows, tried):
    labels, groups, scores = map(np.array, zip(*rows, strict=True))
    of = split(labels, groups)
    found = thresholds.counts_at(of, scores, np.array(tried))
    for threshold, counts in zip(tried, found, strict=True):
        assert counts == of.counts(np.where(scores > threshold, 1.0, -1.0))


@given(st.lists(st.floats(-5, 5, width=32), min_size=1), st.integers(3, 20))
def test_shifts_stand_between_scores_and_are_few(scores, most):
    found = thresholds.shifts(np.array(scores), most)
    assert 0.0 in found and len(found) <= most and (np.diff(found) > 0).all()
    for shift in found:
        if shift and len(set(scores)) > 1 and np.min(np.diff(np.unique(scores))) > 1e-5:
            assert shift not in scores and min(scores) < shift < max(scores)


def counts(tp: int, fp: int, tn: int, fn: int, **groups: Counts) -> dict:
    return {None: Counts(tp, fp, tn, fn)} | {Group("G", g): c for g, c in groups.items()}


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (counts(80, 10, 90, 20), 0),
        (counts(100, 100, 0, 0), 2),  # everybody Yes
        (counts(0, 0, 100, 100), 2),
        (counts(890, 108, 2, 0), 2),  # Yes to 99.8% where 89% are positive
        (counts(880, 80, 30, 10), 0),
        (counts(870, 90, 20, 20), 1),  # errs as often as Yes to everybody would
        (counts(50, 50, 50, 50), 2),  # Yes as often to negatives
        (counts(80, 10, 90, 20, a=Counts(40, 5, 45, 10), b=Counts(5, 5, 5, 5)), 2),
        (counts(80, 10, 90, 20, a=Counts(80, 10, 90, 20), b=Counts(0, 0, 5, 0)), 0),
    ],
)
def test_a_model_that_says_next_to_nothing_is_useless(outcomes, expected):
    assert thresholds.uselessness(outcomes) == expected


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(-1, 1)), min_size=1, max_size=30))
def test_what_is_left_is_beaten_by_nobody(points):
    errors, beyond = map(np.array, zip(*points, strict=True))
    kept = thresholds.undominated(errors, beyond)
    floor = np.maximum(beyond, 0)
    for place in range(len(points)):
        better = (errors[kept] <= errors[place]) & (floor[kept] <= floor[place])
        assert better.any()
    assert (np.diff(errors[kept]) >= 0).all() and (np.diff(floor[kept]) < 0).all()


def noisy(n: int = 3000, seed: int = 0) -> tuple[Split, np.ndarray]:
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 2, n)
    labels = rng.random(n) < np.where(groups, 0.6, 0.3)
    scores = 2 * labels - 1 + rng.normal(scale=1.2, size=n) + 0.4 * groups
    return split(labels, groups), scores


@pytest.mark.parametrize(
    "line", ["max_gap(FPR, [G]) <= 0.02", "max_gap(PPR, [G]) <= 0.02", "FPR | [b] <= 0.1"]
)
def test_thresholds_of_each_group_are_the_best_of_all_pairs(line):
    """The linear program is at least as good as every pair of thresholds that keeps the constraint."""
    of, scores = noisy()
    [constraint] = parse((line,), of)
    found = yardsticks.by_group(of, [constraint], scores)
    best = 1.0
    for a in np.linspace(-2, 2, 33):
        for b in np.linspace(-2, 2, 33):
            outcomes = of.counts(scores - np.where(of.memberships[:, 1] > 0, b, a))
            if constraint.is_satisfied(constraint.value(outcomes)):
                best = min(best, outcomes[None].rate("ERR"))
    assert found is not None and best - 0.01 < found <= best + 1e-3


def test_yardsticks_are_the_commonest_answer_the_baseline_and_thresholds_of_each_group():
    of, scores = noisy()
    constraints = parse(("max_gap(PPR, [G]) <= 0.02",), of)
    commonest, baseline, own = yardsticks.measure(of, constraints, scores)
    assert commonest.error_rate == pytest.approx(min(of.labels.mean(), 1 - of.labels.mean()))
    assert commonest.worst == -0.02 and baseline.worst > 0.2 and own.worst == 0
    assert baseline.error_rate < own.error_rate < commonest.error_rate
    assert own.sees_groups and not baseline.sees_groups


@pytest.mark.parametrize(
    "line", ["FPR <= 0.1", "PPV | [a] - PPV | [b] <= 0.1", "min(FPR | [a], FPR | [b]) <= 0.1"]
)
def test_there_is_no_yardstick_by_group_for_what_is_not_linear_in_one_features_rates(line):
    of, scores = noisy(300)
    assert yardsticks.by_group(of, parse((line,), of), scores) is None


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_scores_that_are_noise_tell_nothing_99_times_in_100_and_others_do(share):
    rng = np.random.default_rng(8)
    labels = (np.arange(200) < 200 * share).astype(np.float32)
    told = [not thresholds.tells_nothing(labels, rng.normal(size=200)) for _ in range(2000)]
    assert sum(told) / 2000 == pytest.approx(0.01, abs=0.007)  # three standard errors
    told = [not thresholds.tells_nothing(labels, rng.normal(size=200) + labels) for _ in range(100)]
    assert sum(told) >= 90


def test_scores_all_alike_or_the_wrong_way_round_tell_nothing():
    labels = np.repeat([1.0, 0.0], 50)
    assert thresholds.tells_nothing(labels, np.ones(100))
    assert thresholds.tells_nothing(labels, -labels) and not thresholds.tells_nothing(
        labels, labels
    )
    assert not thresholds.tells_nothing(np.ones(5), np.zeros(5))  # nothing to tell apart
    assert not thresholds.tells_nothing(labels, np.where(np.arange(100) == 3, np.nan, labels))


def test_the_chosen_model_is_a_yardstick_and_a_mixture_is_what_is_expected_of_it():
    of, scores = noisy()
    [constraint] = parse(("max_gap(FPR, [G]) <= 0.02",), of)
    one, other = scores, scores - 1.0
    alone = yardsticks.chosen(of, [constraint], 1.0 * (one > 0), sees_groups=False)
    counts = of.counts(one)
    assert alone.error_rate == counts[None].rate("ERR") and not alone.sees_groups
    assert alone.worst == pytest.approx(constraint.violation(constraint.value(counts)))
    chances = 0.25 * (one > 0) + 0.75 * (other > 0)
    mixed = yardsticks.chosen(of, [constraint], chances, sees_groups=True)
    assert mixed.sees_groups
    errors = [of.counts(each)[None].rate("ERR") for each in (one, other)]
    assert mixed.error_rate == pytest.approx(0.25 * errors[0] + 0.75 * errors[1])
    fpr = [
        0.25 * of.counts(one)[group].rate("FPR") + 0.75 * of.counts(other)[group].rate("FPR")
        for group in GROUPS
    ]
    assert mixed.worst == pytest.approx(abs(fpr[0] - fpr[1]) - 0.02)


@pytest.mark.parametrize(("rarest", "expected"), [(0, 65), (200, 65), (400, 100), (10_000, 257)])
def test_as_many_thresholds_are_looked_at_as_the_rarest_examples_can_tell_apart(rarest, expected):
    assert thresholds.number_of_shifts(rarest) == expected
