"""The table of rates and counts of outcomes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fairgate.constraints.rates import ALIASES, RATES, Counts, count_outcomes

COUNTS = Counts(tp=30, fp=5, tn=45, fn=20)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("FPR", 5 / 50),
        ("FNR", 20 / 50),
        ("TPR", 30 / 50),
        ("TNR", 45 / 50),
        ("PPR", 35 / 100),
        ("NPR", 65 / 100),
        ("ACC", 75 / 100),
        ("ERR", 25 / 100),
        ("TPP", 30 / 100),
        ("FNP", 20 / 100),
        ("FPP", 5 / 100),
        ("TNP", 45 / 100),
    ],
)
def test_every_rate_has_its_closed_form(name, expected):
    assert COUNTS.rate(name) == pytest.approx(expected)


def test_the_parametrization_above_misses_no_rate():
    assert len(RATES) == 16


@pytest.mark.parametrize("name", [name for name, row in RATES.items() if row.complement])
def test_complements_add_up_to_one(name):
    assert COUNTS.rate(name) + COUNTS.rate(RATES[name].complement) == pytest.approx(1)


def test_aliases_name_rates():
    assert set(ALIASES.values()) <= set(RATES)
    assert ALIASES["false_positive_rate"] == "FPR" and ALIASES["recall"] == "TPR"


def test_a_rate_without_examples_is_nan():
    assert math.isnan(Counts(tp=3, fp=0, tn=0, fn=1).rate("FPR"))


def test_trials_are_numerator_and_denominator():
    assert COUNTS.trials("FPR") == (5, 50)
    assert COUNTS.trials("ERR") == (25, 100)
    assert (COUNTS.positives, COUNTS.negatives, COUNTS.examples) == (50, 50, 100)


def test_counts_of_disjoint_sets_add():
    assert COUNTS + Counts(1, 2, 3, 4) == Counts(31, 7, 48, 24)


@pytest.mark.parametrize("bad", [-1, math.nan, math.inf])
def test_impossible_counts_are_refused(bad):
    with pytest.raises(ValueError, match="fp"):
        Counts(tp=1, fp=bad, tn=1, fn=1)


def test_outcomes_are_counted_within_a_group():
    decisions, labels = [1, 1, 0, 0, 1], [1, 0, 0, 1, 1]
    assert count_outcomes(decisions, labels) == Counts(tp=2, fp=1, tn=1, fn=1)
    assert count_outcomes(decisions, labels, [1, 1, 1, 0, 0]) == Counts(tp=1, fp=1, tn=1, fn=0)
    assert isinstance(count_outcomes(decisions, labels).tp, int)


def test_weights_are_summed():
    counts = count_outcomes([1, 0], [1, 1], weights=np.array([0.5, 0.25]))
    assert counts == Counts(tp=0.5, fp=0.0, tn=0.0, fn=0.25)


def test_outcomes_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="must all be"):
        count_outcomes([1, 0], [1])
