"""Constraints against another model: read, written, evaluated."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairgate.constraints import ConstraintError, Counts, Group, count_outcomes, parse
from fairgate.constraints.algebra import beside, has_changes, value_range
from fairgate.constraints.expressions import ChangeOf
from fairgate.constraints.paired import Changes
from fairgate.constraints.rates import FIXED

NAMES = {"sex": ["Female", "Male"]}
MALE = Group("sex", "Male")


@pytest.mark.parametrize(
    ("line", "text", "limit"),
    [
        ("FNR | [Male] <= baseline + 0.02", "change(FNR | [Male]) <= 0.02", 0.02),
        ("FNR | [Male] <= baseline", "change(FNR | [Male]) <= 0", 0),
        ("TPR | [sex=Male] >= baseline - 0.01", "change(TPR | [sex=Male]) >= -0.01", -0.01),
        ("change(ACC) >= -0.01", "change(ACC) >= -0.01", -0.01),
        ("max_change(FNR, [sex]) <= 0.02", "max_change(FNR, [sex]) <= 0.02", 0.02),
    ],
)
def test_it_reads_back_as_it_is_written(line, text, limit):
    found = parse(line, NAMES)
    assert str(found) == text and found.limit == limit
    again = parse(str(found), NAMES)
    assert again == found
    assert parse(f"{found.expression} {found.sense} 0.5", NAMES).expression == found.expression
    assert "0.25" in str(found.with_limit(0.25)) and "baseline" not in str(found.with_limit(0.25))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("FNR | [Male] + FPR <= baseline", "only a single rate can be held against the baseline"),
        ("FNR <= baseline + FPR", "a number after baseline"),
        ("FNR <= baseline * 2", "a number after baseline"),
        ("PPV | [Male] >= baseline", "no rate over the same examples for both models"),
        ("change(F1) >= 0", "no rate over the same examples for both models"),
        ("max_change(PPV, [sex]) <= 0", "no rate over the same examples for both models"),
        ("max_change(FPR, [Male]) <= 0", "unknown feature"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_reason(line, said):
    with pytest.raises(ConstraintError, match=said):
        parse(line, NAMES)


@given(st.integers(0, 10_000))
def test_a_change_is_the_difference_of_the_rates_of_both_models(seed):
    rng = np.random.default_rng(seed)
    labels, own, other = rng.integers(0, 2, (3, 30))
    yes, no = labels == 1, labels == 0
    gained, lost = (own == 1) & (other == 0), (own == 0) & (other == 1)
    changes = Changes(*(int((a & b).sum()) for b in (yes, no) for a in (gained, lost)))
    before, after = count_outcomes(other, labels), count_outcomes(own, labels)
    both = Counts(after.tp, after.fp, after.tn, after.fn, against=changes)
    for rate in FIXED:
        if after.trials(rate)[1]:
            assert both.change(rate) == pytest.approx(after.rate(rate) - before.rate(rate))
            up, down, n = both.changes(rate)
            assert up + down <= n
    assert (both + both).change("ERR") == pytest.approx(both.change("ERR"))


def test_beside_a_model_whose_rates_are_numbers_it_is_the_same_constraint():
    counts = {MALE: Counts(tp=70, fp=0, tn=10, fn=30, against=Changes(2, 12, 0, 0))}
    other = {MALE: Counts(tp=80, fp=0, tn=10, fn=20)}
    for line in (
        "FNR | [Male] <= baseline + 0.02",
        "max(change(FNR | [Male]), FPR | [Male]) <= 0.1",
    ):
        found = parse(line, NAMES)
        plain = beside(found, other)
        assert has_changes(found.expression) and not has_changes(plain.expression)
        assert plain.value(counts) == pytest.approx(found.value(counts)) == pytest.approx(0.1)
        assert str(plain) == str(found)  # people read what they wrote


def test_without_another_model_a_change_is_unknown():
    change = ChangeOf("FNR", MALE)
    assert math.isnan((change <= 0).value({MALE: Counts(1, 1, 1, 1)}))
    assert math.isnan((change <= 0).value({}))
    assert value_range(change) == (-1, 1) and (change <= 0).groups() == (MALE,)
