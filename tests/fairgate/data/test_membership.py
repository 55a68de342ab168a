"""Which values make which group: ranges, lists, everything else, and what is not known."""

from __future__ import annotations

import math

import pytest

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
