"""What a trainer follows of a constraint means what the constraint means."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairgate.constraints.algebra import value_range
from fairgate.constraints.errors import NotTrainableError, OutOfReachError
from fairgate.constraints.expressions import Expression, Ratio, evaluate
from fairgate.constraints.language import parse
from fairgate.constraints.linear import linearize
from fairgate.constraints.rates import Counts, Group
from fairgate.optimization.trainable import pieces

GROUPS = {"F": ["a", "b"]}
A, B = Group("F", "a"), Group("F", "b")

rates = st.sampled_from(["FPR", "FPR | [a]", "TPR | [b]", "ACC", "PPV | [a]", "F1 | [b]", "NPR"])
sums = st.recursive(
    rates,
    lambda inner: st.one_of(
        st.builds("({} + {})".format, inner, inner),
        st.builds("({} - {} + 0.5)".format, inner, inner),
        st.builds("{} * {}".format, st.sampled_from(["-2", "0.5", "3"]), inner),
        st.builds("({}) / ({} + {})".format, inner, rates, rates),
        st.builds("max({}, {})".format, inner, inner),
        st.builds("min({}, {})".format, inner, inner),
        st.builds("abs({})".format, inner),
    ),
    max_leaves=5,
)
outcomes = st.builds(Counts, *[st.integers(1, 9)] * 4)


def within(expression: Expression):
    yield expression
    for child in expression.children:
        yield from within(child)


@settings(deadline=None)
@given(sums, st.sampled_from(["<=", ">="]), st.floats(-2, 2), outcomes, outcomes)
def test_pieces_hold_together_exactly_if_the_constraint_does(text, sense, limit, in_a, in_b):
    constraint = parse(f"{text} {sense} {limit!r}", GROUPS)
    counts = {A: in_a, B: in_b, None: in_a + in_b}
    violation = constraint.violation(constraint.value(counts))
    try:
        made = pieces(constraint)
    except OutOfReachError:
        assert violation > -1e-9
        return
    worst = max((piece.violation(piece.value(counts)) for piece in made), default=-math.inf)
    if abs(violation) > 1e-9:
        assert (worst > 0) == (violation > 0)
    for piece in made:
        for node in within(piece.expression):
            if isinstance(node, Ratio):
                assert value_range(node.numerator)[0] >= 0
                assert 0 <= evaluate(node.denominator, counts) <= 1 + 1e-9


@pytest.mark.parametrize(
    "text",
    ["recall_at_precision(0.9) >= 0.5", "max_gap(AUC, [F]) <= 0.1", "PR_AUC - ACC | [a] <= 0.1"],
)
def test_curves_stay_what_they_are(text):
    constraint = parse(text, GROUPS)
    assert pieces(constraint) == [constraint]


def test_a_negative_numerator_is_taken_apart():
    """One trained divisor for FPR - FNR would make the quotient as small as one likes."""
    constraint = parse("max((FPR - FNR) / ACC, 0) + TPR <= 0.9", GROUPS)
    with pytest.raises(NotTrainableError):
        linearize(constraint)
    (piece,) = pieces(constraint)
    assert str(piece.expression) == "max(FPR / ACC - FNR / ACC, 0) + TPR"
    assert piece.text == constraint.text


@pytest.mark.parametrize(
    ("text", "error", "part"),
    [
        ("max(FPR / (TPR - FNR), 0) + ACC <= 1", NotTrainableError, "TPR - FNR"),
        ("max(FPR / (TPR / FNR), 0) + ACC <= 1", NotTrainableError, "TPR / FNR"),
        ("recall_at_precision(0.9) <= 0.5", NotTrainableError, "recall_at_precision(0.9)"),
        ("max_gap(recall_at_precision(0.9), [F]) <= 0.1", NotTrainableError, "recall_at"),
        ("ACC / (ACC + recall_at_precision(0.9)) >= 0.5", NotTrainableError, "recall_at"),
        ("FPR + 1 <= 0.5", OutOfReachError, "FPR"),
        ("min(FPR, FNR) >= 1.5", OutOfReachError, "FPR"),
        ("max(FPR, FNR) - 2 >= 0", OutOfReachError, "max(FPR, FNR) - 2"),
        ("AUC >= 1.5", OutOfReachError, "AUC"),
    ],
)
def test_what_cannot_be_trained_on_is_named(text, error, part):
    with pytest.raises(error) as caught:
        pieces(parse(text, GROUPS))
    assert part in caught.value.part
    assert text in str(caught.value)
