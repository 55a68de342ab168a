"""F1 and other quotients that are functions of one binomial share."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from scipy.stats import beta, multinomial

from fairgate.bounds import lower_bound, upper_bound
from fairgate.constraints.expressions import evaluate
from fairgate.constraints.language import parse
from fairgate.constraints.rates import Counts

F1 = parse("F1 >= 0.5", {}).expression
LINES = (
    "F1",
    "TPP / (TPP + FPP + FNP)",
    "TPP / PPR",
    "(TPP + FNP) / (2 * TPP + 2 * FNP + TNP + FPP)",
)


def test_f1_is_bounded_by_clopper_pearson_of_the_jaccard_index():
    counts = {None: Counts(tp=80, fp=10, tn=100, fn=10)}
    share = beta.ppf(0.05, 80, 21)
    assert lower_bound(F1, counts, 0.05) == pytest.approx(2 * share / (1 + share), abs=1e-9)
    assert lower_bound(F1, counts, 0.05) >= 0.839
    share = beta.ppf(0.95, 81, 20)
    assert upper_bound(F1, counts, 0.05) == pytest.approx(2 * share / (1 + share), abs=1e-9)


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize(
    "truth", [(0.4, 0.1, 0.3, 0.2), (0.05, 0.05, 0.85, 0.05), (0.7, 0.2, 0.05, 0.05)]
)
def test_it_errs_with_probability_at_most_delta_by_enumeration(line, truth):
    examples, delta = 9, 0.1
    tree = parse(f"{line} <= 1", {}).expression
    true_value = evaluate(tree, {None: Counts(*truth)})
    below = above = 0.0
    for tp, fp, tn in product(range(examples + 1), repeat=3):
        fn = examples - tp - fp - tn
        if fn < 0:
            continue
        counts = {None: Counts(tp, fp, tn, fn)}
        likely = multinomial.pmf([tp, fp, tn, fn], examples, truth)
        upper, lower = upper_bound(tree, counts, delta), lower_bound(tree, counts, delta)
        below += likely * (upper < true_value - 1e-12)
        above += likely * (lower > true_value + 1e-12)
        value = evaluate(tree, counts)
        assert math.isnan(value) or lower <= value + 1e-12 <= upper + 2e-12
    assert below <= delta
    assert above <= delta


def test_it_is_nearly_used_up():
    """Of 200 examples at F1 = 0.8 the bound errs nearly as often as it may."""
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(200, [0.4, 0.1, 0.4, 0.1], size=4000)
    different = {tuple(row) for row in drawn.tolist()}
    wrong = {row: lower_bound(F1, {None: Counts(*row)}, 0.05) > 0.8 for row in different}
    share = np.mean([wrong[tuple(row)] for row in drawn.tolist()])
    assert 0.03 < share < 0.06


def test_without_examples_of_either_kind_nothing_is_known():
    assert math.isnan(lower_bound(F1, {None: Counts(tp=0, fp=0, tn=9, fn=0)}, 0.05))


def test_a_divisor_that_could_be_negative_is_none_of_these():
    tree = parse("TPP / (TPP - FNP) <= 1", {}).expression
    assert upper_bound(tree, {None: Counts(tp=9, fp=0, tn=9, fn=1)}, 0.05) == math.inf
