"""Bounds of expressions over units: which bound each part takes, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import t

from fairgate.bounds import lower_bound, upper_bound
from fairgate.bounds.betting import UnitRate, lower_of_units, upper_of_units
from fairgate.constraints.expressions import RateOf, evaluate
from fairgate.constraints.language import parse
from fairgate.constraints.rates import Counts, Group
from fairgate.constraints.units import UnitCounts, UnitTable

A, B = Group("sex", "a"), Group("sex", "b")
UNITS = 400
LINES = (
    "FPR",
    "F1",
    "PPV",
    "max_gap(FPR, [sex])",
    "abs(FPR | [a] - FPR | [b])",
    "FPR | [a] / FPR | [b]",
    "ACC - FPR",
    "min(TPR | [a], TPR | [b])",
    "ERR / NPR",
)


def people(method="betting", alike=True, units=UNITS) -> UnitCounts:
    """Up to four examples each, of which one's own rate of mistakes is drawn."""
    rng = np.random.default_rng(7)
    positives, negatives = rng.integers(0, 3, units), rng.integers(1, 3, units)
    rate = rng.beta(1, 4, units) if alike else np.full(units, 0.2)
    fp, fn = rng.binomial(negatives, rate), rng.binomial(positives, rate)
    cells = np.stack([positives - fn, fp, negatives - fp, fn], axis=1).astype(float)
    first = np.arange(units) % 2 == 0

    def table(who):
        return UnitTable(np.flatnonzero(who), cells[who])

    tables = {None: table(first | ~first), A: table(first), B: table(~first)}
    return UnitCounts(units, tables, most=4.0, method=method)


def tree(line):
    return parse(f"{line} <= 1", {"sex": ["a", "b"]}).expression


@pytest.mark.parametrize("line", LINES)
def test_guaranteed_bounds_enclose_those_that_are_approximate(line):
    expression, units, robust = tree(line), people(), people("cluster_robust")
    value = evaluate(expression, units)
    low, high = (bound(expression, units, 0.05) for bound in (lower_bound, upper_bound))
    near, far = (bound(expression, robust, 0.05) for bound in (lower_bound, upper_bound))
    assert low <= near + 0.01 < value + 0.01
    assert value < far <= high + 0.01


def test_a_rate_is_bounded_by_the_bets_on_its_units():
    counts = people()
    rate = UnitRate(counts.sums(A, (0, 1, 0, 0)), counts.sums(A, (0, 1, 1, 0)), 4.0)
    assert upper_bound(tree("FPR | [a]"), counts, 0.05) == upper_of_units(rate, 0.05)
    assert lower_bound(tree("FPR | [a]"), counts, 0.05) == lower_of_units(rate, 0.05)


def test_f1_is_a_rate_of_two_for_each_true_positive():
    counts = people()
    rate = UnitRate(counts.sums(None, (2, 0, 0, 0)), counts.sums(None, (2, 1, 0, 1)), 8.0)
    assert rate.rate == pytest.approx(evaluate(tree("F1"), counts))
    assert lower_bound(tree("F1"), counts, 0.05) == lower_of_units(rate, 0.05)


def test_the_cluster_robust_bound_is_the_sandwich_over_units():
    """By its definition, for a difference of two groups: variances of means of residuals add."""
    counts = people("cluster_robust")
    variance = 0.0
    for group in (A, B):
        cells = counts.tables[group].cells
        members = cells[:, 1] + cells[:, 2]
        residuals = cells[:, 1] - counts[group].rate("FPR") * members
        variance += (residuals**2).sum() / members.sum() ** 2
    width = t.ppf(0.95, UNITS - 1) * math.sqrt(variance * UNITS / (UNITS - 1))
    difference = tree("FPR | [a] - FPR | [b]")
    expected = evaluate(difference, counts) + width
    assert upper_bound(difference, counts, 0.05) == pytest.approx(expected)


def test_people_who_resemble_each_other_promise_less():
    """Rates of everybody that are alike: what differs is how mistakes are spread over people."""
    line = tree("FPR")
    wide, narrow = people("cluster_robust"), people("cluster_robust", alike=False)
    margins = [upper_bound(line, each, 0.05) - evaluate(line, each) for each in (wide, narrow)]
    assert margins[0] > margins[1]


def test_a_group_that_is_missing_or_empty_is_unknown():
    counts = people()
    nobody = UnitTable(np.zeros(0, np.int64), np.zeros((0, 4)))
    fewer = UnitCounts(UNITS, {None: counts.tables[None], A: nobody}, most=4.0)
    for line in ("FPR | [a]", "FPR | [b]", "max_gap(FPR, [sex])", "F1 | [a]"):
        for method in ("betting", "cluster_robust"):
            told = UnitCounts(UNITS, fewer.tables, 4.0, method)
            assert math.isnan(upper_bound(tree(line), told, 0.05))


def test_the_other_methods_are_of_independent_examples():
    with pytest.raises(ValueError, match="come in units"):
        upper_bound(tree("FPR"), people(), 0.05, method="wilson")


def test_units_of_one_example_are_nearly_independent_examples():
    rng = np.random.default_rng(0)
    wrong = rng.random(1500) < 0.1
    cells = np.stack([0 * wrong, wrong, ~wrong, 0 * wrong], axis=1).astype(float)
    units = UnitCounts(1500, {None: UnitTable(np.arange(1500), cells)}, most=1.0)
    plain = {None: Counts(0, int(wrong.sum()), int((~wrong).sum()), 0)}
    value = evaluate(tree("FPR"), plain)
    exact = upper_bound(tree("FPR"), plain, 0.05) - value
    # The order of the units plays a part: by luck a little narrower or wider than exact.
    assert exact * 0.7 < upper_bound(tree("FPR"), units, 0.05) - value < exact * 1.3


# Changes against another model.


def beside(rng, units=600, moves=0.1, weights=None):
    """One group's negatives by unit: a model and another one, whose FPR is 0.2."""
    sizes = rng.integers(1, 4, units)
    of = np.repeat(np.arange(units), sizes)
    weight = np.ones(len(of)) if weights is None else rng.choice(weights, len(of))
    before = rng.random(len(of)) < 0.2
    after = np.where(rng.random(len(of)) < moves, ~before, before)

    def cells(*columns, weight=weight):
        return np.stack([np.bincount(of, weight * c, units) for c in columns], axis=1)

    none = np.zeros(len(of))
    own = cells(none, after, ~after, none)
    numbers = cells(none, after, ~after, none, weight=1.0)
    changed = cells(none, none, after & ~before, ~after & before)
    most = 3.0 * (1.0 if weights is None else max(weights))
    return UnitCounts(
        units,
        {None: UnitTable.of(own)},
        most,
        numbers=None if weights is None else {None: UnitTable.of(numbers)},
        against={None: UnitTable.of(changed)},
    )


CHANGE = parse("change(FPR) <= 0.1", {}).expression


@pytest.mark.parametrize("weights", [None, (0.5, 3.0)])
def test_a_change_over_units_is_bounded_on_both_sides(weights):
    counts = beside(np.random.default_rng(2), weights=weights)
    value = counts[None].change("FPR")
    low, high = lower_bound(CHANGE, counts, 0.05), upper_bound(CHANGE, counts, 0.05)
    assert low < value < high < value + 0.06
    # Not as far as two rates that are bounded apart would be.
    rate = upper_bound(RateOf("FPR"), counts, 0.05) - counts[None].rate("FPR")
    assert high - value < rate * 1.5


def test_nothing_differs_and_the_bound_is_near_zero():
    counts = beside(np.random.default_rng(2), moves=0.0)
    assert counts[None].change("FPR") == 0
    assert 0 < upper_bound(CHANGE, counts, 0.05) < 0.04


def test_without_another_model_a_change_over_units_has_no_bound():
    counts = beside(np.random.default_rng(2))
    alone = UnitCounts(counts.units, counts.tables, counts.most)
    assert math.isnan(upper_bound(CHANGE, alone, 0.05))


def test_a_change_over_units_errs_within_delta():
    rng, wrong, draws = np.random.default_rng(7), 0, 300
    for _ in range(draws):
        counts = beside(rng, units=120, moves=0.15, weights=(0.2, 1.0))
        truth = 0.15 * (0.8 - 0.2)
        wrong += upper_bound(CHANGE, counts, 0.1) < truth
    # At most delta; 0.1 would give 30 with a deviation of 5.
    assert wrong <= 45
