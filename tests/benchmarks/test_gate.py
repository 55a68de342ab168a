"""The simulation of the gate decides like the bounds themselves."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from benchmarks.gate import decisions, units, weights
from benchmarks.gate.__main__ import finished, missing
from benchmarks.gate.samples import CASES
from benchmarks.gate.simulation import Setting, grid, interval, passes, probability
from fairgate import bounds
from fairgate.bounds import betting
from fairgate.constraints.expressions import RateOf
from fairgate.constraints.language import parse
from fairgate.constraints.rates import Counts, Group
from fairgate.constraints.units import UnitCounts, UnitTable


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


@pytest.mark.parametrize("kind", ["gap", "ratio"])
@pytest.mark.parametrize("name", ["tight", "plain"])
def test_the_probability_is_the_sum_over_all_outcomes_that_pass(kind, name):
    n, m, p, q = 14, 19, 0.7, 0.6
    setting = Setting(kind, (p, q), (n, m), 0.6 if kind == "gap" else 0.3)
    decide = getattr(decisions, f"{name}_{kind}")(setting.limit, 0.05)
    i, j = (each.ravel() for each in np.mgrid[: n + 1, : m + 1])
    passed = [
        decide(int(a), n, int(b), m) and decide(int(b), m, int(a), n)
        for a, b in zip(i, j, strict=True)
    ]
    expected = (binom.pmf(i, n, p) * binom.pmf(j, m, q))[passed].sum()
    assert 0.02 < expected < 0.98
    assert probability(setting, name) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("rates", [(0.3, 0.35, 0.4), (0.3, 0.3, 0.4, 0.2)])
def test_the_probability_of_several_groups_is_theirs_in_draws(rates):
    setting = Setting("gap", rates, (40,) * len(rates), 0.4)
    low, high = interval(passes(setting, "tight", 20_000, 1), 20_000)
    assert low - 0.005 < probability(setting, "tight") < high + 0.005 and 0.1 < low < high < 0.9


def test_several_groups_of_several_sizes_are_not_enumerated():
    with pytest.raises(ValueError, match="one size"):
        probability(Setting("gap", (0.3, 0.3, 0.3), (9, 9, 8), 0.4), "plain")


def test_false_passes_are_within_delta_where_the_simulation_sees_most():
    worst = Setting("ratio", (0.95, 0.76), (200, 200), 0.8)  # 5.26% of ten thousand draws
    assert 0.045 < probability(worst, "tight") <= 0.05


def test_a_run_that_was_stopped_goes_on_behind_its_last_whole_line(tmp_path):
    file = tmp_path / "finished.jsonl"
    assert finished(file) == {}
    file.write_text('["one", {"tight": 1}]\n["two", {"ti')
    assert finished(file) == {"one": {"tight": 1}}
    with file.open("a") as more:
        more.write('["two", {"tight": 2}]\n')
    assert finished(file) == {"one": {"tight": 1}, "two": {"tight": 2}}


def test_what_is_finished_is_not_done_again():
    everything = {repr(each): {} for each in (*grid(), *CASES)}
    assert len(everything) == len(grid()) + len(CASES)
    assert missing(everything) == []
    for each in (grid()[5], CASES[2]):
        rest = {key: row for key, row in everything.items() if key != repr(each)}
        [(_, found)] = missing(rest)
        assert found == [each]


@pytest.mark.parametrize("people", [units.GRID[2], units.GRID[6], units.GRID[-1]])
def test_units_that_are_drawn_are_judged_as_the_bounds_would(people):
    """Played all at once, one by one, and by the library's own bounds."""
    [found] = units.wrongs(people, 40, 3)
    rng = np.random.default_rng(3)
    for over, robust, plain in found:
        rates = units._rates(people, *people.draw(rng))
        if people.gap:
            g, x, y = bounds.Linear(1, -1).rising(*rates)
            point = np.array([[people.rate, 1 - people.rate]])
            assert over == betting.Game.of((x, y), g).rejected(point, delta=0.05)[0]
            continue
        [rate] = rates
        assert over == betting.Game.of(rates).rejected(np.array([[people.truth]]), delta=0.05)[0]
        bound = betting.upper_of_units(rate, 0.05)
        assert over == (bound < people.truth) or abs(bound - people.truth) < 1e-3
        cells = np.stack([0 * rate.events, rate.events, rate.members - rate.events], axis=1)
        table = {None: UnitTable(np.arange(people.units), np.pad(cells, ((0, 0), (0, 1))))}
        counts = UnitCounts(people.units, table, rate.most, "cluster_robust")
        assert robust == (bounds.upper_bound(RateOf("FPR"), counts, 0.05) < people.truth)
        if not people.weighted:
            exact = bounds.upper_bound(RateOf("FPR"), dict(counts), 0.05)
            assert plain == (exact < people.truth)


@pytest.mark.parametrize("survey", [weights.GRID[3], weights.GRID[-1]])
def test_weights_that_are_drawn_are_judged_as_the_bounds_would(survey):
    """Played all at once, one by one, and by the library's own bound."""
    [found] = weights.wrongs(survey, 40, 4)
    rng = np.random.default_rng(4)
    half = np.arange(survey.examples) % 2 == 0
    for over, plain, effective in found:
        events, weight = survey.draw(rng)
        if survey.gap:
            pair = [betting.UnitRate(events * of, weight * of, 10.0) for of in (half, ~half)]
            g, x, y = bounds.Linear(1, -1).rising(*pair)
            point = np.array([[survey.truth, 1 - survey.truth]])
            assert over == betting.Game.of((x, y), g).rejected(point, delta=0.05)[0]
            continue
        rate = betting.UnitRate(events, weight, 10.0)
        bound = betting.upper_of_units(rate, 0.05)
        assert over == betting.Game.of((rate,)).rejected(np.array([[survey.truth]]), delta=0.05)[0]
        assert over == (bound < survey.truth) or abs(bound - survey.truth) < 1e-3
        wrong, told = np.count_nonzero(events), round(weight.sum() ** 2 / (weight**2).sum())
        assert plain == (binom.cdf(wrong, survey.examples, survey.truth) < 0.05)
        assert effective == (binom.cdf(round(rate.rate * told), told, survey.truth) < 0.05)
