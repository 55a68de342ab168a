"""Curves and thresholds, against what they mean and against counting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from components.report import curves
from components.report.curves import Scored
from tests.components.report import sample


@pytest.fixture(scope="module")
def scored() -> Scored:
    return sample.scored()


def small(scores: list[float], positive: list[int], groups: list[str] | None = None) -> Scored:
    names = groups or ["A"] * len(scores)
    return Scored(
        np.array(positive, bool),
        {"Team": np.array(names)},
        {"Team": sorted(set(names))},
        {"constrained": np.array(scores, float), "baseline": np.array(scores, float)},
    )


def test_the_area_is_the_share_of_pairs_in_the_right_order(scored):
    for curve in curves.group_curves(scored):
        mask = np.ones(len(scored.positive), bool)
        if curve.group != curves.EVERYBODY:
            mask = scored.groups["Age"] == curve.group
        score = scored.scores[curve.model]
        yes, no = score[mask & scored.positive], score[mask & ~scored.positive]
        pairs = np.mean((yes[:, None] > no) + 0.5 * (yes[:, None] == no))
        assert curve.area == pytest.approx(pairs, abs=1e-9)


def test_ties_count_half():
    [curve, *_] = curves.group_curves(small([0.3, 0.3, 0.3, 0.7], [0, 1, 0, 1]))
    assert curve.area == pytest.approx(0.75)


def test_the_curve_runs_from_corner_to_corner_through_the_decision(scored):
    for curve in curves.group_curves(scored):
        assert curve.roc[0] == (0, 0) and curve.roc[-1] == (1, 1) and len(curve.roc) <= 102
        assert all(a <= b for a, b in zip(curve.roc, curve.roc[1:], strict=False))
        if curve.group == curves.EVERYBODY:
            score = scored.scores[curve.model]
            assert curve.decision == pytest.approx(
                (np.mean(score[~scored.positive] > 0.5), np.mean(score[scored.positive] > 0.5))
            )


def test_a_group_with_one_label_has_calibration_and_no_curve():
    found = curves.group_curves(small([0.1, 0.6, 0.7], [1, 1, 1]))
    assert all(c.area is None and c.roc == [] and c.decision is None for c in found)
    assert sum(b.examples for b in found[0].calibration) == 3


def test_bins_hold_everybody_and_their_intervals_hold_the_rate(scored):
    for curve in curves.group_curves(scored):
        assert len(curve.calibration) == 10
        assert all(b.low <= b.rate <= b.high for b in curve.calibration)
        means = [b.score for b in curve.calibration]
        assert means == sorted(means)
    assert sum(b.examples for b in curves.group_curves(scored)[0].calibration) == 1600


@pytest.mark.parametrize("target", [0.0, 0.1, 0.25, 0.5, 1.0])
def test_the_threshold_is_the_lowest_that_keeps_the_rate(target):
    scores = np.array([0.1, 0.2, 0.4, 0.4, 0.8, 0.9, 0.95, 0.99])
    threshold = curves.threshold_for(scores, target)
    assert np.mean(scores > threshold) <= target
    below = scores[scores < threshold]
    if len(below):
        assert np.mean(scores > below.max()) > target


def test_thresholds_of_their_own_give_every_group_the_overall_rate(scored):
    rows = curves.equal_thresholds(scored)
    assert {(row.model, row.group) for row in rows} == {
        (model, group) for model in ("baseline", "constrained") for group in ("Young", "Old")
    }
    for row in rows:
        assert row.target - 1 / 300 <= row.fpr <= row.target
    of_baseline = {row.group: row.threshold for row in rows if row.model == "baseline"}
    assert of_baseline["Old"] > of_baseline["Young"]  # whose negatives score higher


def test_the_comparison_moves_the_baseline_to_the_constrained_models_rate(scored):
    served, moved, constrained = curves.equal_overall(scored)
    assert (served.model, moved.model, constrained.model) == ("baseline", "baseline", "constrained")
    assert served.threshold == constrained.threshold == 0.5
    assert moved.fpr == pytest.approx(constrained.fpr, abs=2 / 800) and moved.fpr != served.fpr
    assert moved.gaps["Age"] > constrained.gaps["Age"] + 0.05
    assert moved.gaps["Age"] == pytest.approx(abs(moved.groups["Old"] - moved.groups["Young"]))


def test_a_group_without_negatives_has_no_gap_and_no_threshold():
    data = small([0.2, 0.9, 0.4, 0.8], [0, 1, 0, 1], ["A", "A", "A", "B"])
    assert {row.group for row in curves.equal_thresholds(data)} == {"A"}
    assert curves.equal_overall(data)[0].gaps == {"Team": None}


def test_mistakes_are_the_most_confident_of_each_group_and_kind():
    data = small([0.9, 0.6, 0.99, 0.2, 0.4, 0.01], [0, 0, 1, 1, 1, 0])
    assert curves.worst_mistakes(data, 1) == [
        (0, "A", "false positive"),
        (3, "A", "false negative"),
    ]
    assert len(curves.worst_mistakes(data, 9)) == 4


def test_groups_of_the_same_name_are_told_apart():
    names = {"Race": ["White", "Other"], "Country": ["Here", "Other"]}
    assert curves.shown_name("Race", "Other", names) == "Race=Other"
    assert curves.shown_name("Race", "White", names) == "White"


def test_examples_that_count_three_are_as_good_as_three():
    rng = np.random.default_rng(5)
    times = rng.integers(0, 4, size=200)
    scores, positive = rng.random(200).round(2), rng.random(200) < 0.4
    groups = np.where(rng.random(200) < 0.5, "A", "B")
    rows = np.repeat(np.arange(200), times)
    repeated = small(scores[rows], positive[rows], groups[rows].tolist())
    weighed = replace(
        small(scores, positive, groups.tolist()), weights=times.astype(float), most=3.0
    )
    for one, other in zip(curves.group_curves(weighed), curves.group_curves(repeated), strict=True):
        assert one.area == pytest.approx(other.area)
        assert one.decision == pytest.approx(other.decision)
    assert curves.equal_thresholds(weighed) == [
        replace(
            each,
            target=pytest.approx(each.target),
            fpr=pytest.approx(each.fpr),
            fnr=pytest.approx(each.fnr),
        )
        for each in curves.equal_thresholds(repeated)
    ]
    one, other = (curves.equal_overall(each)[2] for each in (weighed, repeated))
    assert one.accuracy == pytest.approx(other.accuracy)
    assert one.groups == pytest.approx(other.groups)
    found, plain = (curves.outcomes(each)["constrained"] for each in (weighed, repeated))
    assert all(found[group] == plain[group] for group in plain)
    assert found.most == 3 and found.rows[None].examples == 200
