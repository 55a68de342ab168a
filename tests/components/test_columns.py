"""Raw columns as TensorFlow reads them mean what NumPy says they mean."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from components.columns import group_members, label_index, members
from components.features import Features
from fairgate.data.membership import Membership, Rule, Values

AGE = Membership(
    {"Young": Rule.of("<25"), "Middle": Rule.of("25-40"), "Old": Rule.of(">40")},
    unknown=Rule.of((-99, None)),
)
STATUS = Membership({"Men": Rule.of(("A91", "1", ">= 7 < 9"))}, others="Others")

texts = st.sampled_from(
    [
        "24",
        "25",
        "40",
        "40.5",
        " 41 ",
        "-99",
        "-99.0",
        "",
        "A91",
        "1.0",
        "1.00",
        "7",
        "9",
        "1e1",
        "x",
    ]
)


def as_array(found) -> list[list[bool]]:
    return [np.asarray(each).tolist() for each in (*found.groups, found.unknown, found.strange)]


@given(st.lists(texts, min_size=1, max_size=8), st.sampled_from([AGE, STATUS]))
@settings(deadline=None)
def test_text_means_the_same_to_tensorflow_and_numpy(values, membership):
    expected = as_array(membership.members(Values.of(values)))
    assert as_array(members(tf.constant(values), membership)) == expected


@given(st.lists(st.one_of(st.none(), st.integers(-99, 60)), min_size=1, max_size=8))
@settings(deadline=None)
@pytest.mark.parametrize("kind", [tf.int64, tf.float32, tf.string])
def test_numbers_mean_the_same_whatever_type_holds_them(kind, values):
    expected = as_array(AGE.members(Values.of(values)))
    rows = [row for row, value in enumerate(values) if value is not None]
    flat = tf.constant([v for v in values if v is not None], tf.int64)
    flat = tf.strings.as_string(flat) if kind == tf.string else tf.cast(flat, kind)
    places = np.array([[row, 0] for row in rows], np.int64).reshape(-1, 2)
    column = tf.SparseTensor(places, flat, [len(values), 1])
    assert as_array(members(column, AGE)) == expected


def test_large_codes_are_told_apart():
    codes = [2**60, 2**60 + 1]
    found = members(
        tf.constant([*codes, 5], tf.int64), Membership({str(c): Rule.of(c) for c in codes})
    )
    assert as_array(found) == [
        [True, False, False],
        [False, True, False],
        [False] * 3,
        [False, False, True],
    ]


def test_a_fraction_is_found_as_float32_holds_it():
    column = tf.constant([0.1, 0.3], tf.float32)
    found = members(column, Membership({"A": Rule.of(0.1), "B": Rule.of(">=0.3")}))
    assert as_array(found)[:2] == [[True, False], [False, True]]


def test_label_and_groups_of_raw_columns_inside_a_graph():
    features = Features.model_validate(
        {
            "numeric": ["hours"],
            "label": {"name": "income", "positive": ">= 50000", "left_out": [None]},
            "groups": {
                "Age": {
                    "name": "age",
                    "values": {"Minor": "<18", "Adult": ">=18", "Old": ">=65"},
                    "overlapping": True,
                }
            },
        }
    )
    raw = {
        "income": tf.SparseTensor([[0, 0], [2, 0]], tf.constant([50000, 49999], tf.int64), [3, 1]),
        "age": tf.constant([17.0, 66.0, 30.0]),
    }
    labels, groups = tf.function(
        lambda given: (label_index(given["income"], features), group_members(given, features))
    )(raw)
    assert labels.numpy().tolist() == [1, -1, 0]
    assert groups["Age"].numpy().astype(int).tolist() == [[1, 0, 0], [0, 1, 1], [0, 1, 0]]
