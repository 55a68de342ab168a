"""The bound of a change between two models: by enumeration, and beside McNemar's exact test."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, multinomial

from fairgate.bounds import lower_bound, upper_bound
from fairgate.bounds.paired import lower_change, upper_change
from fairgate.constraints import Counts, Group, parse
from fairgate.constraints.paired import Changes

NAMES = {"sex": ["Female", "Male"]}
SHARES = (0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.9)


@pytest.mark.parametrize("delta", [0.05, 0.2])
@pytest.mark.parametrize("n", [1, 2, 5, 12, 25])
def test_it_errs_with_probability_at_most_delta_whatever_the_truth(n, delta):
    outcomes = [(up, down, n - up - down) for up in range(n + 1) for down in range(n + 1 - up)]
    upper = np.array([upper_change(up, down, n, delta) for up, down, _ in outcomes])
    lower = np.array([lower_change(up, down, n, delta) for up, down, _ in outcomes])
    for up in SHARES:
        for down in SHARES:
            if up + down > 1:
                continue
            of = multinomial.pmf(outcomes, n, [up, down, max(1 - up - down, 0.0)])
            assert of[upper < up - down - 1e-12].sum() <= delta
            assert of[lower > up - down + 1e-12].sum() <= delta


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 500), st.floats(0.01, 0.4))
def test_no_change_is_refused_where_mcnemars_exact_test_refuses_it(up, down, same, delta):
    n = up + down + same
    if not n:
        assert math.isnan(upper_change(up, down, n, delta))
        return
    bound = upper_change(up, down, n, delta)
    assert (up - down) / n <= bound + 1e-12 and -1 <= bound <= 1
    if bound < 0:  # at 0.9 of delta, what the number of examples that differ does not take
        p = binomtest(up, up + down, 0.5, alternative="less").pvalue
        assert p <= 0.9 * delta + 1e-12


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 200))
def test_it_grows_with_what_went_up(up, down, same):
    n = up + down + same + 1
    assert upper_change(up, down, n, 0.05) <= upper_change(up + 1, down, n, 0.05) + 1e-12


def test_it_is_narrower_than_two_rates_that_know_nothing_of_each_other():
    up, down, n = 60, 60, 2000
    plain = math.sqrt(2 * 0.25 * 0.75 / n) * 1.645  # two rates of a quarter, as if independent
    paired = upper_change(up, down, n, 0.05)
    assert paired < 0.75 * plain
    normal = 1.645 * math.sqrt(up + down) / n
    assert normal < paired < 1.4 * normal


def test_an_expression_of_changes_is_bounded_by_its_parts():
    female, male = (Group("sex", name) for name in NAMES["sex"])
    counts = {
        female: Counts(tp=90, fp=0, tn=0, fn=10, against=Changes(5, 9, 0, 0)),
        male: Counts(tp=70, fp=0, tn=0, fn=30, against=Changes(2, 22, 0, 0)),
    }
    worst = parse("max_change(FNR, [sex]) <= 0.3", NAMES)
    assert worst.value(counts) == pytest.approx(0.2)
    alone = upper_change(22, 2, 100, 0.05)
    assert upper_bound(worst.expression, counts, 0.05) == pytest.approx(alone)
    right = parse("TPR | [Male] >= baseline - 0.3", NAMES)
    assert lower_bound(right.expression, counts, 0.05) == pytest.approx(-alone)
    unknown = {group: Counts(of.tp, of.fp, of.tn, of.fn) for group, of in counts.items()}
    assert math.isnan(upper_bound(worst.expression, unknown, 0.05))


def test_the_number_that_differ_is_binomial_too():
    # The closed form where nothing differed: (1 - s) ** n at a tenth of delta.
    n = 40
    bound = upper_change(0, 0, n, 0.05)
    assert binom.pmf(0, n, bound) == pytest.approx(0.005)
