"""Expressions by Python operators, their values and limits."""

from __future__ import annotations

import math

import pytest

from fairgate.constraints.algebra import (
    absolute,
    max_gap,
    maximum,
    merge_terms,
    minimum,
    value_range,
)
from fairgate.constraints.expressions import (
    Constraint,
    Maximum,
    Number,
    RateOf,
    Ratio,
    Scaled,
    Sum,
    evaluate,
)
from fairgate.constraints.rates import Counts, Group

A, B = Group("F", "a"), Group("F", "b")
FPR_A, FPR_B = RateOf("FPR", A), RateOf("FPR", B)
COUNTS = {A: Counts(tp=5, fp=1, tn=9, fn=5), B: Counts(tp=8, fp=4, tn=6, fn=2)}


def test_operators_build_the_tree_that_they_look_like():
    assert Sum((FPR_A, Scaled(-2.0, FPR_B))) == FPR_A - 2 * FPR_B
    assert Ratio(FPR_A, FPR_B) == FPR_A / FPR_B
    assert Scaled(0.25, FPR_A) == FPR_A / 4
    assert Sum((Number(1.0), Scaled(-1.0, FPR_A))) == 1 - FPR_A
    assert Ratio(Number(3.0), FPR_A) == 3 / FPR_A


def test_numbers_are_collected_and_factors_merged():
    assert Sum((FPR_A, Number(3.0))) == (FPR_A + 1) + 2
    assert (FPR_A + 1) - 1 == FPR_A
    assert 2 * (0.5 * FPR_A) == FPR_A
    assert maximum(1, 2) == Number(2) and minimum(1, 2) == Number(1)


def test_products_of_rates_are_refused():
    with pytest.raises(TypeError, match="multiplied by a number"):
        FPR_A * FPR_B


def test_values_follow_the_arithmetic():
    assert evaluate(FPR_A, COUNTS) == pytest.approx(0.1)
    assert evaluate(FPR_A - FPR_B, COUNTS) == pytest.approx(-0.3)
    assert evaluate(absolute(FPR_A - FPR_B), COUNTS) == pytest.approx(0.3)
    assert evaluate(FPR_A / FPR_B, COUNTS) == pytest.approx(0.25)
    assert evaluate(minimum(FPR_A, 2 * FPR_B, 0.3), COUNTS) == pytest.approx(0.1)
    assert evaluate(max_gap("FPR", [A, B]), COUNTS) == pytest.approx(0.3)


@pytest.mark.parametrize(
    "expression",
    [
        RateOf("FPR"),
        maximum(FPR_A, RateOf("FPR")),
        minimum(RateOf("FPR"), -5),
        0 * RateOf("FPR"),
        FPR_A / (FPR_B - FPR_B),
    ],
    ids=str,
)
def test_what_was_not_measured_is_never_ignored(expression):
    assert math.isnan(evaluate(expression, COUNTS))


def test_a_gap_runs_over_ordered_pairs_of_groups():
    three = [A, B, Group("F", "c")]
    gap = max_gap("FPR", three)
    assert isinstance(gap, Maximum) and len(gap.arguments) == 6
    with pytest.raises(ValueError, match="two groups"):
        max_gap("FPR", [A, A])


def test_constraints_know_their_groups_and_their_limit():
    constraint = absolute(FPR_A - FPR_B) <= 0.02
    assert constraint.groups() == (A, B)
    assert constraint.is_satisfied(0.02) and not constraint.is_satisfied(0.021)
    assert not constraint.is_satisfied(math.nan)
    assert constraint.violation(0.05) == pytest.approx(0.03)
    assert (FPR_A >= 0.5).violation(0.2) == pytest.approx(0.3)
    assert (FPR_A <= FPR_B) == Constraint(
        "FPR | [F=a] - FPR | [F=b] <= 0", FPR_A - FPR_B, 0.0, "<="
    )


def test_another_limit_keeps_the_wording():
    written = Constraint("max_gap(FPR,  [F]) <= 0.05", max_gap("FPR", [A, B]), 0.05, "<=")
    assert written.with_limit(0.1).text == "max_gap(FPR,  [F]) <= 0.1"
    flipped = Constraint("0.05 >= FPR | [a]", FPR_A, 0.05, "<=")
    assert flipped.with_limit(0.1).text == "FPR | [a] <= 0.1"
    assert Constraint("the gate", FPR_A, 0.05, "<=").with_limit(1).text == "FPR | [F=a] <= 1"


def test_a_limit_must_be_finite():
    with pytest.raises(ValueError, match="finite"):
        math.nan >= FPR_A  # noqa: B015


def test_equal_terms_and_complements_are_merged():
    twice, constant = merge_terms(FPR_A + 2 * FPR_B + FPR_A)
    assert twice == {FPR_A: 2.0, FPR_B: 2.0} and constant == 0
    complements, constant = merge_terms(RateOf("TPR", A) + RateOf("FNR", A))
    assert complements == {RateOf("FNR", A): 0.0} and constant == 1


def test_ranges_hold_whatever_the_data():
    assert value_range(FPR_A - FPR_B) == (-1, 1)
    assert value_range(absolute(FPR_A - FPR_B)) == (0, 1)  # one of e and -e is not negative
    assert value_range(minimum(FPR_A - FPR_B, FPR_B - FPR_A)) == (-1, 0)
    assert value_range(maximum(FPR_A - FPR_B, FPR_B - FPR_A - 0.1)) == (-1, 1)
    assert value_range(FPR_A / (FPR_B + 1)) == (0, 1)
    assert value_range(1 / FPR_A) == (1, math.inf)
