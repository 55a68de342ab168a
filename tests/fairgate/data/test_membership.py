"""Which values make which group: ranges, lists, everything else, and what is not known."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairgate.data.groups import GroupFeature, LabelFeature
from fairgate.data.membership import Membership, Range, Rule, Values, range_of


@pytest.mark.parametrize(
    ("text", "holds", "holds_not"),
    [
        ("<25", [24, 24.999, -5], [25, 26]),
        ("<= 25", [25], [25.1]),
        (">40", [40.5], [40]),
        ("≥ 40", [40], [39.9]),
        ("25-40", [25, 40, 30.5], [24.9, 40.1]),
        ("25 \N{EN DASH} 40", [25, 40], [41]),
        ("-5--1", [-5, -1], [0, -6]),
        ("0.5..1.5", [0.5, 1.5], [2]),
        (">=25 <40", [25, 39.9], [40, 24]),
        ("> 1e3, <= 2e3", [2000], [1000]),
        (">=3 <=3", [3], [2, 4]),
    ],
)
def test_a_range_holds_what_it_says(text, holds, holds_not):
    rule = Rule.of(text)
    found = rule.members(Values.of([*holds, *holds_not])).tolist()
    assert found == [True] * len(holds) + [False] * len(holds_not)
    assert not rule.is_text


@pytest.mark.parametrize(
    "text",
    ["A91", "2021-05", "a|b", "<=50K", ">50K", "<", ">=4 <3", "1-2-3", "<1 or 2", "25-", "-"],
)
def test_what_is_no_range_stands_for_itself(text):
    assert range_of(text) is None
    assert Rule.of(text).members(Values.of([text, "1", 2])).tolist() == [True, False, False]


def test_a_column_may_hold_the_text_that_reads_as_a_range():
    ages = Membership({"Young": Rule.of("<25"), "Middle": Rule.of("25 - 45")}, others="Old")
    found = ages.members(Values.of(["<25", "25 - 45", "Greater than 45", 24, 45, 46]))
    assert [each.tolist() for each in found.groups] == [
        [True, False, False, True, False, False],
        [False, True, False, False, True, False],
        [False, False, True, False, False, True],
    ]


@pytest.mark.parametrize("item", [1, 1.0, "1", "1.0"])
def test_one_is_one_however_it_is_written(item):
    found = Rule.of(item).members(Values.of([1, 1.0, "1", "1.0", " 1 ", "01", True, 2]))
    assert found.tolist() == [True] * 5 + [False] * 3


def test_values_that_say_nothing_are_unknown_before_any_range():
    ages = Membership(
        {"Young": Rule.of("<25"), "Old": Rule.of(">=25")}, unknown=Rule.of((-99, None, "?"))
    )
    found = ages.members(Values.of([-99, None, "", math.nan, "?", 20, "x"]))
    assert found.unknown.tolist() == [True] * 5 + [False] * 2
    assert [each.tolist() for each in found.groups] == [[False] * 5 + [True, False], [False] * 7]
    assert found.strange.tolist() == [False] * 6 + [True]


def test_everything_else_is_a_group_or_not_known():
    values = Values.of(["a", "b", None])
    rules = {"A": Rule.of("a")}
    found = Membership(rules, others="B").members(values)
    assert [each.tolist() for each in found.groups] == [[True, False, False], [False, True, False]]
    assert found.strange.tolist() == [False, False, True]  # no value is no other value
    found = Membership(rules, others_unknown=True).members(values)
    assert found.unknown.tolist() == [False, True, True] and not found.strange.any()
    found = Membership(rules | {"B": Rule.of("b")}, others="A").members(Values.of(["a", "b", "c"]))
    assert [each.tolist() for each in found.groups] == [[True, False, True], [False, True, False]]


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("25-40", "40-60", "25-40"),
        ("<25", ">=25", None),
        ("<25", "25-40", None),
        ("<=25", "25-40", "<=25"),
        (["a", "b"], ["c", "b"], "b"),
        (1, "1.0", "1"),
        ("<18", 17, "17"),
        (None, ["a", None], "nothing"),
        (">=1 <2", ">=2 <3", None),
    ],
)
def test_what_two_groups_share_is_found(one, other, shared):
    assert Rule.of(one).shared_with(Rule.of(other)) == shared
    apart = Membership({"One": Rule.of(one), "Other": Rule.of(other)})
    if shared is None:
        apart.require_apart()
        return
    with pytest.raises(ValueError, match="share a raw value"):
        apart.require_apart()


def test_ranges_meet_where_some_number_is_in_both():
    assert Range(0, 1).meets(Range(1, 2))
    assert not Range(0, 1).meets(Range(1, 2, with_low=False))
    assert Range().meets(Range(5, 5))


# Quantiles.

AGES = {"Young": "<q25", "Middle": "q25-q75", "Old": ">Q75"}


def group(values=AGES, **options) -> GroupFeature:
    return GroupFeature(name="age", values=values, **options)


def test_quantiles_are_measured_once_and_then_are_numbers():
    asked = group(unknown=[-99])
    assert asked.membership.waits_for == ("q25", "q75")
    with pytest.raises(ValueError, match="q25 is a quantile of the training split"):
        asked.membership.members(Values.of([1]))
    found = asked.measured(Values.of([8, 1, 7, 2, None, 6, 3, "x", 5, 4, *[-99] * 20]))
    assert found.quantiles == {"q25": 2.0, "q75": 6.0} and not found.membership.waits_for
    members = found.membership.members(Values.of([1.9, 2, 6, 6.1, -99]))
    assert [each.tolist() for each in members.groups] == [
        [True, False, False, False, False],
        [False, True, True, False, False],
        [False, False, False, True, False],
    ]
    assert found.told("Middle") == "'q25-q75' (2-6)" and found.told("Old") == "'>Q75' (>6)"
    # What is known is not measured again, and what was measured can be written and read.
    assert found.measured(Values.of([100])) == found
    assert GroupFeature.model_validate(found.model_dump(mode="json")) == found


@given(
    st.lists(st.integers(-50, 50), min_size=1, max_size=40),
    st.fractions(0, 100, max_denominator=100).filter(lambda q: 0 < q < 100),
)
def test_a_quantile_is_the_smallest_number_that_so_many_are_not_over(numbers, percent):
    name = f"q{float(percent):.4f}"
    share = float(name[1:]) / 100
    try:
        found = group({"Low": f"<={name}", "High": f">{name}"}).measured(Values.of(numbers))
    except ValueError:
        return
    limit = found.quantiles[name]
    assert limit in numbers
    assert sum(n <= limit for n in numbers) >= share * len(numbers) - 1e-9
    assert sum(n < limit for n in numbers) < share * len(numbers) + 1e-9


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"A": "<q0", "B": ">=q0"}, "q0 is no quantile"),
        ({"A": "<q100", "B": ">=q100"}, "q100 is no quantile"),
        ({"A": "<q50", "B": ">q25"}, "share a raw value"),
        ({"A": "<=q50", "B": ">=q50"}, "share a raw value"),
    ],
)
def test_quantiles_that_make_no_groups_are_refused_before_they_are_measured(values, said):
    with pytest.raises(ValueError, match=said):
        group(values)


@pytest.mark.parametrize(
    ("values", "numbers", "said"),
    [
        (
            {"A": "<=q25", "B": ">q25 <q50", "C": ">=q50"},
            [1, 1, 1, 1],
            "no number is in '>q25 <q50'",
        ),
        ({"A": "<=q25", "B": ">=q50"}, [3, 3, 3], "share a raw value"),
        ({"A": "<q25", "B": ">40"}, [50, 60, 70, 80], "share a raw value"),
        ({"A": "<q25", "B": ">=q25"}, [None, "x"], "has no number to take quantiles of"),
    ],
)
def test_quantiles_that_make_no_groups_are_refused_when_they_are_measured(values, numbers, said):
    asked = group(values, others="Others" if "C" not in values else None)
    with pytest.raises(ValueError, match=said):
        asked.measured(Values.of(numbers))


def test_quantiles_are_given_only_for_what_waits_for_them_and_never_for_a_label():
    assert group(quantiles={"q25": 20, "q75": 60}).membership.waits_for == ()
    with pytest.raises(ValueError, match="'q10' is in no range of values"):
        group(quantiles={"q10": 5})
    with pytest.raises(ValueError, match="q75 is a quantile, and these are for groups"):
        LabelFeature(name="pay", positive=">=q75")
