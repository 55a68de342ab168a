"""Drawn splits of people with several examples: how far these are alike, and what limits they pass."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from fairgate import command_line, planning
from fairgate.api import gate_config
from fairgate.constraints import parse
from fairgate.constraints.expressions import RateOf
from fairgate.constraints.rates import Group
from fairgate.constraints.units import UnitCounts, UnitTable
from fairgate.errors import SettingsError
from fairgate.gate.prediction import bound_of, sizes_of
from fairgate.gate.unit_draws import correlation, design_effect, drawn, limit_to_pass

WOMEN, MEN = Group("sex", "Female"), Group("sex", "Male")


def people(units: int, each: int | None = None, seed: int = 0) -> UnitCounts:
    """Women and men with 1 to 5 examples, or `each`; all are told No."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 6, units) if each is None else np.full(units, each)
    positives = rng.binomial(sizes, 0.4) if each is None else np.zeros(units, int)
    cells = np.stack([0 * sizes, 0 * sizes, sizes - positives, positives], axis=1).astype(float)
    woman = (np.arange(units) % 2 == 0)[:, None]
    tables = {None: cells, WOMEN: cells * woman, MEN: cells * ~woman}
    of = {group: UnitTable.of(each) for group, each in tables.items()}
    return UnitCounts(units, of, most=float(sizes.max()))


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


@pytest.mark.parametrize("alike", [0.0, 0.3])
def test_a_limit_to_pass_is_passed_four_times_in_five(alike):
    constraint, rates = parse("FPR <= 0.2", {}), dict.fromkeys((None, WOMEN, MEN), (0.1, 0.9))
    split = people(250)
    limit = limit_to_pass(constraint, rates, split, alike, delta=0.05)
    passed = [
        bound_of(constraint, drawn(split, rates, alike, _rng(seed)), 0.05) <= limit
        for seed in range(100, 220)
    ]
    assert 0.65 < np.mean(passed) < 0.93
    if alike:
        assert limit > limit_to_pass(constraint, rates, split, 0.0, delta=0.05) + 0.01


@pytest.fixture
def examples(tmp_path):
    """A file of 150 people with four examples each."""
    rng = np.random.default_rng(0)
    file = tmp_path / "test.csv"
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["person", "sex", "right"])
        for person in range(150):
            sex = ("Female", "Male")[person % 2]
            writer.writerows([f"p{person}", sex, rng.integers(0, 2)] for _ in range(4))
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
