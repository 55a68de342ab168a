import numpy as np
import pytest
import tensorflow as tf

from components import unit_sizes
from components.features import Features
from fairgate.constraints.rates import Counts, Group
from tests.tiny_dataset import record

FEATURES = Features.model_validate(
    {
        "label": {"name": "paid", "positive": ">= 100", "others": "negative"},
        "groups": {
            "Age": {"name": "age", "values": {"Young": "<30"}, "others": "Old"},
            "Sex": {"name": "sex", "values": {"F": ["f", "w"], "M": "m"}},
        },
        "crossings": ["Age x Sex"],
        "numeric": ["income"],
        "unit": "person",
    }
)
ROWS = [  # paid, age, sex, person
    (150, 20, "f", "a"),
    (20, 25, "w", "a"),
    (100, 50, "m", "b"),
    (99, 60, "f", "c"),
]


WEIGHTS = (2.0, 0.5, 1.0, 3.0)


@pytest.fixture(autouse=True)
def examples(tmp_path):
    """The rows in two files, one of them packed under a plain name."""
    names = ("paid", "age", "sex", "person", "counts")
    rows = [dict(zip(names, (*row, w), strict=True)) for row, w in zip(ROWS, WEIGHTS, strict=True)]
    for name, some, packing in (("a", rows[:1], "GZIP"), ("b", rows[1:], "")):
        with tf.io.TFRecordWriter(str(tmp_path / name), packing) as writer:
            for row in some:
                writer.write(record(row))


def test_the_sizes_of_units_are_by_the_rules_of_label_groups_and_crossings(tmp_path):
    found = unit_sizes.read(str(tmp_path), FEATURES, "betting")
    assert found.units == 3
    # (true positives, false positives, true negatives, false negatives) where everybody is told No.
    expected = {
        None: [0, 0, 2, 2],
        Group("Age", "Young"): [0, 0, 1, 1],
        Group("Age", "Old"): [0, 0, 1, 1],
        Group("Sex", "F"): [0, 0, 2, 1],
        Group("Sex", "M"): [0, 0, 0, 1],
        Group("Age x Sex", "Young & F"): [0, 0, 1, 1],
    }
    for group, cells in expected.items():
        np.testing.assert_array_equal(found.tables[group].cells.sum(axis=0), cells)
    assert len(found.tables[Group("Age", "Young")].cells) == 1


def test_weights_are_summed_over_units_or_stand_alone(tmp_path):
    weighed = FEATURES.model_copy(update={"weight": "counts", "largest_weight": 4.0})
    found = unit_sizes.read(str(tmp_path), weighed)
    assert (found.units, found.most, found.apart) == (3, 8.0, False)
    assert found[None] == Counts(0, 0, 3.5, 3.0) and found.rows[None] == Counts(0, 0, 2, 2)
    assert found[Group("Age", "Young")] == Counts(0, 0, 0.5, 2.0)
    alone = unit_sizes.read(str(tmp_path), weighed.model_copy(update={"unit": None}))
    assert (alone.units, alone.most, alone.apart) == (4, 4.0, True)
    assert alone[None] == found[None]
