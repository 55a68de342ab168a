"""Labels of more than two classes: outcomes, and rates of one class against the rest."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairgate.bounds.shares import disjoint
from fairgate.constraints.classes import (
    CLASSES,
    answers,
    changes,
    confusion,
    outcomes,
    regardless,
    seen_as,
)
from fairgate.constraints.errors import ConstraintError
from fairgate.constraints.expressions import ChangeOf, RateOf
from fairgate.constraints.language import parse
from fairgate.constraints.linear import linearize
from fairgate.constraints.rates import RATES, Group, count_outcomes

NAMES = ["A", "B", "two words", "3"]
GROUPS = {"Race": ["White", "Black"], CLASSES: NAMES}
WHITE, BLACK = Group("Race", "White"), Group("Race", "Black")
PEOPLE = st.lists(st.tuples(*[st.integers(0, 3)] * 3, st.booleans()), min_size=1, max_size=40)


def counted(rows):
    labels, said, other, white = map(np.array, zip(*rows, strict=True))
    members = {None: np.ones(len(rows), bool), WHITE: white, BLACK: ~white}
    tables = {group: confusion(labels[m], said[m], 4) for group, m in members.items()}
    moved = {group: changes(labels[m], said[m], other[m], 4) for group, m in members.items()}
    return labels, said, other, members, outcomes(tables, NAMES, moved)


@given(PEOPLE)
def test_outcomes_are_those_of_counting_each_class_against_the_rest(rows):
    labels, said, _, members, found = counted(rows)
    for group, rows_of in members.items():
        for place, name in enumerate(NAMES):
            expected = count_outcomes(said == place, labels == place, rows_of)
            assert found[seen_as(group, name)] == expected
        right = (said == labels)[rows_of]
        assert found[group].trials("ACC") == (right.sum(), len(right))
        assert found[group].trials("ERR") == ((~right).sum(), len(right))


@given(PEOPLE)
def test_a_change_is_the_difference_of_both_models_rates(rows):
    labels, said, other, members, found = counted(rows)
    for group, of in members.items():
        if of.any():
            expected = (said == labels)[of].mean() - (other == labels)[of].mean()
            assert found[group].change("ACC") == pytest.approx(expected)
        of_b = of & (labels == 1)
        if of_b.any():
            expected = (said == 1)[of_b].mean() - (other == 1)[of_b].mean()
            assert found[seen_as(group, "B")].change("TPR") == pytest.approx(expected)


@given(PEOPLE)
def test_what_is_expected_over_draws_that_are_sure_is_what_is_counted(rows):
    labels, said, *_ = counted(rows)
    weights = np.linspace(0.5, 2, len(labels))
    for own in (None, weights):
        drawn = confusion(labels, np.eye(4)[said], 4, own)
        np.testing.assert_allclose(drawn, confusion(labels, said, 4, own))


def test_answers_are_of_classes_or_yes_and_no():
    table = np.array([[3, 1, 0, 0], [0, 2, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]])
    assert answers(outcomes({None: table}, NAMES)) == {"A": 4, "B": 3, "two words": 0, "3": 0}
    assert answers({None: count_outcomes([1, 0, 0], [1, 1, 0])}) == {"Yes": 1, "No": 2}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("TPR(A) >= 0.5", "TPR(A)"),
        ("recall( 3 ) | [White] >= 0.5", "TPR(3) | [Race=White]"),
        ("FPR([two words])|[Black] <= 0.5", "FPR([two words]) | [Race=Black]"),
        ("max_gap(ERR, [Race]) <= 0.1", None),
        ("ACC(A) - ACC >= 0", "ACC(A) - ACC"),
        ("F1(B) >= 0.2", "2 * TPP(B) / (2 * TPP(B) + FNP(B) + FPP(B))"),
        ("abs(PPR(A) | [White] - PPR(A) | [Black]) <= 0.1", None),
        ("max_change(TPR(A), [Race]) <= 0.1", None),
        ("FNR(A) | [White] <= baseline + 0.02", "change(FNR(A) | [Race=White])"),
    ],
)
def test_an_expression_reads_back_from_its_text(text, shown):
    constraint = parse(text, GROUPS)
    assert shown in (None, str(constraint.expression))
    again = parse(f"{constraint.expression} {constraint.sense} {constraint.limit}", GROUPS)
    assert again.expression == constraint.expression
    assert set(constraint.groups()) <= {WHITE, BLACK}


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["C"]), min_size=1).filter(str.strip),
        min_size=3,
        max_size=5,
        unique_by=str.strip,
    )
)
def test_any_name_of_a_class_can_be_written(names):
    for name in names:
        rate = RateOf("TPR", seen_as(WHITE, name))
        read = parse(f"{rate} >= 0.5", {"Race": ["White", "Black"], CLASSES: names}).expression
        assert read == rate


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("TPR >= 0.5", 1, "'TPR' of which class?"),
        ("TPR(D) >= 0.5", 5, "'D' is no class of the label"),
        ("TPR(a) >= 0.5", 5, "did you mean 'A'?"),
        ("TPR() >= 0.5", 5, "')' is no class of the label"),
        ("TPR(A >= 0.5", 7, "expected ')' after the class of TPR"),
        ("AUC >= 0.5", 1, "a label of 4 classes has several"),
        ("max_gap(FPR, [Race]) <= 1", 9, "'FPR' of which class?"),
    ],
)
def test_what_is_wrong_with_a_class_is_said(text, column, said):
    with pytest.raises(ConstraintError) as raised:
        parse(text, GROUPS)
    assert raised.value.column == column and said in str(raised.value)


def test_a_binary_label_has_no_classes():
    with pytest.raises(ConstraintError, match=r"unexpected '\('"):
        parse("TPR(A) >= 0.5", {"Race": ["White", "Black"]})


def test_a_gap_of_a_class_is_linear_and_regardless_of_it_are_its_groups():
    gap = parse("max_gap(TPR(A), [Race]) <= 0.1", GROUPS)
    assert len(linearize(gap)) == 2
    assert gap.groups() == (WHITE, BLACK)
    assert regardless(seen_as(None, "A")) is None and regardless(WHITE) == WHITE
    with pytest.raises(ValueError, match="is not known"):
        ChangeOf("PPV", seen_as(WHITE, "A"))


def test_rates_are_disjoint_exactly_if_nobody_can_be_in_both():
    """By all that somebody may be: of a class, told to be one, in a group."""
    seen = [None, *(seen_as(None, name) for name in "AB")]
    seen += [
        group if name is None else seen_as(group, name)
        for group in (WHITE, BLACK)
        for name in (None, "A")
    ]
    rates = [
        RateOf(name, group)
        for name in RATES
        for group in seen
        if group is None or group.of or name in ("ACC", "ERR")
    ]
    rates = [rate for rate in rates if rate.group is not None or rate.rate in ("ACC", "ERR")]
    people = list(itertools.product("ABC", "ABC", ("White", "Black")))

    def among(rate, label, said, race):
        if rate.group is not None and rate.group.feature and rate.group.name != race:
            return False
        of = rate.group.of if rate.group else ""
        return {
            "all": True,
            "positives": label == of,
            "negatives": label != of,
            "predicted_positives": said == of,
            "predicted_negatives": said != of,
        }[RATES[rate.rate].denominator]

    for one, other in itertools.combinations(rates, 2):
        never_both = not any(among(one, *p) and among(other, *p) for p in people)
        if disjoint(one, other):
            assert never_both, (one, other)
