"""Bounds of any expression keep their promise: random expressions of the language, known true rates."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from fairgate.bounds import lower_bound, upper_bound
from fairgate.constraints.expressions import evaluate
from fairgate.constraints.language import parse
from fairgate.constraints.rates import Counts, Group

NAMES = ("a", "b", "c", "d")
GROUPS = [Group("F", name) for name in NAMES]
SUMS = ("({}) + ({})", "({}) - ({})", "({}) - 0.5 * ({})", "2 * ({}) + ({})")
OTHERS = ("min({}, {})", "max({}, {})", "abs(({}) - ({}))", "({}) / ({})", "max({}, {}, 0.3)")
# A failure is told as it was found: to shrink it would take minutes.
UNHURRIED = settings(
    max_examples=12,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


def expressions(rates: tuple[str, ...], groups: int) -> st.SearchStrategy[str]:
    """Lines with at least one operation, over so many groups."""
    leaf = st.sampled_from([f"{rate} | [{name}]" for rate in rates for name in NAMES[:groups]])
    forms = st.sampled_from((*SUMS, *OTHERS))

    def joined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.builds(lambda form, x, y: form.format(x, y), forms, parts, parts)

    return joined(st.recursive(leaf, joined, max_leaves=3))


def tree_of(line: str):
    return parse(f"{line} <= 0", {"F": list(NAMES)}).expression


def bounds_of(tree, counts, delta) -> tuple[float, float]:
    return lower_bound(tree, counts, delta), upper_bound(tree, counts, delta)


def truth_of(tree, tpr, fpr, positive=0.5) -> float:
    """The value for the groups' true rates, each with so large a share of positives."""
    sure = {
        group: Counts(
            positive * t, (1 - positive) * f, (1 - positive) * (1 - f), positive * (1 - t)
        )
        for group, t, f in zip(GROUPS, tpr, fpr, strict=False)
    }
    return evaluate(tree, sure)


# The groups' numbers of positives and of negatives, so that all outcomes are few enough.
SHAPES = (
    ((0, 7), (0, 5)),
    ((2, 3), (3, 2)),
    ((0, 3), (0, 3), (0, 4)),
    ((0, 2), (0, 3), (0, 2), (0, 2)),
)


def small_cases() -> st.SearchStrategy[tuple[str, tuple]]:
    """A line, and a shape that it can be measured on."""
    return st.sampled_from(SHAPES).flatmap(
        lambda shape: st.tuples(
            expressions(
                ("FPR", "TPR") if any(positives for positives, _ in shape) else ("FPR",), len(shape)
            ),
            st.just(shape),
        )
    )


@UNHURRIED
@given(small_cases(), st.sampled_from([0.1, 0.3]), st.integers(0, 99))
@example(("min(FPR | [a], FPR | [b])", SHAPES[0]), 0.1, 0)
@example(("max(FPR | [a], FPR | [b], FPR | [c])", SHAPES[2]), 0.3, 0)
@example(("FPR | [a] - min(FPR | [b], FPR | [c])", SHAPES[2]), 0.3, 0)
@example(("FPR | [a] / (FPR | [b] + FPR | [c])", SHAPES[2]), 0.3, 0)
def test_no_rates_make_a_bound_err_more_often_than_delta_by_enumeration(case, delta, seed):
    """The bounds of all outcomes are found once, and then weighed at 180 points of true rates."""
    line, shape = case
    tree = tree_of(line)
    sizes = np.array([size for pair in shape for size in pair])
    outcomes = np.array(list(product(*(range(size + 1) for size in sizes))))
    low, high = np.array(
        [
            bounds_of(
                tree,
                {
                    group: Counts(tp, fp, n - fp, p - tp)
                    for group, (p, n), tp, fp in zip(
                        GROUPS, shape, row[::2].tolist(), row[1::2].tolist(), strict=False
                    )
                },
                delta,
            )
            for row in outcomes
        ]
    ).T
    rng = np.random.default_rng(seed)
    alike = np.repeat(np.linspace(0, 1, 101)[:, None], len(sizes), axis=1)
    corners = rng.choice([0, 0.05, 0.3, 0.6, 0.95, 1], (29, len(sizes)))
    for rates in (*alike, *corners, *rng.uniform(size=(50, len(sizes)))):
        truth = truth_of(tree, rates[::2], rates[1::2])
        if math.isnan(truth):
            continue  # a divisor that is 0: there is nothing to be wrong about
        mass = binom.pmf(outcomes, sizes, rates).prod(axis=1)
        assert mass[low > truth + 1e-9].sum() <= delta + 1e-12
        assert mass[high < truth - 1e-9].sum() <= delta + 1e-12


DRAWS = 60


@UNHURRIED
@given(st.data(), st.integers(2, 4), st.sampled_from([0.05, 0.2]), st.integers(0, 10**6))
def test_a_bound_errs_within_delta_in_drawn_splits_whose_labels_are_drawn_too(
    data, groups, delta, seed
):
    """Every kind of denominator; what is allowed over delta, 60 honest splits have once in 10^7."""
    rates = ("FPR", "TPR", "ACC", "PPR", "PPV", "FOR", "FPP")
    tree = tree_of(data.draw(expressions(rates, groups)))
    rng = np.random.default_rng(seed)
    alike = rng.random() < 0.5  # where several parts are near their extremes at once
    tpr, fpr = (
        np.full(groups, rng.uniform()) if alike else rng.uniform(size=groups) for _ in range(2)
    )
    sizes, positive = rng.integers(10, 80, groups), rng.uniform(0.2, 0.8)
    truth = truth_of(tree, tpr, fpr, positive)
    wrong = np.zeros(2)
    for _ in range(DRAWS):
        counts = {}
        for group, size, t, f in zip(GROUPS, sizes, tpr, fpr, strict=False):
            shares = (
                positive * t,
                (1 - positive) * f,
                (1 - positive) * (1 - f),
                positive * (1 - t),
            )
            counts[group] = Counts(*map(int, rng.multinomial(size, shares)))
        low, high = bounds_of(tree, counts, delta)
        # NaN, of a denominator that was never seen, is no promise and no error.
        wrong += low > truth + 1e-9, high < truth - 1e-9
    assert wrong.max() <= binom.isf(1e-7, DRAWS, delta)
