"""Settings of a label with more than two classes."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from components.columns import label_index
from components.features import Features
from fairgate.errors import SettingsError
from pipeline.settings import Settings, load

OF_ALL = ["trainer.constraints=[]", "gate.constraints=['max_gap(ERR, [Young]) <= 0.1']"]


def label_of(*given: str):
    return load([], [*OF_ALL, *given]).data.features.label


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("[low, in between, high]", ["low", "in between", "high"]),
        ("[1, 2, 3.0]", ["1", "2", "3"]),
        ("{young: '<25', middle: '25-40', old: '>40'}", ["young", "middle", "old"]),
        ("{a: [x, y], b: z, none: null}", ["a", "b", "none"]),
    ],
)
def test_classes_are_values_or_names_with_values_and_survive_a_dump(given, names):
    label = label_of(f"data.features.label.classes={given}")
    assert list(label.classes) == list(label.membership.names) == names
    settings = load([], [*OF_ALL, f"data.features.label.classes={given}"])
    again = Settings.model_validate_json(settings.model_dump_json())
    assert again == settings and again.data.features.vocabulary["[classes]"] == names
    assert "[classes]" not in again.data.features.group_names


def test_a_record_is_of_the_class_of_its_value():
    of = {
        "name": "grade",
        "classes": {"low": "<10", "mid": "10-20", "high": ">20"},
        "left_out": [-9],
    }
    features = Features.model_validate({"label": of})
    column = tf.constant([[5.0], [10.0], [99.0], [-9.0]])
    np.testing.assert_array_equal(label_index(column, features), [0, 1, 2, -1])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["data.features.label.classes=[a, b]"], "2 classes are given: expected 3"),
        (["data.features.label.classes=[a, b, a]"], "'a' is there twice"),
        (["data.features.label.classes=[a, b, null]"], "no value is no class"),
        (["data.features.label.classes={a: 1, b: 2, c: 2}"], "share a raw value"),
        (["data.features.label.classes={a: '<q25', b: 1, c: 2}"], "is a quantile"),
        (["data.features.label.classes=[a, b, true]"], "neither a number nor text"),
        (
            ["data.features.label.classes=[a, b, c]", "data.features.label.positive=a"],
            "positive = 'a' is given beside classes",
        ),
        (
            ["data.features.label.classes=[a, b, c]", "data.features.label.others=negative"],
            "is no class",
        ),
        (
            [
                "data.features.label.classes=[a, b, c]",
                "data.features.weight=w",
                "data.features.largest_weight=2",
            ],
            "is given beside label.classes",
        ),
        (
            ["data.features.label.classes=[a, b, c]", "gate.constraints=['FPR <= 0.1']"],
            "'FPR' of which class?",
        ),
        (
            ["data.features.label.classes=[a, b, c]", "trainer.constraints=['AUC >= 0.1']"],
            "a label of 3 classes has several",
        ),
        (["gate.constraints=['FPR(a) <= 0.1']"], "unexpected '('"),
        (
            [
                "data.features.label.classes=[a, b, c]",
                "trainer.constraints=['max_gap(TPR(a), [Young]) <= 0.1']",
                "trainer.thresholds=per_group",
            ],
            "a label of several classes has a score for each",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(given, said):
    with pytest.raises(SettingsError) as raised:
        load([], [*OF_ALL, *given])
    assert said in str(raised.value)


def test_a_crossing_of_a_class_rate_is_measured():
    settings = load(
        [],
        [
            "data.features.label.classes=[a, b, c]",
            "data.features.groups={Sex: {name: s, values: {F: 0, M: 1}}, "
            "Old: {name: o, values: {Y: 0, O: 1}}}",
            "trainer.constraints=['max_gap(TPR(a), [Sex x Old]) <= 0.1']",
            "gate.constraints=['TPR(b) | [F & O] >= 0.1']",
        ],
    )
    assert settings.data.features.crossings == ("Sex x Old",)
