"""Shares of delta, and which rates are independent."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri

from fairgate.bounds import lower_bound, upper_bound
from fairgate.bounds.shares import disjoint, independent, share
from fairgate.constraints.expressions import RateOf, evaluate
from fairgate.constraints.rates import Counts, Group

A, B, X = Group("F", "a"), Group("F", "b"), Group("H", "x")


def margin(deltas, spreads):
    return float(-np.dot(spreads, ndtri(np.asarray(deltas))))


@given(st.lists(st.floats(0.01, 10), min_size=1, max_size=6), st.floats(1e-6, 0.49), st.randoms())
def test_shares_sum_to_delta_and_no_other_shares_have_less_margin(spreads, delta, random):
    shares = share(delta, spreads)
    assert sum(shares) == pytest.approx(delta) and min(shares) > 0
    other = np.array([share * (0.7 + 0.6 * random.random()) for share in shares])
    other *= delta / other.sum()
    assert margin(shares, spreads) <= margin(other, spreads) + 1e-6
    assert margin(shares, spreads) <= margin([delta / len(spreads)] * len(spreads), spreads) + 1e-6


def test_equal_parts_have_equal_shares():
    assert share(0.06, [2.0, 2.0, 2.0]) == pytest.approx([0.02] * 3)
    assert share(0.06, []) == []


@pytest.mark.parametrize(
    "one, other, apart",
    [
        (RateOf("FPR", A), RateOf("FPR", B), True),
        (RateOf("ACC", A), RateOf("PPV", B), True),
        (RateOf("FPR", A), RateOf("TPR", X), True),
        (RateOf("PPV", A), RateOf("NPV"), True),
        (RateOf("FPR", A), RateOf("FPR", X), False),
        (RateOf("FPR", A), RateOf("FPR"), False),
        (RateOf("FPR", A), RateOf("ACC", A), False),
        (RateOf("PPV", A), RateOf("TPR", A), False),
        (RateOf("PPV", A), RateOf("FOR", X), True),
    ],
)
def test_rates_are_independent_whose_denominators_share_no_example(one, other, apart):
    assert disjoint(one, other) is disjoint(other, one) is apart
    assert independent([one - 2 * other]) is apart


def test_four_rates_and_nested_ones_are_bounded_with_the_promised_frequency():
    rng = np.random.default_rng(0)
    fpr, tpr = {A: 0.2, B: 0.3}, {A: 0.7, B: 0.8}
    odds = RateOf("FPR", B) - RateOf("FPR", A) + (RateOf("TPR", B) - RateOf("TPR", A))
    precision = RateOf("PPV", A) - RateOf("PPV", B)
    overlap = RateOf("ACC", A) + 0.5 * RateOf("FPR", A)
    trees = (odds, precision, overlap)
    big = {
        g: Counts(tpr[g] * 4e6, fpr[g] * 6e6, (1 - fpr[g]) * 6e6, (1 - tpr[g]) * 4e6) for g in tpr
    }
    draws, delta = 50, 0.2
    wrong = np.zeros((len(trees), 2))
    for _ in range(draws):
        counts = {}
        for group, size in ((A, 60), (B, 40)):
            positives = rng.binomial(size, 0.4)
            hits = rng.binomial(positives, tpr[group])
            alarms = rng.binomial(size - positives, fpr[group])
            counts[group] = Counts(hits, alarms, size - positives - alarms, positives - hits)
        for i, tree in enumerate(trees):
            truth, value = evaluate(tree, big), evaluate(tree, counts)
            low, high = (f(tree, counts, delta) for f in (lower_bound, upper_bound))
            assert low <= value <= high
            wrong[i] += low > truth, high < truth
    # Three standard errors of the simulation above delta are 0.17.
    assert (wrong / draws <= delta + 0.17).all()
    assert wrong[1].min() > 0.06 * draws  # two rates together use most of delta
