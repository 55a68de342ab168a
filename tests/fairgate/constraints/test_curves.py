"""Areas and other measures over all thresholds, against counting pairs and trying every threshold."""

from __future__ import annotations

import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from fairgate import bounds
from fairgate.constraints import curves
from fairgate.constraints.curves import Scored, scored_groups
from fairgate.constraints.expressions import violations
from fairgate.constraints.language import parse_all
from fairgate.constraints.rates import Counts, Group

# Few distinct scores, so that there are ties, and weights of which some are zero.
rows = st.lists(
    st.tuples(st.integers(-3, 3), st.booleans(), st.integers(0, 3)), min_size=1, max_size=12
)


def columns(examples):
    scores, labels, weights = (np.array(column, float) for column in zip(*examples, strict=True))
    return scores, labels > 0, weights


def by_threshold(scores, labels, weights):
    """(precision, recall) of predicting positive from each score on up, the highest first."""
    found = []
    for threshold in sorted(set(scores), reverse=True):
        chosen = scores >= threshold
        hits, all_of_them = weights[chosen & labels].sum(), weights[chosen].sum()
        if all_of_them > 0:
            found.append((hits / all_of_them, hits / weights[labels].sum()))
    return found


@given(rows)
def test_auc_is_the_share_of_pairs_in_order(examples):
    scores, labels, weights = columns(examples)
    above = np.sign(scores[labels][:, None] - scores[~labels][None, :]) / 2 + 0.5
    pairs = weights[labels][:, None] * weights[~labels][None, :]
    expected = (above * pairs).sum() / pairs.sum() if pairs.sum() else math.nan
    assert Scored(scores, labels, weights).curve("AUC") == pytest.approx(expected, nan_ok=True)


@given(rows, st.sampled_from([0.1, 0.25, 0.5, 0.75, 0.9]))
def test_precision_and_recall_are_those_of_the_best_threshold(examples, target):
    scores, labels, weights = columns(examples)
    scored = Scored(scores, labels, weights)
    if not weights[labels].sum():
        assert all(
            math.isnan(scored.curve(m, target if t else None)) for m, t in curves.CURVES.items()
        )
        return
    points = by_threshold(scores, labels, weights)
    recalls = [r for p, r in points if p >= target - 1e-9]
    precisions = [p for p, r in points if r >= target - 1e-9]
    assert scored.curve("recall_at_precision", target) == pytest.approx(max(recalls, default=0))
    assert scored.curve("precision_at_recall", target) == pytest.approx(max(precisions))
    before = [0.0, *(r for _, r in points[:-1])]
    area = sum(p * (r - b) for (p, r), b in zip(points, before, strict=True))
    assert scored.curve("PR_AUC") == pytest.approx(area)


@given(rows)
def test_rates_at_the_threshold_are_those_of_the_counts(examples):
    scores, labels, weights = columns(examples)
    scored = Scored(scores, labels, weights, threshold=1.0)
    assert scored.counts.tp == weights[(scores > 1) & labels].sum()
    assert scored.rate("ACC") == pytest.approx(scored.counts.rate("ACC"), nan_ok=True)


def test_constraints_are_measured_on_the_scores_of_a_whole_split():
    scores, labels = np.array([2.0, 1.0, -1.0, -2.0, 3.0, -3.0]), np.array([1, 0, 1, 0, 0, 1])
    a, b = Group("G", "a"), Group("G", "b")
    split = scored_groups(scores, labels, {a: [1, 1, 1, 1, 0, 0], b: [0, 0, 0, 0, 1, 1]})
    constraints = parse_all(
        ["AUC | [a] >= 0.9", "max_gap(AUC, [G]) <= 0.5", "FPR | [a] <= 0.4", "PPV | [b] >= 0.2"],
        {"G": ["a", "b"]},
    )
    # In a 3 of 4 pairs are in order, in b none; one of two negatives of a is above 0.
    np.testing.assert_allclose(violations(constraints, split), [0.15, 0.25, 0.1, 0.2])
    del split[b]
    assert np.isnan(violations(constraints, split)).tolist() == [False, True, False, True]


def test_counts_do_not_tell_a_curve():
    (constraint,) = parse_all(["recall_at_precision(0.9) >= 0.5"], {})
    counts = {None: Counts(1, 1, 1, 1)}
    with pytest.raises(ValueError, match=r"recall_at_precision\(0.9\) cannot be told from counts"):
        constraint.value(counts)
    for bound in (bounds.upper_bound, bounds.lower_bound):
        with pytest.raises(ValueError, match="has no bound here"):
            bound(constraint.expression, counts, 0.05)


@pytest.mark.parametrize(
    ("measure", "target", "message"),
    [
        ("AUD", None, "unknown measure 'AUD'"),
        ("AUC", 0.5, "AUC has no target"),
        ("recall_at_precision", None, r"needs a target in \(0, 1\), got None"),
        ("precision_at_recall", 1.0, r"needs a target in \(0, 1\), got 1.0"),
    ],
)
def test_a_measure_that_is_none_is_refused(measure, target, message):
    with pytest.raises(ValueError, match=message):
        Scored([1.0], [1]).curve(measure, target)


def test_scores_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="not finite"):
        Scored([1.0, np.nan], [1, 0])
    with pytest.raises(ValueError, match=r"must all be \(n,\)"):
        Scored([1.0, 2.0], [1])
