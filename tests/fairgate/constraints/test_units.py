"""Outcomes by unit are outcomes, too."""

from __future__ import annotations

import numpy as np
import pytest

from fairgate.constraints.rates import Counts, Group
from fairgate.constraints.units import UnitCounts, UnitTable, order

MEN = Group("sex", "Male")
EVERYBODY = UnitTable(np.arange(3), np.array([[1, 0, 2, 0], [0, 1, 0, 0], [2, 0, 0, 1]], float))
SOME = UnitTable(np.array([2]), np.array([[2, 0, 0, 1]], float))


def test_it_is_a_mapping_to_what_all_units_have_together():
    counts = UnitCounts(3, {None: EVERYBODY, MEN: SOME}, most=3)
    assert dict(counts) == {None: Counts(3, 1, 2, 1), MEN: Counts(2, 0, 0, 1)}
    assert isinstance(counts[None].tp, int)
    assert counts.units_of(MEN) == 1
    assert counts.sums(MEN, (0, 0, 0, 1)).tolist() == [0, 0, 1]


def test_weights_are_no_whole_numbers_and_rows_are():
    half = UnitTable(SOME.places, SOME.cells / 4)
    counts = UnitCounts(3, {None: half}, most=1, numbers={None: SOME})
    assert counts[None] == Counts(0.5, 0, 0, 0.25)
    assert counts.rows[None].examples == 3
    assert counts.sums(None, (0, 0, 0, 1)).tolist() == [0, 0, 0.25]
    assert counts.examples(None, (0, 0, 0, 1)).tolist() == [0, 0, 1]


def test_units_come_again_and_again_in_their_order():
    counts = UnitCounts(3, {None: EVERYBODY, MEN: SOME}, most=3)
    more = counts.repeated(5 / 3)
    assert more.units == 5
    assert more.sums(None, (1, 1, 1, 1)).tolist() == [3, 1, 3, 3, 1]
    assert more.sums(MEN, (1, 0, 0, 0)).tolist() == [0, 0, 2, 0, 0]
    assert counts.repeated(0.3)[None] == Counts(1, 0, 2, 0)


def test_more_than_the_most_and_an_unknown_method_are_refused():
    with pytest.raises(ValueError, match="more than the most of 2"):
        UnitCounts(3, {None: EVERYBODY}, most=2)
    with pytest.raises(ValueError, match="unknown method"):
        UnitCounts(3, {None: EVERYBODY}, most=3, method="exact")


def test_the_order_depends_on_names_alone():
    names = [f"person {number}" for number in range(500)]
    places = order(names)
    assert sorted(places.tolist()) == list(range(500))
    back = order(names[::-1])
    assert dict(zip(names, places, strict=True)) == dict(zip(names[::-1], back, strict=True))
    assert abs(np.corrcoef(places, np.arange(500))[0, 1]) < 0.2
