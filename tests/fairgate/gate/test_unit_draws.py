"""Drawn splits of people with several examples: how far these are alike, and what limits they pass."""

from __future__ import annotations

import csv
import json
import re

import numpy as np
import pytest

from fairgate import command_line, planning
from fairgate.api import gate_config
from fairgate.constraints import parse
from fairgate.constraints.expressions import RateOf
from fairgate.constraints.rates import Group
from fairgate.constraints.units import UnitCounts, UnitTable
from fairgate.errors import SettingsError
from fairgate.gate import advice, prediction
from fairgate.gate.power import ModelRates, limit_to_pass
from fairgate.gate.prediction import Likeness, Size, bound_of, predicted_bound, sizes_of
from fairgate.gate.unit_draws import correlation, design_effect, drawn

WOMEN, MEN = Group("sex", "Female"), Group("sex", "Male")


def people(
    units: int, each: int | None = None, seed: int = 0, weights: tuple[float, ...] = ()
) -> UnitCounts:
    """Women and men with 1 to 5 examples, or `each`, some of which may weigh more; all are told No."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 6, units) if each is None else np.full(units, each)
    positives = rng.binomial(sizes, 0.4) if each is None else np.zeros(units, int)
    cells = np.stack([0 * sizes, 0 * sizes, sizes - positives, positives], axis=1).astype(float)
    woman = (np.arange(units) % 2 == 0)[:, None]
    tables = {None: cells, WOMEN: cells * woman, MEN: cells * ~woman}
    of = {group: UnitTable.of(each) for group, each in tables.items()}
    if not weights:
        return UnitCounts(units, of, most=float(sizes.max()))
    heavy = rng.choice(weights, (units, 1))
    weighed = {group: UnitTable.of(each * heavy) for group, each in tables.items()}
    return UnitCounts(units, weighed, float(sizes.max()) * max(weights), numbers=of)


@pytest.mark.parametrize("alike", [0.0, 0.1, 0.3])
def test_the_correlation_of_draws_is_found_again(alike):
    split = drawn(people(6000), dict.fromkeys((WOMEN, MEN), (0.2, 0.7)), alike, _rng())
    assert correlation(split, RateOf("FPR")) == pytest.approx(alike, abs=0.03)
    assert correlation(split, RateOf("TPR", MEN)) == pytest.approx(alike, abs=0.06)


def test_the_design_effect_is_kishs():
    split = drawn(people(5000, each=4), dict.fromkeys((WOMEN, MEN), (0.3, 0.5)), 0.2, _rng())
    rate = RateOf("FPR")
    assert design_effect(split, rate) == pytest.approx(1 + 3 * correlation(split, rate))
    # What it is for: the variance of the rate over many splits.
    found = [
        drawn(people(200, each=4), dict.fromkeys((WOMEN, MEN), (0.3, 0.5)), 0.2, _rng(seed))[
            None
        ].rate("FPR")
        for seed in range(2000)
    ]
    assert np.var(found) / (0.3 * 0.7 / 800) == pytest.approx(1.6, rel=0.12)


def test_nothing_is_alike_where_nothing_is_known():
    alone = people(50, each=1)
    assert correlation(alone, RateOf("FPR")) == 0 and design_effect(alone, RateOf("FPR")) == 1
    assert correlation(alone, RateOf("FPR", Group("sex", "other"))) == 0
    assert design_effect(alone, RateOf("TPR")) == 1  # there are no positives


def test_a_drawn_split_has_the_examples_of_the_one_it_is_like():
    before = people(300)
    after = drawn(before, dict.fromkeys((WOMEN, MEN), (0.2, 0.7)), 0.1, _rng())
    assert sizes_of(after) == sizes_of(before)
    assert after[None].fp == after[WOMEN].fp + after[MEN].fp


def test_weights_are_drawn_with_their_examples():
    before = people(400, weights=(0.5, 3.0))
    after = drawn(before, dict.fromkeys((WOMEN, MEN), (0.2, 0.7)), 0.1, _rng())
    assert after.weighted and sizes_of(after) == sizes_of(before)
    for group in (None, WOMEN):
        assert after[group].examples == pytest.approx(before[group].examples)
        assert after[group].rate("TPR") == pytest.approx(0.7, abs=0.06)
    assert after[None].fp == pytest.approx(after[WOMEN].fp + after[MEN].fp)


@pytest.mark.parametrize(("each", "alike"), [(1, 0.0), (3, 0.0), (3, 0.3)])
def test_the_design_effect_of_weights_is_how_much_more_a_rate_varies(each, alike):
    split, rates = people(150, each, weights=(1.0, 6.0)), dict.fromkeys((WOMEN, MEN), (0.3, 0.5))
    found = [drawn(split, rates, alike, _rng(seed)) for seed in range(1500)]
    effect = np.mean([design_effect(each, RateOf("FPR")) for each in found[:50]])
    variance = np.var([each[None].rate("FPR") for each in found])
    assert effect == pytest.approx(
        variance / (0.3 * 0.7 / sizes_of(split)[None].negatives), rel=0.15
    )


ONE, GAP = "FPR | [Male] <= 0.3", "max_gap(FPR, [sex]) <= 0.3"


@pytest.mark.parametrize(
    ("line", "weights", "alike", "draws"),
    [
        (ONE, (), 0.3, 80),
        (ONE, (1.0, 4.0), 0.0, 80),
        (ONE, (1.0, 4.0), 0.3, 80),
        (GAP, (1.0, 4.0), 0.3, 16),
    ],
)
def test_the_gate_over_units_is_as_good_as_predicted_as_often_as_promised(
    line, weights, alike, draws
):
    constraint = parse(line, {"sex": ["Female", "Male"]})
    rates = dict.fromkeys((None, WOMEN, MEN), (0.15, 0.8))
    seen, later = people(300, weights=weights), people(500, seed=1, weights=weights)
    kept = {True: [], False: []}
    for seed in range(draws):
        before, after = (drawn(of, rates, alike, _rng(seed)) for of in (seen, later))
        bound = bound_of(constraint, after, 0.05)
        for like in (None, Likeness(before, sizes_of(later))):
            counts, sizes = dict(before), sizes_of(later)
            found = predicted_bound(constraint, counts, sizes, 0.05, like=like)
            kept[like is not None].append(bound <= found)
    assert np.mean(kept[True]) >= 0.8 - 3 * np.sqrt(0.8 * 0.2 / draws)
    assert np.mean(kept[False]) < 0.6  # as if examples were independent, and counted one each


def test_units_with_one_example_each_are_predicted_as_examples_are_but_for_the_bound():
    alone = drawn(people(800, each=1), dict.fromkeys((WOMEN, MEN), (0.2, 0.7)), 0.0, _rng())
    sizes = {group: Size(0, 400) for group in (WOMEN, MEN)} | {None: Size(0, 800)}
    like = Likeness(alone, sizes)
    assert like.worth(MEN, sizes[MEN])[0] == prediction.Worth(400, 1.0)
    constraint = parse("FPR <= 0.3", {})
    plain, found = (
        predicted_bound(constraint, dict(alone), sizes, 0.05, like=each) for each in (None, like)
    )
    wider = like.wider(constraint, 0.05)
    own = prediction.margin(constraint, dict(alone), sizes, 0.05)
    assert found - plain == pytest.approx((wider - 1) * own)


@pytest.mark.parametrize("alike", [0.0, 0.3])
@pytest.mark.parametrize("weights", [(), (1.0, 5.0)])
def test_a_limit_to_pass_is_passed_four_times_in_five(alike, weights):
    constraint, rates = parse("FPR <= 0.2", {}), dict.fromkeys((None, WOMEN, MEN), (0.1, 0.9))
    split, model = people(250, weights=weights), ModelRates(0.1, 0.9)
    limit = limit_to_pass(constraint, model, split, delta=0.05, alike=alike)
    passed = [
        bound_of(constraint, drawn(split, rates, alike, _rng(seed)), 0.05) <= limit
        for seed in range(100, 220)
    ]
    assert 0.65 < np.mean(passed) < 0.93
    if alike:
        assert limit > limit_to_pass(constraint, model, split, delta=0.05) + 0.004


@pytest.fixture
def examples(tmp_path):
    """A file of 150 people with four examples each."""
    rng = np.random.default_rng(0)
    file = tmp_path / "test.csv"
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["person", "sex", "right", "counts"])
        for person in range(150):
            sex = ("Female", "Male")[person % 2]
            writer.writerows(
                [f"p{person}", sex, rng.integers(0, 2), (0.5, 2)[row // 2]] for row in range(4)
            )
    return file


def test_power_speaks_of_units(examples, capsys):
    asked = gate_config("FPR | [Male] <= 0.2", 0.95)
    [plain] = planning.power_of_files([examples], "right", ["sex"], asked)
    [alike] = planning.power_of_files([examples], "right", ["sex"], asked, unit="person", alike=0.3)
    [apart] = planning.power_of_files([examples], "right", ["sex"], asked, unit="person", alike=0.0)
    for share in plain.limits:
        assert plain.limits[share] < apart.limits[share] <= alike.limits[share]
    assert "of 75 units; two outcomes of one are taken to have a correlation of 0.3" in str(alike)
    line = ["power", str(examples), "--label", "right", "--group", "sex"]
    line += ["--constraint", "FPR | [Male] <= 0.2", "--unit", "person", "--correlation", "0.3"]
    assert command_line.main([*line, "--json"]) == 0
    [promise] = json.loads(capsys.readouterr().out)["promises"]
    assert (promise["units"], promise["correlation"]) == (75, 0.3)
    assert [each["limit"] for each in promise["limits"]] == list(alike.limits.values())


def test_power_speaks_of_weights(examples, capsys):
    asked = gate_config("FPR | [Male] <= 0.2", 0.95)
    of = [examples], "right", ["sex"], asked
    [plain] = planning.power_of_files(*of)
    heavy = {"weight": "counts", "largest_weight": 2.0}
    [alone] = planning.power_of_files(*of, **heavy)
    [light] = planning.power_of_files(*of, **heavy | {"largest_weight": 8.0})
    for share in plain.limits:
        assert plain.limits[share] < alone.limits[share] < light.limits[share]
    assert f"{plain.scarcest} (with weights of at most 2). At" in str(alone)
    [both] = planning.power_of_files(*of, **heavy, unit="person", alike=0.3)
    assert both.limits[0.1] > alone.limits[0.1]
    assert "of 75 units with weights of at most 8 together; two outcomes" in str(both)
    line = ["power", str(examples), "--label", "right", "--group", "sex", "--json"]
    line += ["--constraint", "FPR | [Male] <= 0.2", "--weight", "counts"]
    assert command_line.main([*line, "--largest-weight", "2"]) == 0
    [promise] = json.loads(capsys.readouterr().out)["promises"]
    assert (promise["units"], promise["most"]) == (None, 2)
    assert [each["limit"] for each in promise["limits"]] == list(alone.limits.values())
    assert command_line.main(line) == 1
    assert "without --largest-weight" in capsys.readouterr().out


def test_advice_counts_units_whose_examples_have_weights():
    names, told = {"sex": ["Female", "Male"]}, {}
    for each in (1, 3):
        rates = dict.fromkeys((None, WOMEN, MEN), (0.15, 0.8))
        split = drawn(people(200, each, weights=(1.0, 4.0)), rates, 0.1, _rng())
        limit = f"FPR | [Male] <= {split[MEN].rate('FPR') + 0.03:.3f}"
        told[each] = " ".join(advice.when_blocked(gate_config(limit, 0.95), 0.95, names, split))
        assert f"{limit} would pass 4 times in 5 with about" in told[each]
    assert "these are the examples of about" not in told[1]
    assert re.search(r"these are the examples of about \d+ more units", told[3])
    over = drawn(people(200, weights=(1.0, 4.0)), {WOMEN: (0.1, 0.8), MEN: (0.4, 0.8)}, 0.1, _rng())
    asked = gate_config("FPR | [Male] <= 0.2", 0.95)
    [_, even, *_] = advice.when_blocked(asked, 0.95, names, over)
    assert "the same in every group, passes 4 times in 5 if the limit is at least" in even


def test_power_refuses_what_it_cannot_suppose(examples, tmp_path, capsys):
    asked = gate_config("FPR <= 0.2", 0.95)
    with pytest.raises(SettingsError, match="from 0 to under 1"):
        planning.power_of_files([examples], "right", ["sex"], asked, unit="person", alike=1.0)
    table = tmp_path / "counts.csv"
    table.write_text("feature,group,negatives,positives\nsex,a,50,50\nsex,b,50,50\n")
    assert (
        command_line.main(["power", str(table), "--constraint", "FPR <= 0.2", "--unit", "p"]) == 1
    )
    assert "--label and --group" in capsys.readouterr().err


def _rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)
