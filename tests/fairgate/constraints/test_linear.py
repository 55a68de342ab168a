"""From constraints to linear pieces."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairgate.constraints.errors import NotTrainableError
from fairgate.constraints.expressions import RateOf, violations
from fairgate.constraints.language import parse
from fairgate.constraints.linear import linearize
from fairgate.constraints.rates import Counts, Group

GROUPS = {"F": ["a", "b"], "H": ["x", "y", "z"]}
A, B = Group("F", "a"), Group("F", "b")


def pieces(text):
    return [
        ({str(rate): factor for rate, factor in piece.coefficients}, pytest.approx(piece.constant))
        for piece in linearize(parse(text, GROUPS))
    ]


def values(text, counts):
    """The left-hand sides of the pieces, on counted outcomes."""
    held = [piece.as_expression() <= 0 for piece in linearize(parse(text, GROUPS))]
    return violations(held, counts)


FA, FB = "FPR | [F=a]", "FPR | [F=b]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FPR | [a] <= 0.05", [({FA: 1}, -0.05)]),
        ("FPR | [a] >= 0.05", [({FA: -1}, 0.05)]),
        (
            "abs(FPR | [a] - FPR | [b]) <= 0.02",
            [({FA: 1, FB: -1}, -0.02), ({FA: -1, FB: 1}, -0.02)],
        ),
        ("max_gap(FPR, [F]) <= 0.02", [({FA: 1, FB: -1}, -0.02), ({FB: 1, FA: -1}, -0.02)]),
        ("FPR | [a] / FPR | [b] <= 1.2", [({FA: 1, FB: -1.2}, 0)]),
        (
            "min(FPR | [a] / FPR | [b], FPR | [b] / FPR | [a]) >= 0.8",
            [({FA: -1, FB: 0.8}, 0), ({FB: -1, FA: 0.8}, 0)],
        ),
        (
            "abs(FPR | [a] / FPR | [b] - 1) <= 0.25",
            [({FA: 1, FB: -1.25}, 0), ({FA: -1, FB: 0.75}, 0)],
        ),
        ("2 * max(FPR | [a], FPR | [b]) - 1 <= 0", [({FA: 1}, -0.5), ({FB: 1}, -0.5)]),
        ("-min(FPR | [a], FPR | [b]) <= -0.5", [({FA: -1}, 0.5), ({FB: -1}, 0.5)]),
        (
            "max(FPR | [a], FPR | [b]) + max(ACC, ERR) <= 1",
            [
                ({FA: 1, "ACC": 1}, -1),
                ({FA: 1, "ERR": 1}, -1),
                ({FB: 1, "ACC": 1}, -1),
                ({FB: 1, "ERR": 1}, -1),
            ],
        ),
        ("FPR | [a] + FPR | [a] <= 0.5", [({FA: 2}, -0.5)]),
        ("max(FPR | [a], 0.01) <= 0.05", [({FA: 1}, -0.05)]),
        ("FPR <= 1", []),
        ("FPR - FPR <= 0.1", []),
    ],
)
def test_pieces_have_their_closed_form(text, expected):
    assert pieces(text) == expected


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("min(FPR | [a], FPR | [b]) <= 0.1", "min(FPR | [F=a], FPR | [F=b])"),
        ("max(FPR, FNR) >= 0.1", "max(FPR, FNR)"),
        ("FPR | [a] / FPR | [b] - FNR <= 0.1", "FPR | [F=a] / FPR | [F=b]"),
        ("FPR / (FNR - 0.5) <= 0.1", "FNR - 0.5"),
        ("ACC >= 1.1", "-ACC + 1.1 <= 0"),
        ("max(FPR, 0.1) <= 0.05", "0.05 <= 0"),
    ],
)
def test_what_cannot_be_trained_on_is_named(text, part):
    with pytest.raises(NotTrainableError) as caught:
        linearize(parse(text, GROUPS))
    assert caught.value.part == part
    assert text in str(caught.value) and "what would work" in str(caught.value)


def test_sums_of_many_maxima_are_refused_instead_of_multiplied_out():
    text = " + ".join(["max_gap(FPR, [H])"] * 8) + " <= 0.1"
    with pytest.raises(NotTrainableError, match="linear pieces"):
        linearize(parse(text, GROUPS))


def test_values_are_the_left_hand_sides():
    counts = {A: Counts(5, 1, 9, 5), B: Counts(8, 4, 6, 2)}
    np.testing.assert_allclose(values("max_gap(FPR, [F]) <= 0.05", counts), [-0.35, 0.25])
    assert values("FPR <= 1", counts).shape == (0,)
    assert math.isnan(values("FPR | [x] <= 0.05", counts)[0])


def test_pieces_that_are_said_twice_appear_once():
    gap = "max_gap(FPR, [F]) - 0.05"
    assert len(linearize(parse(f"max({gap}, FPR - 0.1, {gap}) <= 0", GROUPS))) == 3


outcomes = st.builds(Counts, *[st.integers(1, 50)] * 4)


@given(
    st.sampled_from(
        [
            "max_gap(FPR, [H]) <= 0.1",
            "abs(FPR | [a] / FPR | [b] - 1) <= 0.3",
            "min(ACC | [a] / ACC | [b], ACC | [b] / ACC | [a]) >= 0.8",
            "2 * abs(TPR | [a] - TPR | [b]) + max(FPR, FNR) <= 0.8",
            "(TPR | [a] + TNR | [a]) / max(ACC, PPR) >= 1.5",
        ]
    ),
    st.tuples(*[outcomes] * 6),
)
def test_the_pieces_hold_together_exactly_if_the_constraint_does(text, counted):
    groups = [None, A, B, *(Group("H", name) for name in "xyz")]
    counts = dict(zip(groups, counted, strict=True))
    constraint = parse(text, GROUPS)
    worst = values(text, counts).max()
    if abs(worst) > 1e-9:
        assert constraint.is_satisfied(constraint.value(counts)) == (worst <= 0)


def test_a_piece_can_be_read_and_knows_where_it_came_from():
    (piece,) = linearize(parse("FPR | [a] <= 0.05", GROUPS))
    assert str(piece) == "FPR | [F=a] - 0.05 <= 0"
    assert piece.source == "FPR | [a] <= 0.05"
    assert piece.coefficients == ((RateOf("FPR", A), 1.0),)


def test_rates_over_those_predicted_alike_stay_rates_of_a_model_that_does_not_change():
    line = parse("max_gap(PPV, [g]) <= 0.1", {"g": ["a", "b"]})
    with pytest.raises(NotTrainableError):
        linearize(line)
    pieces = linearize(line, clear_quotients=False)
    assert [str(piece) for piece in pieces] == [
        "PPV | [g=a] - PPV | [g=b] - 0.1 <= 0",
        "PPV | [g=b] - PPV | [g=a] - 0.1 <= 0",
    ]
