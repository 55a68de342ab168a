"""Sizes of groups, as they are kept beside the statistics."""

from __future__ import annotations

import pytest

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


SIZES = {
    "everybody": [7, 5],
    "groups": {
        "Age": {"Young": [2, 4], "Old": [4, 0]},  # and two whose age is not known
        "Region": {"North": [2, 1], "South": [5, 4]},
    },
}


def test_sizes_come_back_as_they_were_counted(tmp_path):
    (tmp_path / "Split-test").mkdir()
    group_sizes.write(str(tmp_path), "test", SIZES)
    assert group_sizes.read(str(tmp_path), "test", FEATURES) == {
        Group("Age", "Young"): Size(4, 2),
        Group("Age", "Old"): Size(0, 4),
        Group("Region", "North"): Size(1, 2),
        Group("Region", "South"): Size(4, 5),
        None: Size(5, 7),
    }


def test_sizes_that_are_not_there_are_refused(tmp_path):
    with pytest.raises(DataError, match="no sizes of split 'validation'"):
        group_sizes.read(str(tmp_path), "validation", FEATURES)
    (tmp_path / "Split-test").mkdir()
    group_sizes.write(str(tmp_path), "test", SIZES | {"groups": {"Age": {}}})
    with pytest.raises(DataError, match=r"no sizes of group \[Young\] of 'Age'"):
        group_sizes.read(str(tmp_path), "test", FEATURES)
