"""People with several examples, and weights: `judge(unit=, weight=)` and `fairgate judge --unit`."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

import fairgate
from fairgate import api, bounds, command_line
from fairgate.bounds.betting import UnitRate, upper_of_units
from fairgate.constraints.rates import Group
from fairgate.constraints.units import order
from fairgate.data import columns, units
from fairgate.errors import DataError, SettingsError
from fairgate.report import judgement_page
from tests.fairgate.people import figures

GAP = "max_gap(FPR, [sex]) <= 0.1"


class People:
    """Up to eight examples each, of which mistakes resemble each other; seeded."""

    def __init__(self, people: int = 600, seed: int = 0):
        rng = np.random.default_rng(seed)
        each = rng.integers(1, 9, people)
        self.unit = np.repeat([f"p{number}" for number in range(people)], each)
        self.sex = np.repeat(np.array(["Female", "Male"])[rng.integers(0, 2, people)], each)
        rate = np.repeat(rng.beta(0.5, 4.5, people), each)
        self.labels = rng.integers(0, 2, len(self.unit))
        wrong = rng.random(len(self.unit)) < rate
        self.said = np.where(wrong, 1 - self.labels, self.labels)
        self.weight = rng.uniform(0.5, 2, len(self.unit))

    def judge(self, **changes):
        arguments = {"groups": {"sex": self.sex}, "constraints": [GAP]} | changes
        return fairgate.judge(self.labels, self.said, **arguments)


def test_bounds_over_people_are_wider_and_say_what_they_would_be():
    people = People()
    plain, over = people.judge(), people.judge(unit=people.unit)
    assert plain.gate[0].value == over.gate[0].value
    assert over.gate[0].upper_bound > plain.gate[0].upper_bound
    assert over.gate[0].independent_bound == plain.gate[0].upper_bound
    assert plain.gate[0].independent_bound is None
    assert over.models == plain.models
    assert "600 units, of at most 8 examples each" in str(over.sampling)
    assert "independent draws" in str(plain.sampling)


def test_the_approximate_bound_lies_between_and_says_so():
    people = People()
    over = people.judge(unit=people.unit).gate[0].upper_bound
    robust = people.judge(unit=people.unit, units="cluster_robust")
    assert robust.gate[0].independent_bound < robust.gate[0].upper_bound < over
    assert "approximate" in str(robust.sampling)


def test_the_order_of_rows_plays_no_part():
    people = People()
    expected = people.judge(unit=people.unit).gate
    mixed = np.random.default_rng(1).permutation(len(people.unit))
    for name in ("unit", "sex", "labels", "said"):
        setattr(people, name, getattr(people, name)[mixed])
    assert people.judge(unit=people.unit).gate == expected


def test_batches_change_nothing(monkeypatch):
    people = People()
    expected = people.judge(unit=people.unit, baseline=1 - people.said)
    monkeypatch.setattr(columns, "ROWS", 100)
    monkeypatch.setattr(units, "_FEW", 50)
    assert people.judge(unit=people.unit, baseline=1 - people.said) == expected


def test_weights_of_one_are_no_weights_but_for_the_kind_of_bound():
    people = People()
    ones = people.judge(weight=np.ones(len(people.unit)), largest_weight=1)
    plain = people.judge()
    assert ones.models == plain.models
    assert ones.gate[0].value == plain.gate[0].value
    assert ones.gate[0].upper_bound == pytest.approx(plain.gate[0].upper_bound, abs=0.02)


@pytest.mark.parametrize("by_unit", [False, True])
def test_weighted_rates_are_the_sums_of_weights(by_unit):
    people = People()
    unit = {"unit": people.unit} if by_unit else {}
    found = people.judge(weight=people.weight, largest_weight=2, **unit)
    for name, group in found.outcomes.groups.items():
        of = (people.sex == name) & (people.labels == 0)
        expected = people.weight[of & (people.said == 1)].sum() / people.weight[of].sum()
        assert group.fpr == pytest.approx(expected)
        assert group.negatives == of.sum()
    assert found.gate[0].upper_bound > found.gate[0].value
    assert found.sampling.weighted


def test_by_unit_and_weight_the_bound_is_that_of_the_sums():
    """From the sums, put in the order that the names have, by the library's own bound of a rate."""
    people = People()
    [row] = people.judge(
        weight=people.weight, largest_weight=2, unit=people.unit, constraints=["FPR <= 0.5"]
    ).gate
    names = list(dict.fromkeys(people.unit))
    events, members = np.zeros(len(names)), np.zeros(len(names))
    for place, name in zip(order(names), names, strict=True):
        of = (people.unit == name) & (people.labels == 0)
        members[place] = people.weight[of].sum()
        events[place] = people.weight[of & (people.said == 1)].sum()
    largest = max(np.count_nonzero(people.unit == name) for name in names)
    expected = upper_of_units(UnitRate(events, members, 2.0 * largest), 0.05)
    assert row.upper_bound == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"weight": "weight"}, "without largest_weight"),
        ({"weight": "weight", "largest_weight": 1.5}, "over the largest_weight of 1.5"),
        ({"weight": "negative", "largest_weight": 2}, "-1 as a weight"),
        ({"weight": "missing", "largest_weight": 2}, "'weight' has no value in 1 "),
        ({"unit": "unit", "largest_unit": 3}, "more than the largest_unit of 3"),
        ({"unit": "unit", "largest_unit": 0}, "expected a number over 0"),
        ({"unit": "nobody"}, "'unit' has no value in 1 "),
    ],
)
def test_what_promises_nothing_is_refused_in_a_sentence(changes, told):
    people = People(40)
    wrong = {
        "unit": people.unit,
        "weight": people.weight,
        "negative": np.append(-1.0, people.weight[1:]),
        "missing": np.append(np.nan, people.weight[1:]),
        "nobody": [None, *people.unit[1:]],
    }
    given = {
        name: wrong.get(value, value) if isinstance(value, str) else value
        for name, value in changes.items()
    }
    with pytest.raises((DataError, SettingsError), match=told):
        people.judge(**given)


def test_blocked_over_people_more_examples_are_advised():
    people = People(150)
    judged = people.judge(unit=people.unit)
    assert not judged.blessed
    [advice] = [line for line in judged.advice if "would pass 4 times in 5" in line]
    plain = people.judge().advice
    assert advice not in plain
    assert "more units, since bounds are over units" in advice


def test_the_page_shows_both_bounds():
    people = People()
    over = people.judge(unit=people.unit)
    page = judgement_page(over, "people")
    assert "Bounds are over 600 units" in page
    assert f"{over.gate[0].independent_bound:.4f}" in page
    assert "if examples were independent" in page
    plain = judgement_page(people.judge(), "people")
    assert "taken as independent draws" in plain and "if examples were independent" not in plain


@pytest.mark.parametrize("weighted", [False, True])
def test_a_sealed_judgement_over_people_tells_no_figures(tmp_path, weighted):
    people = People(150)
    named = {"unit": people.unit, "baseline": 1 - people.said, "constraints": ["FPR <= 0.05"]}
    if weighted:
        named |= {"weight": people.weight, "largest_weight": 2}
    open_one = people.judge(**named)
    sealed = people.judge(**named, ledger=api.Ledger(tmp_path, attempts=3))
    assert sealed.sealed and not sealed.blessed
    told = f"{sealed!r} {sealed} {sealed.as_document()} {judgement_page(sealed, 'people')}"
    shown = figures(open_one)
    if not weighted:
        shown.append(f"{open_one.gate[0].independent_bound:.4f}")
    page = judgement_page(open_one, "people")
    for figure in shown:
        assert figure in page
        assert figure not in told and figure[:-1] not in told
    # What the bounds are over is the same for every model.
    assert sealed.sampling == open_one.sampling and "units=150" in told


def test_the_command_takes_a_unit_and_weights(tmp_path, capsys):
    people = People()
    file = tmp_path / "said.csv"
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["person", "sex", "right", "said", "w"])
        writer.writerows(
            zip(people.unit, people.sex, people.labels, people.said, people.weight, strict=True)
        )
    line = [
        str(file),
        "--label",
        "right",
        "--prediction",
        "said",
        "--group",
        "sex",
        "--constraint",
        GAP,
    ]
    weighed = ["--weight", "w", "--largest-weight", "2"]
    command_line.main(["judge", *line, "--json", "--unit", "person", *weighed])
    document = json.loads(capsys.readouterr().out)
    expected = people.judge(unit=people.unit, weight=people.weight, largest_weight=2)
    assert document["gate"][0]["upper_bound"] == expected.gate[0].upper_bound
    assert document["sampling"]["units"] == 600
    command_line.main(["judge", *line, "--unit", "person"])
    assert "Bounds are over 600 units" in capsys.readouterr().out
    assert command_line.main(["judge", *line, "--weight", "w"]) == 1
    assert "--largest-weight" in capsys.readouterr().err


def test_many_rows_of_few_people_take_little_memory():
    """Sums are kept by unit: a hundred thousand rows of 50 people are 400 sums, at most."""
    tally = units.UnitTally()
    rng = np.random.default_rng(0)
    names = columns.encode([f"p{number}" for number in rng.integers(0, 50, 100_000)])
    codes = [rng.integers(0, 2, 100_000) for _ in range(3)]
    for _ in range(15):
        tally.add(names, None, codes)
    assert tally._kept < 1_000_000
    counts = tally.outcomes(0, np.array([False, True]), {"sex": ["a", "b"]}, "betting")
    assert counts[None].examples == 1_500_000
    assert len(counts.tables[Group("sex", "a")].places) == 50
    assert bounds.upper_bound(fairgate.parse("ACC <= 1", {}).expression, counts, 0.05) > 0.5


def test_a_change_against_another_model_is_bounded_over_people_with_weights():
    people = People(3000)
    # The other model errs on no man.
    other = np.where(people.sex == "Male", people.labels, people.said)
    named = {"unit": people.unit, "weight": people.weight, "largest_weight": 2}
    line = "FPR | [Male] <= baseline + 0.3"
    found = people.judge(**named, baseline=other, constraints=[line])
    men = (people.sex == "Male") & (people.labels == 0)
    weight = people.weight[men]
    change = np.average(people.said[men].astype(float) - other[men], weights=weight)
    [row] = found.gate
    assert row.value == pytest.approx(change) and change < row.upper_bound < change + 0.1
    assert any(each.startswith("the false positive rate of Male rose") for each in found.cost)
    assert not any("Female" in each for each in found.cost)
    apart = people.judge(baseline=other, constraints=[line])
    assert apart.gate[0].upper_bound < row.upper_bound
