"""What a number of examples could promise, in Python."""

from __future__ import annotations

import pytest

import fairgate
from fairgate.errors import DataError

GAP = "max_gap(FPR, [sex]) <= 0.1"


def test_more_examples_promise_tighter_limits():
    few, many = (fairgate.power({"sex": {"F": (n, n), "M": (n, n)}}, GAP)[0] for n in (200, 5000))
    assert all(many.limits[share] < few.limits[share] for share in few.limits)
    assert "200 negatives of [F], the fewest" in str(few)


@pytest.mark.parametrize(
    "examples",
    [{}, {"sex": {}}, {"sex": {"F": (0, 0)}}, {"sex": {"F": (5, 5)}, "race": {"A": (9, 9)}}],
)
def test_power_needs_the_same_examples_in_every_feature(examples):
    with pytest.raises(DataError, match="every group feature divides the same examples"):
        fairgate.power(examples, GAP)


@pytest.mark.parametrize("pair", [5, (5,), (-1, 5), (0.5, 5), ("5", 5), (1, 2, 3)])
def test_power_needs_pairs_of_counts(pair):
    with pytest.raises(DataError, match=r"\[sex=F\]: expected \(negatives, positives\)"):
        fairgate.power({"sex": {"F": pair, "M": (5, 5)}}, GAP)
