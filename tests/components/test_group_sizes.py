"""Sizes of groups, read from statistics as TFDV writes them."""

from __future__ import annotations

import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2

from components import group_sizes
from components.features import Features
from fairgate.constraints.rates import Group
from fairgate.errors import DataError
from fairgate.gate.prediction import Size

FEATURES = Features.model_validate(
    {
        "label": {"name": "happy", "positive": "yes", "negative": "no"},
        "groups": {
            "Age": {"name": "age", "values": {"Young": 1, "Old": 0}},
            "Region": {"name": "region", "values": {"North": "n", "South": "s"}},
        },
    }
)


def write(folder, slices: dict[str, int], split: str = "test") -> str:
    statistics = statistics_pb2.DatasetFeatureStatisticsList()
    for name, examples in slices.items():
        statistics.datasets.add(name=name, num_examples=examples)
    (folder / f"Split-{split}").mkdir()
    (folder / f"Split-{split}" / "FeatureStats.pb").write_bytes(statistics.SerializeToString())
    return str(folder)


def test_sizes_are_those_of_the_slices_in_whichever_order_they_are_named(tmp_path):
    folder = write(
        tmp_path,
        {
            "All Examples": 10,
            "age_1": 6,
            "age_1_happy_yes": 4,
            "age_1_happy_no": 2,
            "age_0_happy_no": 4,  # and none that is positive
            "happy_yes_region_n": 1,
            "happy_no_region_n": 2,
            "happy_yes_region_s": 3,
            "happy_no_region_s": 4,
        },
    )
    assert group_sizes.read(folder, "test", FEATURES) == {
        Group("Age", "Young"): Size(4, 2),
        Group("Age", "Old"): Size(0, 4),
        Group("Region", "North"): Size(1, 2),
        Group("Region", "South"): Size(3, 4),
        None: Size(4, 6),
    }


def test_statistics_that_are_not_there_or_not_sliced_are_refused(tmp_path):
    folder = write(tmp_path, {"All Examples": 10})
    with pytest.raises(DataError, match="no statistics of split 'validation'"):
        group_sizes.read(folder, "validation", FEATURES)
    with pytest.raises(DataError, match="no slices by 'age' and 'happy'"):
        group_sizes.read(folder, "test", FEATURES)
