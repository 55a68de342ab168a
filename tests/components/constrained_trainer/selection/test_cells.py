"""Who is in which cell, and which threshold a score meets there."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from components.constrained_trainer.examples.data import Split
from components.constrained_trainer.selection.cells import Cells, CellThresholds
from fairgate.constraints.rates import Group
from fairgate.errors import SettingsError

FEATURES = {"Sex": ["f", "m"], "Race": ["a", "b", "c"]}
GROUPS = tuple(Group(feature, name) for feature, names in FEATURES.items() for name in names)


def people(*rows: tuple[str, ...]) -> Split:
    """Each row names the groups of one example."""
    members = np.array([[group.name in row for group in GROUPS] for row in rows], np.float32)
    zeros = np.zeros(len(rows), np.float32)
    return Split({"numeric": zeros[:, None]}, zeros, members, GROUPS)


@pytest.mark.parametrize(
    "features", [["Sex"], ["Race"], ["Sex", "Race"], ["Race", "Sex"]], ids=" ".join
)
def test_every_example_is_in_the_cell_of_its_groups(features):
    split = people(*itertools.product(*FEATURES.values()))
    cells = Cells.of(split, features)
    named = cells.named()
    assert len(cells) == len(named) == math.prod(len(FEATURES[f]) for f in features)
    for row, index in enumerate(cells.index(split)):
        members = {group for column, group in enumerate(GROUPS) if split.memberships[row, column]}
        assert set(named[index]) == {group for group in members if group.feature in features}


def test_places_of_groups_join_to_the_same_cells_and_an_unknown_one_to_none():
    split = people(*itertools.product(*FEATURES.values()))
    cells = Cells.of(split, ["Sex", "Race"])
    places = np.array(list(itertools.product(range(2), range(3)))).T
    np.testing.assert_array_equal(
        cells.joined([tf.constant(p) for p in places]), cells.index(split)
    )
    unknown = [tf.constant([-1, 0, -1, 1], tf.int64), tf.constant([0, -1, -1, 2], tf.int64)]
    assert cells.joined(unknown).numpy().tolist() == [-1, -1, -1, 5]


@pytest.mark.parametrize("row", [("f",), ("f", "a", "b")])
def test_who_is_in_no_group_or_in_two_is_refused(row):
    split = people(("m", "c"), row)
    with pytest.raises(SettingsError, match=r"trainer\.thresholds = per_group.*'Race'.*to one"):
        Cells.of(split, ["Sex", "Race"]).index(split)
    Cells.of(split, ["Sex"]).index(split)


TWO = Cells.of(people(("f", "a")), ["Sex"])
RULE = CellThresholds(TWO, ((-math.inf, 0.5, 2.0), (1.0,)), ((0.25, 0.25, 0.5), (1.0,)))


@given(
    st.floats(-3, 3, width=32, allow_subnormal=False),  # TensorFlow takes those for 0
    st.floats(0, 1, exclude_max=True),
)
def test_a_score_meets_the_threshold_of_its_cell_and_draw(score, draw):
    threshold = -math.inf if draw < 0.25 else 0.5 if draw < 0.5 else 2.0
    shifted = RULE.shifted(
        tf.constant([score] * 3, tf.float32),
        tf.constant([0, 1, -1]),
        tf.fill([3], np.float64(draw)),
    )
    # Who is in no cell meets 0.
    assert (shifted.numpy() > 0).tolist() == [score > threshold, score > 1.0, score > 0.0]
    assert not np.isnan(shifted.numpy()).any()
