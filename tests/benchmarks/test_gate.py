"""The simulation of the gate decides like the bounds themselves."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from benchmarks.gate import decisions
from benchmarks.gate.simulation import Setting, grid, passes
from components.constrained_optimization import bounds
from components.constrained_optimization.language import parse
from components.constrained_optimization.rates import Counts, Group


@pytest.mark.parametrize("rule", ["tight_gap", "plain_gap", "tight_ratio", "plain_ratio"])
def test_the_frontier_gives_every_decision_of_the_bound(rule):
    n, m = 14, 19
    decide = getattr(decisions, rule)(0.3 if "gap" in rule else 0.6, 0.05)
    frontier = decisions.Frontier(decide, n, m)
    i, j = (each.ravel() for each in np.mgrid[: n + 1, : m + 1])
    expected = [decide(int(a), n, int(b), m) for a, b in zip(i, j, strict=True)]
    assert 0 < sum(expected) < len(expected)
    np.testing.assert_array_equal(frontier(i, j), expected)


@pytest.mark.parametrize("kind, line", [("gap", "max_gap(ACC, [F]) <= 0.3"), ("ratio", None)])
@pytest.mark.parametrize("name, method", [("tight", "exact"), ("plain", "clopper_pearson")])
def test_drawn_splits_pass_as_the_gate_would_let_them(kind, line, name, method):
    groups = {"F": ["a", "b"]}
    line = line or "min(ACC | [a] / ACC | [b], ACC | [b] / ACC | [a]) >= 0.6"
    constraint = parse(line, groups)
    bound = bounds.upper_bound if constraint.sense == "<=" else bounds.lower_bound
    rng = np.random.default_rng(3)
    first, second = rng.binomial(40, 0.7, 60), rng.binomial(40, 0.75, 60)
    expected = 0
    for k, j in zip(first, second, strict=True):
        counts = {
            Group("F", g): Counts(int(c), 40 - int(c), 0, 0)
            for g, c in zip("ab", (k, j), strict=True)
        }
        found = bound(constraint.expression, counts, 0.05, method)
        expected += found <= constraint.limit if constraint.sense == "<=" else found >= 0.6
    setting = Setting(kind, (0.7, 0.75), (40, 40), constraint.limit)
    assert 0 < expected < 60
    assert passes(setting, name, 60, 3) == expected


def test_the_grid_covers_both_sides_of_the_limit():
    for kind in ("gap", "ratio"):
        assert {s.violated for s in grid() if s.kind == kind} == {True, False}
    assert Setting("gap", (0.3, 0.35), (9, 9), 0.05).violated
    assert not Setting("ratio", (0.8, 0.72), (9, 9), 0.8).violated


def test_false_passes_by_enumeration_are_within_delta_where_the_simulation_sees_most():
    n, p, q = 200, 0.95, 0.76  # at the limit 0.8; ten thousand draws said 0.0526 here
    frontier = decisions.Frontier(decisions.tight_ratio(0.8, 0.05), n, n)
    i = np.arange(170, n + 1)
    least = np.array(
        [next((j for j in range(n + 1) if ok[j]), n + 1) for ok in _table(frontier, i)]
    )
    passed = float(binom.pmf(i, n, p) @ binom.sf(least - 1, n, q)) + binom.cdf(169, n, p)
    assert 0.045 < passed <= 0.05


def _table(frontier, i):
    j = np.arange(frontier._m + 1)
    return [frontier(np.full(len(j), int(value)), j) for value in i]
