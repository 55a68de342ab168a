import numpy as np
import tensorflow as tf

from components import unit_sizes
from components.features import Features
from fairgate.constraints.rates import Group

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


def test_the_sizes_of_units_are_by_the_rules_of_label_groups_and_crossings(tmp_path):
    with tf.io.TFRecordWriter(str(tmp_path / "examples")) as writer:
        for paid, age, sex, person in ROWS:
            number = [
                tf.train.Feature(int64_list=tf.train.Int64List(value=[v])) for v in (paid, age)
            ]
            text = [
                tf.train.Feature(bytes_list=tf.train.BytesList(value=[v.encode()]))
                for v in (sex, person)
            ]
            columns = dict(zip(("paid", "age", "sex", "person"), number + text, strict=True))
            record = tf.train.Example(features=tf.train.Features(feature=columns))
            writer.write(record.SerializeToString())
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
