"""Confidence bounds: closed forms, and that they keep their promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from fairgate.bounds import (
    Linear,
    Quotient,
    Trials,
    clopper_pearson_lower,
    clopper_pearson_upper,
    lower_bound,
    upper_bound,
    upper_bound_of_two,
)
from fairgate.constraints.expressions import RateOf, evaluate
from fairgate.constraints.language import parse
from fairgate.constraints.rates import Counts, Group

GROUPS = {"F": ["a", "b"], "H": ["x", "y", "z"]}
A, B = Group("F", "a"), Group("F", "b")
X, Y, Z = (Group("H", name) for name in "xyz")
COUNTS = {
    None: Counts(60, 12, 70, 8),
    A: Counts(30, 4, 40, 6),
    B: Counts(30, 8, 30, 2),
    X: Counts(20, 5, 30, 3),
    Y: Counts(20, 3, 20, 2),
    Z: Counts(20, 4, 20, 3),
}


def expression(text):
    return parse(f"{text} <= 0", GROUPS).expression


def upper(k, n, delta):
    return clopper_pearson_upper(k, n, delta)


def lower(k, n, delta):
    return clopper_pearson_lower(k, n, delta)


@pytest.mark.parametrize("delta", [0.5, 0.05, 1e-6])
@pytest.mark.parametrize("n", [1, 7, 1000])
def test_the_ends_have_closed_forms(n, delta):
    assert upper(0, n, delta) == pytest.approx(1 - delta ** (1 / n))
    assert lower(n, n, delta) == pytest.approx(delta ** (1 / n))
    assert upper(n, n, delta) == 1 and lower(0, n, delta) == 0


def test_nothing_is_known_without_trials():
    assert math.isnan(upper(0, 0, 0.05)) and math.isnan(lower(0, 0, 0.05))


def test_bounds_invert_the_binomial_tails():
    assert binom.cdf(3, 20, upper(3, 20, 0.05)) == pytest.approx(0.05)
    assert binom.sf(2, 20, lower(3, 20, 0.05)) == pytest.approx(0.05)


@pytest.mark.parametrize(
    "arguments", [(0.5, 2, 0.1), (3, 2, 0.1), (1, 2, 0.0), (1, 2, 1.0), (-1, 2, 0.1)]
)
def test_bad_arguments_are_refused(arguments):
    with pytest.raises(ValueError):
        upper(*arguments)
    with pytest.raises(ValueError):
        lower(*arguments)


@given(st.integers(1, 300), st.data(), st.floats(1e-4, 0.49), st.floats(1e-4, 0.49))
def test_bounds_are_monotone_and_enclose_the_estimate(n, data, one, other):
    k = data.draw(st.integers(0, n))
    small, large = sorted((one, other))
    assert (
        lower(k, n, small)
        <= lower(k, n, large)
        <= k / n
        <= upper(k, n, large)
        <= upper(k, n, small)
    )
    if k < n:
        assert upper(k, n, one) <= upper(k + 1, n, one) and lower(k, n, one) <= lower(k + 1, n, one)


@pytest.mark.parametrize("delta", [0.05, 0.2])
@pytest.mark.parametrize("n", [1, 5, 30])
def test_the_probability_of_error_of_a_rate_is_exactly_within_delta(n, delta):
    successes = np.arange(n + 1)
    uppers = np.array([upper(k, n, delta) for k in successes])
    lowers = np.array([lower(k, n, delta) for k in successes])
    for p in np.linspace(0.001, 0.999, 97):
        mass = binom.pmf(successes, n, p)
        assert mass[uppers < p].sum() <= delta + 1e-12
        assert mass[lowers > p].sum() <= delta + 1e-12


@pytest.mark.parametrize("pa", [0.02, 0.3, 0.7])
@pytest.mark.parametrize("pb", [0.1, 0.3, 0.95])
@pytest.mark.parametrize(
    "text",
    [
        "max_gap(FPR, [F])",
        "FPR | [a] / FPR | [b]",
        "FPR | [a] - 2 * FPR | [b]",
        "min(FPR | [a], FPR | [b])",
        "max(FPR | [a], FPR | [b])",
    ],
)
def test_the_probability_of_error_of_an_expression_is_within_delta(text, pa, pb):
    # Every outcome of 12 and 15 negatives, weighted by its exact probability.
    na, nb, delta = 12, 15, 0.1
    tree, scale = expression(text), 10**6
    truth = evaluate(
        tree,
        {
            A: Counts(0, pa * scale, (1 - pa) * scale, 0),
            B: Counts(0, pb * scale, (1 - pb) * scale, 0),
        },
    )
    wrong_above = wrong_below = 0.0
    for i in range(na + 1):
        for j in range(nb + 1):
            counts = {A: Counts(0, i, na - i, 0), B: Counts(0, j, nb - j, 0)}
            mass = binom.pmf(i, na, pa) * binom.pmf(j, nb, pb)
            wrong_above += mass * (upper_bound(tree, counts, delta) < truth - 1e-9)
            wrong_below += mass * (lower_bound(tree, counts, delta) > truth + 1e-9)
    assert wrong_above <= delta and wrong_below <= delta


PAIRS = [(x, y) for x in (X, Y, Z) for y in (X, Y, Z) if x != y]


def test_a_gap_takes_all_of_delta_per_pair_whatever_their_number():
    trials = {group: Trials(*COUNTS[group].trials("FPR")) for group in (X, Y, Z)}
    pairs = [upper_bound_of_two(Linear(1, -1), trials[a], trials[b], 0.05) for a, b in PAIRS]
    assert upper_bound(expression("max_gap(FPR, [H])"), COUNTS, 0.05) == pytest.approx(max(pairs))


def test_the_plain_gap_takes_half_of_delta_per_group_if_they_are_of_one_size():
    counts = COUNTS | {group: Counts(20, k, 30 - k, 2) for group, k in ((X, 5), (Y, 3), (Z, 4))}
    bound = upper_bound(expression("max_gap(FPR, [H])"), counts, 0.05, "clopper_pearson")
    assert bound == pytest.approx(upper(5, 30, 0.025) - lower(3, 30, 0.025))


def test_the_lower_bound_of_a_maximum_shares_delta_over_its_arguments():
    bound = lower_bound(expression("max(FPR | [x], FPR | [y], FPR | [z], 0.01)"), COUNTS, 0.06)
    assert bound == pytest.approx(max(lower(5, 35, 0.02), lower(3, 23, 0.02), lower(4, 24, 0.02)))


def test_a_minimum_mirrors_a_maximum():
    assert lower_bound(expression("min(FPR | [x], FPR | [y])"), COUNTS, 0.05) == pytest.approx(
        min(lower(5, 35, 0.05), lower(3, 23, 0.05))
    )
    assert upper_bound(expression("min(FPR | [x], FPR | [y])"), COUNTS, 0.05) == pytest.approx(
        min(upper(5, 35, 0.025), upper(3, 23, 0.025))
    )


def test_a_rate_that_appears_twice_costs_once():
    assert upper_bound(expression("FPR + FPR + 1 - TNR"), COUNTS, 0.05) == pytest.approx(
        3 * upper(12, 82, 0.05)
    )
    assert upper_bound(expression("TPR + FNR"), COUNTS, 0.05) == 1


def test_a_ratio_of_rates_that_overlap_divides_by_the_lower_bound():
    # Wrong, or No, or both: a function of no single share.
    tree = expression("ERR | [a] / NPR | [a]")
    assert upper_bound(tree, COUNTS, 0.05) == pytest.approx(
        upper(10, 80, 0.025) / (1 - upper(34, 80, 0.025))
    )
    assert lower_bound(tree, COUNTS, 0.05) == pytest.approx(
        lower(10, 80, 0.025) / (1 - lower(34, 80, 0.025))
    )


def test_a_ratio_of_independent_rates_has_one_bound_of_both():
    parts = [Trials(4, 44), Trials(8, 38)]
    tree, plain = expression("FPR | [a] / FPR | [b]"), "clopper_pearson"
    quotient = Quotient(0, 1, 0, 1)
    assert upper_bound(tree, COUNTS, 0.05) == upper_bound_of_two(quotient, *parts, 0.05)
    assert lower_bound(tree, COUNTS, 0.05) == 1 / upper_bound_of_two(quotient, *parts[::-1], 0.05)
    assert upper_bound(tree, COUNTS, 0.05) < upper_bound(tree, COUNTS, 0.05, plain)
    assert lower_bound(tree, COUNTS, 0.05) > lower_bound(tree, COUNTS, 0.05, plain)


def test_a_ratio_by_what_may_be_nothing_has_no_bound():
    never = COUNTS | {B: Counts(1, 0, 30, 1)}
    assert upper_bound(expression("FPR | [a] / FPR | [b]"), never, 0.05) == math.inf
    assert lower_bound(expression("1 / (FPR - 0.5)"), COUNTS, 0.05) == -math.inf


@pytest.mark.parametrize(
    "text",
    [
        "FPR | [a]",
        "FPR | [a] - FPR | [a]",
        "max(FPR | [a], 0.9)",
        "min(FPR | [a], 0)",
        "FPR | [a] / FPR",
        "max_gap(FPR, [F])",
        "0 * FPR | [a]",
    ],
)
@pytest.mark.parametrize("broken", [{}, {A: Counts(5, 0, 0, 5)}])
def test_what_was_not_measured_has_no_bound(text, broken):
    counts = {group: c for group, c in COUNTS.items() if group != A} | broken
    assert math.isnan(upper_bound(expression(text), counts, 0.05))
    assert math.isnan(lower_bound(expression(text), counts, 0.05))


def test_sums_of_weights_are_refused():
    with pytest.raises(ValueError, match="without weights"):
        upper_bound(RateOf("FPR"), {None: Counts(1, 0.5, 2.5, 1)}, 0.05)


TEXTS = [
    "max_gap(FPR, [H])",
    "abs(TPR | [a] - TPR | [b])",
    "ACC | [a] / ACC | [b]",
    "ERR + 2 * FPP",
]


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(TEXTS), st.floats(1e-3, 0.2), st.floats(1.5, 2))
def test_bounds_of_expressions_enclose_the_value_and_widen_with_confidence(text, small, factor):
    tree, large = expression(text), small * factor
    assert lower_bound(tree, COUNTS, small) <= lower_bound(tree, COUNTS, large)
    assert upper_bound(tree, COUNTS, large) <= upper_bound(tree, COUNTS, small)
    assert (
        lower_bound(tree, COUNTS, large)
        <= evaluate(tree, COUNTS)
        <= upper_bound(tree, COUNTS, large)
    )
