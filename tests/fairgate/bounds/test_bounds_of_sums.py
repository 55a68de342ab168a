"""The bound of a sum of two independent parts: every outcome of small groups, and against shares."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri
from scipy.stats import binom

from fairgate.bounds import lower_bound, upper_bound
from fairgate.bounds.joint import error, levels, upper_of_sum
from fairgate.bounds.shares import share
from fairgate.constraints import parse
from fairgate.constraints.expressions import evaluate
from fairgate.constraints.rates import Counts, Group

A, B = Group("G", "A"), Group("G", "B")
NAMES = {"G": ["A", "B"]}
GAPS = parse("abs(TPR | [A] - TPR | [B]) + abs(FPR | [A] - FPR | [B]) <= 1", NAMES).expression
RISE = parse("TPR | [A] - TPR | [B] - FPR | [A] <= 1", NAMES).expression


def outcomes(sizes):
    """All (tp, fp) of both groups, of (positives, negatives) of A and of B."""
    (pa, na), (pb, nb) = sizes
    for cells in itertools.product(*(range(n + 1) for n in (pa, pb, na, nb))):
        ta, tb, fa, fb = cells
        yield (
            cells,
            {A: Counts(ta, fa, na - fa, pa - ta), B: Counts(tb, fb, nb - fb, pb - tb)},
        )


@pytest.mark.parametrize("delta", [0.05, 0.2])
@pytest.mark.parametrize(
    ("expression", "sizes"),
    [(GAPS, ((4, 5), (5, 3))), (GAPS, ((9, 2), (9, 2))), (RISE, ((6, 6), (6, 1)))],
)
def test_no_true_rates_make_it_err_more_often_than_delta(expression, sizes, delta):
    (pa, na), (pb, nb) = sizes
    table = np.full((pa + 1, pb + 1, na + 1, nb + 1), np.nan)
    for cells, counts in outcomes(sizes):
        table[cells] = upper_bound(expression, counts, delta)
    assert not np.isnan(table).any()
    rng = np.random.default_rng(0)
    grid = [*itertools.product((0.02, 0.3, 0.6, 0.97), repeat=4), *rng.random((300, 4))]
    worst = 0.0
    for tpr_a, tpr_b, fpr_a, fpr_b in grid:
        truth = {
            A: Counts(tpr_a, fpr_a, 1 - fpr_a, 1 - tpr_a),
            B: Counts(tpr_b, fpr_b, 1 - fpr_b, 1 - tpr_b),
        }
        mass = [
            binom.pmf(np.arange(n + 1), n, p)
            for n, p in zip((pa, pb, na, nb), (tpr_a, tpr_b, fpr_a, fpr_b), strict=True)
        ]
        wrong = table < evaluate(expression, truth) - 1e-12
        worst = max(worst, float(np.einsum("abcd,a,b,c,d->", wrong.astype(float), *mass)))
    assert 0 < worst <= delta


def normal(deviation: float):
    """The bounds of a mean that was measured to be 0."""
    return lambda level: -deviation * float(ndtri(level))


@given(st.floats(1e-6, 0.2), st.floats(0.01, 100).map(lambda r: round(r, 3)))
def test_levels_err_with_delta_and_rise_and_fall(delta, ratio):
    firsts, seconds = map(np.array, levels(delta, ratio))
    assert delta * (1 - 1e-6) < error(firsts, seconds) <= delta
    assert (np.diff(firsts) > 0).all() and (np.diff(seconds) < 0).all()


def test_the_error_of_a_staircase_is_that_of_drawn_deviates():
    firsts, seconds = map(np.array, levels(0.2, 1.0))
    rng = np.random.default_rng(1)
    one, other = rng.random((2, 400_000))
    # The bound at a level errs where a uniform draw is under it.
    wrong = np.all((one < firsts[:, None]) | (other < seconds[:, None]), axis=0)
    assert wrong.mean() == pytest.approx(0.2, abs=4 * math.sqrt(0.16 / 400_000))


@pytest.mark.parametrize(("ratio", "at_most"), [(1.0, 0.84), (0.5, 0.87), (0.1, 0.94), (0.01, 1)])
def test_of_normal_parts_it_is_shorter_than_by_shares(ratio, at_most):
    own = upper_of_sum(normal(1), normal(ratio), (1, ratio), 0.05)
    by_shares = sum(
        normal(s)(level) for s, level in zip((1, ratio), share(0.05, [1, ratio]), strict=True)
    )
    assert own < at_most * by_shares
    assert own > 1.6448 * math.hypot(1, ratio)
    assert upper_of_sum(normal(ratio), normal(1), (ratio, 1), 0.05) == pytest.approx(own)


def test_bounds_that_do_not_fall_with_their_level_are_made_to():
    jagged = {level: 1.0 for level in levels(0.05, 1.0)[0]}
    jagged[levels(0.05, 1.0)[0][2]] = 5.0
    assert upper_of_sum(jagged.__getitem__, lambda level: 0.0, (1, 1), 0.05) == 5.0


def test_rates_that_share_examples_are_bounded_by_shares():
    both = parse("abs(TPR | [A] - TPR | [B]) + abs(ACC | [A] - ACC | [B]) <= 1", NAMES).expression
    counts = {A: Counts(80, 10, 90, 20), B: Counts(75, 12, 88, 25)}
    gaps = [
        parse(f"abs({rate} | [A] - {rate} | [B]) <= 1", NAMES).expression for rate in ("TPR", "ACC")
    ]
    each = [upper_bound(gap, counts, 0.025) for gap in gaps]
    assert upper_bound(both, counts, 0.05) == pytest.approx(sum(each))


def test_a_missing_rate_has_no_bound():
    assert math.isnan(upper_bound(GAPS, {A: Counts(1, 1, 1, 1), B: Counts(0, 1, 1, 0)}, 0.05))


def test_the_lower_bound_is_that_of_the_negative():
    counts = {A: Counts(80, 10, 90, 20), B: Counts(60, 30, 70, 40)}
    low, high = (bound(GAPS, counts, 0.05) for bound in (lower_bound, upper_bound))
    assert low < 0.4 < high and low == -upper_bound(-GAPS, counts, 0.05)
