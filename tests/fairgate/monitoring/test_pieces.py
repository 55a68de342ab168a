"""What can be watched, and what is refused in words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairgate.constraints.expressions import evaluate
from fairgate.constraints.language import parse
from fairgate.constraints.rates import Counts, Group
from fairgate.errors import SettingsError
from fairgate.monitoring.pieces import Piece, pieces

UNHURRIED = settings(deadline=None)

GROUPS = {"g": ["a", "b", "c"]}
LINES = [
    "FNR | [a] <= 0.2",
    "TPR | [a] - TPR | [b] >= -0.05",
    "max_gap(PPV, [g]) <= 0.1",
    "abs(TPR | [a] - TPR | [b]) + abs(FPR | [a] - FPR | [b]) <= 0.2",
    "min(PPR | [a] / PPR | [b], PPR | [b] / PPR | [a]) >= 0.8",
    "F1 | [a] >= 0.6",
    "FPR | [a] - FPR <= 0.02",
    "2 * max_gap(ERR, [g]) <= 0.1",
    "min(TPR, TNR) >= 0.7",
]
cells = st.integers(1, 40)
outcomes = st.builds(Counts, cells, cells, cells, cells)


def left_side(piece: Piece, counts) -> float:
    terms = zip(piece.rates, piece.factors, strict=True)
    return sum(factor * evaluate(rate, counts) for rate, factor in terms) + piece.constant


@pytest.mark.parametrize("text", LINES)
@UNHURRIED
@given(a=outcomes, b=outcomes, c=outcomes)
def test_the_pieces_hold_together_exactly_if_the_constraint_does(text, a, b, c):
    counts = {Group("g", name): each for name, each in zip("abc", (a, b, c), strict=True)}
    counts[None] = a + b + c
    constraint = parse(text, GROUPS, from_counts=True)
    found = pieces(constraint)
    worst = max(left_side(piece, counts) for piece in found)
    value = constraint.value(counts)
    if abs(worst) > 1e-9:
        assert (worst <= 0) == constraint.is_satisfied(value)
    for piece in found:
        assert piece.lowest - 1e-9 <= left_side(piece, counts) <= piece.highest + 1e-9
    if all(piece.unit is not None for piece in found) and worst > 0:
        assert found[0].unit * worst == pytest.approx(constraint.violation(value))


def test_rates_of_different_groups_share_no_record_and_those_of_everybody_do():
    assert all(piece.disjoint for piece in pieces(parse("max_gap(FPR, [g]) <= 0.1", GROUPS)))
    [piece] = pieces(parse("FPR | [a] - FPR <= 0.1", GROUPS))
    assert not piece.disjoint


@pytest.mark.parametrize(
    "text, said",
    [
        ("min(FPR | [a], FPR | [b]) <= 0.1", "cannot be watched"),
        ("FNR | [a] <= baseline + 0.02", "cannot be watched"),
        ("FPR <= -0.1", "cannot be kept by any classifier"),
        ("FPR <= 1", "kept whatever a model does"),
    ],
)
def test_what_cannot_be_watched_is_refused_in_words(text, said):
    with pytest.raises(SettingsError, match=said):
        pieces(parse(text, GROUPS))


def test_a_gap_between_very_many_groups_is_refused_in_words():
    groups = {"g": [str(number) for number in range(60)]}
    with pytest.raises(SettingsError, match="3,540 pieces"):
        pieces(parse("max_gap(FPR, [g]) <= 0.1", groups))
