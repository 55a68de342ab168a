"""The constraint language: what it reads, and how it says what it cannot read."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fairgate.constraints.algebra import absolute, max_gap, maximum, minimum
from fairgate.constraints.errors import ConstraintError
from fairgate.constraints.expressions import CurveOf, Number, RateOf, add, divide, scale
from fairgate.constraints.language import parse, parse_all
from fairgate.constraints.notation import number_text
from fairgate.constraints.rates import RATES, Group

GROUPS = {
    "Young": ["Young", "Not Young"],
    "Sex": ["M", "F"],
    "Hair": ["Black", "Brown", "Other"],
    "Eyes": ["Brown", "Other", r"odd [\] name"],
    "One": ["only"],
}
YOUNG, OLD = Group("Young", "Young"), Group("Young", "Not Young")
MALE, FEMALE = Group("Sex", "M"), Group("Sex", "F")


def fpr(group):
    return RateOf("FPR", group)


def acc(group):
    return RateOf("ACC", group)


@pytest.mark.parametrize(
    ("text", "expression", "sense", "limit"),
    [
        ("FPR | [Not Young] <= 0.05", fpr(OLD), "<=", 0.05),
        (
            "abs(FPR | [Young] - FPR | [Not Young]) <= 0.02",
            absolute(fpr(YOUNG) - fpr(OLD)),
            "<=",
            0.02,
        ),
        ("max_gap(FPR, [Young]) <= 0.05", max_gap("FPR", [YOUNG, OLD]), "<=", 0.05),
        (
            "min(ACC | [M] / ACC | [F], ACC | [F] / ACC | [M]) >= 0.8",
            minimum(acc(MALE) / acc(FEMALE), acc(FEMALE) / acc(MALE)),
            ">=",
            0.8,
        ),
        ("ACC >= 0.8", RateOf("ACC"), ">=", 0.8),
        ("0.8 <= accuracy", RateOf("ACC"), ">=", 0.8),
        ("recall|[Sex = M]>=.5e0", RateOf("TPR", MALE), ">=", 0.5),
        ("-2 * FPR + 1 - 3 * 4 <= 1 / 4 + (2)", -2 * RateOf("FPR") - 11, "<=", 2.25),
        ("FPR | [ Not Young ] - --1 <= 0", fpr(OLD) - 1, "<=", 0),
        (
            "max(FPR, 2 * FNR, 0.1) <= 0.3",
            maximum(RateOf("FPR"), 2 * RateOf("FNR"), 0.1),
            "<=",
            0.3,
        ),
        (r"FPR | [odd \[\\\] name] <= 1", fpr(Group("Eyes", r"odd [\] name")), "<=", 1),
        ("FPR | [Hair=Brown] <= 1", fpr(Group("Hair", "Brown")), "<=", 1),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) > 2 else "",
)
def test_constraints_are_read(text, expression, sense, limit):
    constraint = parse(text, GROUPS)
    assert constraint.expression == expression
    assert (constraint.sense, constraint.text) == (sense, text)
    assert constraint.limit == pytest.approx(limit)


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("FRP | [Young] <= 0.05", 1, "did you mean 'FPR'"),
        ("ACC + fpr <= 0.05", 7, "did you mean 'FPR'?"),
        ("FPR | [Yung] <= 0.05", 7, "did you mean '[Young]'"),
        ("FPR | [Yung] <= 0.05", 7, "Sex: [M], [F]"),
        ("FPR | [Brown] <= 0.05", 7, "[Hair=Brown] or [Eyes=Brown]"),
        ("FPR | Young <= 0.05", 7, "a group in brackets"),
        ("FPR | [Young <= 0.05", 7, "a closing ']'"),
        ("FPR Young] <= 0.05", 10, "an opening '['"),
        ("FPR", 4, "'<=' or '>=' and a limit"),
        ("", 1, "a rate, a number"),
        ("AUD >= 0.9", 1, "did you mean 'AUC'"),
        ("AUC(0.5) >= 0.9", 4, "unexpected '('"),
        ("recall_at_precision | [Young] >= 0.9", 21, "as in recall_at_precision(0.9)"),
        ("recall_at_precision(9) >= 0.9", 21, "a number between 0 and 1"),
        ("precision_at_recall(0.5 >= 0.9", 25, "')' after the target of precision_at_recall"),
        ("FPR <= 0.05 0.06", 13, "expected the end"),
        ("FPR <= ", 8, "a rate, a number"),
        ("(FPR <= 0.05", 6, "')' to close the '(' in column 1"),
        ("FPR) <= 0.05", 4, "unexpected ')'"),
        ("max(FPR, FNR <= 0.05", 14, "close max( in column 4"),
        ("max() <= 0.05", 5, "a rate, a number"),
        ("abs(FPR, FNR) <= 0.05", 8, "')' to close abs("),
        ("abs FPR <= 0.05", 5, "'(' after abs"),
        ("max_gap(FPR | [Young], [Young]) <= 1", 13, "as in max_gap(FPR, [Feature])"),
        ("max_gap(FPR, [M]) <= 1", 14, "did you mean '[Sex]'"),
        ("max_gap(FPR, [Yuong]) <= 1", 14, "did you mean '[Young]'"),
        ("max_gap(FPR, [One]) <= 1", 14, "two groups or more"),
        ("max_gap(FPR, 2) <= 1", 14, "a feature in brackets"),
        ("max_gap([Young], FPR) <= 1", 9, "a rate (FPR"),
        ("FPR * FNR <= 0.05", 5, "a number on one side of '*'"),
        ("(FPR + FNR) | [M] <= 0.05", 13, "belongs to each rate by itself"),
        ("FPR < 0.05", 5, "expected '<='"),
        ("FPR = 0.05", 5, "'<=' or '>='"),
        ("FPR ≤ 0.05", 5, "expected '<='"),
        ("FPR <= 5%", 9, "0.05 for 5%"),
        ("FPR / 0 <= 1", 5, "division by zero"),
        ("FPR <= 1e999", 8, "a finite number"),
        ("1 <= 2", 3, "a rate on one side"),
        ("FPR <= FNR", 5, "'FPR - FNR <= 0'"),
        ("FPR <= 0.05 <= 1", 13, "the end of the constraint"),
        ("(" * 60 + "FPR" + ")" * 60 + " <= 1", 51, "nested too deep"),
        ("abs(" * 9 + "FPR" + ")" * 9 + " <= 1", 33, "nested too deep"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_an_error_points_at_the_character_and_says_what_was_expected(text, column, message):
    with pytest.raises(ConstraintError) as caught:
        parse(text, GROUPS)
    assert caught.value.column == column
    assert message in str(caught.value)
    _, shown, caret, *_ = str(caught.value).splitlines()
    assert shown == f"  {text}" and caret.index("^") == column + 1


def test_what_counts_cannot_tell_is_refused_where_it_stands():
    with pytest.raises(ConstraintError, match="'roc_auc' can be trained on, not gated") as caught:
        parse("0.1 + roc_auc | [Young] >= 0.9", GROUPS, from_counts=True)
    assert caught.value.column == 7
    assert parse("FPR | [Young] <= 0.1", GROUPS, from_counts=True).groups()


def test_an_error_shows_the_text_with_a_caret_below():
    with pytest.raises(ConstraintError) as caught:
        parse("TPR >= 0.5 + FRP", {})
    assert str(caught.value) == (
        "column 14: unknown rate 'FRP'\n"
        "  TPR >= 0.5 + FRP\n"
        "               ^\n"
        "expected a rate (FPR, FNR, TPR, TNR, PPR, NPR, ACC, ERR, TPP, FNP, FPP, TNP, PPV, FDR, "
        "NPV, FOR, F1, AUC, PR_AUC, recall_at_precision, precision_at_recall); "
        "did you mean 'FPR' or 'FPP'?"
    )


def test_several_constraints_are_numbered():
    texts = ["FPR <= 0.05", "FPR | [Old] <= 0.05"]
    with pytest.raises(ConstraintError, match="line 2, column 7") as caught:
        parse_all(texts, GROUPS)
    assert caught.value.line == 2
    assert [c.text for c in parse_all(["FPR <= 1", "ACC >= 0"], {})] == ["FPR <= 1", "ACC >= 0"]


def test_a_text_of_several_lines_may_hold_comments():
    text = "# the gate\nFPR <= 0.05\n\n  ACC >= 0.5\n"
    assert [c.text for c in parse_all(text, {})] == ["FPR <= 0.05", "ACC >= 0.5"]
    with pytest.raises(ConstraintError, match="line 3"):
        parse_all("FPR <= 1\n\nnonsense", {})


@pytest.mark.parametrize("value", [5, None, ["FPR <= 1"]])
def test_what_is_no_text_is_refused(value):
    with pytest.raises(ConstraintError, match="not text"):
        parse(value, GROUPS)


def test_malformed_groups_are_refused():
    with pytest.raises(ValueError, match="a list of names"):
        parse("FPR <= 1", {"Young": "Young"})
    with pytest.raises(ValueError, match="twice"):
        parse("FPR <= 1", {"Young": ["a", "a"]})


numbers = st.one_of(
    st.integers(-1000, 1000).map(float), st.floats(-1e6, 1e6), st.sampled_from([1e-7, 0.1, 1e22])
)
groups = st.sampled_from([Group(f, g) for f, names in GROUPS.items() for g in names] + [None])
rates = st.builds(RateOf, st.sampled_from(list(RATES)), groups)
gaps = st.builds(
    lambda rate, feature: max_gap(rate, [Group(feature, g) for g in GROUPS[feature]]),
    st.sampled_from(list(RATES)),
    st.sampled_from(["Young", "Hair"]),
)
curves = st.builds(CurveOf, st.sampled_from(["AUC", "PR_AUC"]), groups) | st.builds(
    CurveOf,
    st.sampled_from(["recall_at_precision", "precision_at_recall"]),
    groups,
    st.sampled_from([0.1, 1 / 3, 0.999]),
)
expressions = st.recursive(
    rates | curves | gaps | numbers.map(Number),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda terms: add(*terms)),
        st.builds(scale, numbers, inner),
        st.builds(divide, inner, inner.filter(lambda node: not isinstance(node, Number))),
        st.lists(inner, min_size=1, max_size=3).map(lambda nodes: maximum(*nodes)),
        st.lists(inner, min_size=1, max_size=3).map(lambda nodes: minimum(*nodes)),
    ),
    max_leaves=6,
)


@given(expressions.filter(lambda node: not isinstance(node, Number)), numbers)
def test_the_text_of_an_expression_reads_back_to_it(expression, limit):
    constraint = parse(f"{expression} <= {number_text(limit)}", GROUPS)
    assert constraint.expression == expression
    assert constraint.limit == limit
    again = constraint.with_limit(0.25)
    assert parse(again.text, GROUPS).expression == expression


PIECES = ["FPR", "ACC", "max", "min", "abs", "max_gap", "(", ")", "[Young]", "[M]", "|", ",", "<="]
PIECES += [">=", "+", "-", "*", "/", "0", "1e308", "0.05", " ", "[", "]", "\\", "x", "é", "\n"]


@given(st.text() | st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
@example("-" * 10_000 + "FPR <= 1")
@example("(" * 10_000)
@example("abs(" * 10_000)
@example("FPR <= " + "1e308*" * 4 + "1")
@example("1e-320*FPR/1e-320/1e-320 <= 1")
@example("[\\")
def test_random_text_is_read_or_refused_with_a_constraint_error(text):
    try:
        parse(text, GROUPS)
    except ConstraintError as error:
        assert 1 <= error.column <= len(text) + 1


def test_reading_a_constraint_needs_no_tensorflow():
    code = (
        "import sys, fairgate.constraints.language,"
        "fairgate.constraints.linear, fairgate.bounds,"
        "fairgate.optimization.candidates\n"
        "assert not {'tensorflow', 'keras', 'tfx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "line", ["FPR | [C#] <= 0.05  # at most, >= 0", "FPR | [C#] <= 0.05 #", "FPR | [C#] <= 0.05# x"]
)
def test_a_comment_ends_a_line_and_is_no_part_of_the_constraint(line):
    constraint = parse(line, {"Skill": ["C#", "none"]})
    assert constraint.text == "FPR | [C#] <= 0.05" and constraint.limit == 0.05


# Crossings.

PEOPLE = {"Age": ["Young", "Old"], "Sex": ["F", "M"], "R & D": ["in", "out"]}


@pytest.mark.parametrize(
    "content", ["Young & M", "M&Young", " M & Age=Young ", "Age x Sex=Young & M"]
)
def test_an_intersection_is_the_same_group_however_it_is_written(content):
    [group] = parse(f"FPR | [{content}] <= 0.1", PEOPLE).groups()
    assert group == Group("Age x Sex", "Young & M")
    assert parse(f"FPR | [{group}] <= 0.1", PEOPLE).groups() == (group,)


@pytest.mark.parametrize("feature", ["Age x Sex", "Sex x Age", "Age \N{MULTIPLICATION SIGN} Sex"])
def test_all_groups_of_a_crossing_are_compared(feature):
    groups = parse(f"max_gap(FPR, [{feature}]) <= 0.1", PEOPLE).groups()
    names = ["Young & F", "Young & M", "Old & F", "Old & M"]
    assert groups == tuple(Group("Age x Sex", name) for name in names)


def test_three_features_are_crossed_and_names_keep_their_and():
    [group] = parse("FPR | [in & F & Old] <= 0.1", PEOPLE).groups()
    assert group == Group("Age x Sex x R & D", "Old & F & in")
    assert len(parse("max_gap(FPR, [R & D x Age]) <= 0.1", PEOPLE).groups()) == 4


def test_what_is_declared_goes_before_what_can_be_put_together():
    groups = PEOPLE | {"Other": ["Young & M", "no"], "Age x Sex": ["Young & F", "Old & M"]}
    assert parse("FPR | [Young & M] <= 0.1", groups).groups() == (Group("Other", "Young & M"),)
    assert len(parse("max_gap(FPR, [Sex x Age]) <= 0.1", groups).groups()) == 2
    with pytest.raises(ConstraintError, match="unknown group"):
        parse("FPR | [Old & F] <= 0.1", groups)  # a cell that was left out


@pytest.mark.parametrize("content", ["Young & Old", "Young & ", "& M", "Young & X"])
def test_what_is_no_intersection_is_an_unknown_group(content):
    with pytest.raises(ConstraintError, match="unknown group"):
        parse(f"FPR | [{content}] <= 0.1", PEOPLE)


@pytest.mark.parametrize("line", ["max_gap(FPR, [Age x Sex])", "FPR | [Young & M]"])
def test_a_declared_crossing_keeps_its_name_in_any_order_of_the_features(line):
    """JSON with sorted keys loses the order in which features were declared."""
    names = {"Sex": ["M", "F"], "Age": ["Young", "Old"]}
    names["Sex x Age"] = ["M & Young", "M & Old", "F & Young", "F & Old"]
    found = parse(f"{line} <= 0.1", dict(sorted(names.items())))
    assert found == parse(f"{line} <= 0.1", names)
    assert {group.feature for group in found.groups()} == {"Sex x Age"}
