"""The tight bound of two independent rates: it keeps its promise, and wastes little of delta."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from fairgate.bounds import (
    LOWER,
    UPPER,
    Linear,
    Quotient,
    Trials,
    lower_bound,
    upper_bound,
    upper_bound_of_two,
)
from fairgate.bounds.tail import Box, Level, Region, _window, highest_probability
from fairgate.constraints import Counts, Group, RateOf

GRID = np.concatenate([[0, 1e-3, 0.01], np.linspace(0.04, 0.96, 24), [0.99, 0.999, 1]])


def largest_error(function, n, m, delta):
    """The largest probability over a grid of rates that the bound is below the truth."""
    bound = np.array(
        [
            [upper_bound_of_two(function, Trials(i, n), Trials(j, m), delta) for j in range(m + 1)]
            for i in range(n + 1)
        ]
    )
    first, second = (binom.pmf(np.arange(k + 1), k, GRID[:, None]) for k in (n, m))
    return max(
        float(first[i] @ (bound < function.value(p, q) - 1e-12) @ second[j])
        for i, p in enumerate(GRID)
        for j, q in enumerate(GRID)
        if math.isfinite(function.value(p, q))
    )


@st.composite
def functions(draw):
    a, b = (draw(st.sampled_from([1, -1, 0.25, -2])) for _ in range(2))
    if draw(st.booleans()):
        return Linear(a, b, draw(st.sampled_from([0, 0.3])))
    return Quotient(max(-a, 0), a, max(-b, 0) + draw(st.sampled_from([0, 0.1])), b)


@settings(deadline=None, max_examples=20)
@given(functions(), st.integers(1, 12), st.integers(1, 12), st.sampled_from([0.01, 0.05, 0.3]))
def test_it_is_wrong_with_probability_at_most_delta(function, n, m, delta):
    assert largest_error(function, n, m, delta) <= delta


def test_more_than_nine_tenths_of_delta_is_used_where_the_plain_bound_uses_a_seventh():
    assert 0.9 * 0.05 < largest_error(Linear(1, -1), 25, 20, 0.05) <= 0.05


def brute_force(region, p, q):
    i, j = np.arange(region.n + 1), np.arange(region.m + 1)
    inside = j[None] <= region.frontier(i)[:, None]
    return float(binom.pmf(i, region.n, p) @ inside @ binom.pmf(j, region.m, q))


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 60), st.integers(1, 60), st.data())
def test_the_highest_probability_along_a_line_is_bounded_between_nodes_too(n, m, data):
    a, b, share, cut = (data.draw(st.floats(0.1, 2)) for _ in range(4))
    region = Region(n, m, Level(a, b, (a + b) * cut / 2), 1.645)
    level = Level(a, b, (a + b) * share / 2)
    found = highest_probability(region, level, Box(0, 1, 0, 1), 1e-12, 0.1)
    p = np.linspace(max(0, (level.c - b) / a), min(1, level.c / a), 41).clip(0, 1)
    q = np.clip(level.q(p), 0, 1)
    brute = max(brute_force(region, *rates) for rates in zip(p, q, strict=True))
    assert brute <= found + 1e-9
    assert found <= 1.06 * brute + 2e-3


def test_a_line_that_touches_the_box_in_a_corner_is_not_missed_by_rounding():
    a, b = 1.1, 1.1110605331553496
    assert (a + b - b) / a > 1  # by one unit in the last place
    everything = Region(5, 1, Level(a, b, a + b), 1.645)
    corner = Box(0, 1, 0, 1)
    assert highest_probability(everything, Level(a, b, a + b), corner, 1e-12, 0.1) == 1
    assert highest_probability(everything, Level(a, b, a + b + 1e-6), corner, 1e-12, 0.1) == 0


@given(
    st.integers(1, 3000),
    st.lists(st.sampled_from([0.0, 1e-9, 0.003, 0.3, 0.5, 0.97, 1 - 1e-12, 1.0]), min_size=1),
)
def test_windows_hold_the_binomials_but_for_their_ends(trials, rates):
    first, mass = _window(np.array(rates), trials, 1e-12)
    counts = first[:, None] + np.arange(mass.shape[1])
    expected = binom.pmf(counts, trials, np.array(rates)[:, None])
    np.testing.assert_allclose(mass, expected, rtol=1e-9, atol=1e-290)
    assert (mass.sum(axis=1) > 1 - 1e-10).all()


@given(st.integers(1, 80), st.integers(1, 80), st.data())
def test_the_region_grows_as_one_rate_does(n, m, data):
    a, b, cut = (data.draw(st.floats(0.05, 2)) for _ in range(3))
    largest = Region(n, m, Level(a, b, (a + b) * cut / 2), 1.645).frontier(np.arange(n + 1))
    assert (np.diff(largest) <= 0).all() and largest.min() >= -1 and largest.max() <= m


def test_it_is_near_the_normal_limit_for_many_trials():
    bound = upper_bound_of_two(Linear(1, -1), Trials(1000, 10_000), Trials(1000, 10_000), 0.05)
    error = math.sqrt(2 * 0.1 * 0.9 / 10_000)
    assert 1.64 < bound / error < 1.67  # z = 1.645; Clopper-Pearson at delta / 2 each gives 2.8


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_it_is_within_the_box_of_what_is_possible_and_grows_with_the_successes(data):
    n, m = data.draw(st.integers(2, 40)), data.draw(st.integers(2, 40))
    x, y = data.draw(st.integers(0, n - 1)), data.draw(st.integers(0, m))
    bound = upper_bound_of_two(Linear(1, -1), Trials(x, n), Trials(y, m), 0.05)
    assert x / n - y / m <= bound <= 1
    # The box moves with the data; what that costs is far below one example.
    more = upper_bound_of_two(Linear(1, -1), Trials(x + 1, n), Trials(y, m), 0.05)
    assert bound <= more + 0.01 / n


TWO = [
    (Linear(1, -1), Trials(30, 400), Trials(12, 250)),
    (Linear(1, 1, -0.2), Trials(0, 7), Trials(3, 2000)),
    (Quotient(0, 1, 0, 1), Trials(80, 90), Trials(300, 400)),
]


@pytest.mark.parametrize("function, first, second", TWO)
def test_a_bound_that_is_remembered_is_the_one_that_was_found(function, first, second):
    known = upper_bound_of_two(function, first, second, 0.05)
    before = upper_bound_of_two.cache_info().hits
    assert upper_bound_of_two(function, first, second, 0.05) == known
    assert upper_bound_of_two.cache_info().hits == before + 1
    assert upper_bound_of_two.__wrapped__(function, first, second, 0.05) == known


@pytest.mark.parametrize("function, first, second", TWO)
@pytest.mark.parametrize("share", [0.3, 0.98, 1.02, 1.5, 20])
def test_a_floor_is_returned_where_it_is_a_bound_and_only_there(function, first, second, share):
    bound = upper_bound_of_two(function, first, second, 0.05)
    value = function.value(first.rate, second.rate)
    floor = value + share * (bound - value)
    found = upper_bound_of_two(function, first, second, 0.05, floor)
    assert found == (floor if share > 1 else bound)


@pytest.mark.parametrize("function", [Linear(1, -1), Quotient(0, 1, 0, 1)])
def test_nothing_is_known_of_two_rates_without_trials(function):
    assert math.isnan(upper_bound_of_two(function, Trials(0, 0), Trials(1, 2), 0.05))
    assert math.isnan(upper_bound_of_two(function, Trials(1, 2), Trials(0, 0), 0.05))


def test_a_quotient_whose_divisor_was_never_seen_is_unbounded():
    assert upper_bound_of_two(Quotient(0, 1, 0, 1), Trials(3, 9), Trials(0, 9), 0.05) == math.inf


def test_a_quotient_with_a_negative_part_is_refused():
    with pytest.raises(ValueError, match="negative"):
        Quotient(0, 1, -0.5, 1)


# One rate: the exact probability of error of every bound, over a fine grid of rates.


def errors(bound, n, delta, rates):
    successes = np.arange(n + 1)
    limits = np.array([bound(int(k), n, delta) for k in successes])
    return np.array([binom.pmf(successes, n, p)[limits < p - 1e-12].sum() for p in rates])


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(["clopper_pearson", "hoeffding"]), st.integers(1, 60), st.floats(1e-3, 0.5))
def test_guaranteed_bounds_of_a_rate_are_wrong_with_probability_at_most_delta(name, n, delta):
    assert errors(UPPER[name], n, delta, np.linspace(0, 1, 201)).max() <= delta + 1e-12


def test_the_approximate_bound_of_a_difference_is_the_one_that_newcombe_printed():
    """56 of 70 and 48 of 80: his table II, column (a), method 10."""
    one, other = Group("arm", "one"), Group("arm", "other")
    counts = {one: Counts(tp=56, fp=0, tn=0, fn=14), other: Counts(tp=48, fp=0, tn=0, fn=32)}
    difference = RateOf("TPR", one) - RateOf("TPR", other)
    sides = [bound(difference, counts, 0.025, "newcombe") for bound in (lower_bound, upper_bound)]
    assert sides == pytest.approx([0.0524, 0.3339], abs=5e-5)


@pytest.mark.parametrize("name", ["wilson", "student_t", "bootstrap"])
def test_approximate_bounds_of_a_rate_are_near_delta_in_the_middle_and_over_it_somewhere(name):
    assert errors(UPPER[name], 400, 0.05, np.linspace(0.3, 0.7, 101)).mean() == pytest.approx(
        0.05, abs=0.01
    )
    assert errors(UPPER[name], 40, 0.05, np.linspace(0.001, 0.999, 999)).max() > 0.055


@given(st.sampled_from(sorted(UPPER)), st.integers(2, 300), st.data(), st.floats(1e-3, 0.4))
def test_the_lower_bound_of_a_rate_mirrors_the_upper_bound(name, n, data, delta):
    k = data.draw(st.integers(0, n))
    assert LOWER[name](k, n, delta) == pytest.approx(1 - UPPER[name](n - k, n, delta), abs=1e-9)
    assert LOWER[name](k, n, delta) <= k / n + 1e-12
    assert UPPER[name](k, n, delta) >= k / n - 1e-12


@pytest.mark.parametrize("k, n", [(0, 12), (3, 20), (130, 400), (40, 40)])
def test_bounds_of_a_rate_are_those_of_scipy(k, n):
    from scipy import stats

    test = stats.binomtest(k, n, alternative="less")
    for name, its in (("clopper_pearson", "exact"), ("wilson", "wilson")):
        expected = test.proportion_ci(0.95, its).high
        assert UPPER[name](k, n, 0.05) == pytest.approx(expected)
    if 0 < k < n:
        data = (np.arange(n) < k).astype(float)
        expected = stats.ttest_1samp(data, 0, alternative="less").confidence_interval(0.95).high
        assert UPPER["student_t"](k, n, 0.05) == pytest.approx(expected)
        drawn = stats.bootstrap(
            (data,),
            np.mean,
            vectorized=True,
            alternative="less",
            confidence_level=0.95,
            method="percentile",
            n_resamples=9999,
            random_state=np.random.default_rng(0),
        ).confidence_interval.high
        assert UPPER["bootstrap"](k, n, 0.05) == pytest.approx(drawn, abs=1.01 / n)
