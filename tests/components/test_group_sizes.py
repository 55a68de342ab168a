"""Sizes of groups, as they are kept beside the statistics."""

from __future__ import annotations

import numpy as np
import pytest

from components import group_sizes
from components.example_gen import splits
from components.example_gen.checks import SplitCounts
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


def test_effective_examples_are_told_by_the_weights_of_another_split(tmp_path):
    weighed = FEATURES.model_copy(update={"weight": "w", "largest_weight": 9.0})
    rng = np.random.default_rng(0)
    labels, young, north = rng.integers(0, 2, (3, 400))
    labels[(young == 0) & (north == 0)] = 0
    members = {
        "Age": np.stack([young, 1 - young], axis=1) == 1,
        "Region": np.stack([north, 1 - north], axis=1) == 1,
    }
    weights = np.where(young == 1, rng.uniform(1, 9, 400), 2.0)
    validation = SplitCounts()
    for rows in (slice(0, 150), slice(150, 400)):
        part = SplitCounts()
        groups = {feature: of[rows] for feature, of in members.items()}
        part.add(labels[rows], groups, weighed, weights[rows])
        validation.merge(part)
    for split, found in (("validation", splits.sizes(validation, weighed)), ("test", SIZES)):
        (tmp_path / f"Split-{split}").mkdir()
        group_sizes.write(str(tmp_path), split, _many(found) if split == "test" else found)
    whole = group_sizes.read(str(tmp_path), "test", weighed)
    found = group_sizes.read_effective(str(tmp_path), "test", weighed, "validation")
    for group, size in whole.items():
        member = np.ones(400, bool)
        if group is not None:
            names = weighed.group_names[group.feature]
            member = members[group.feature][:, names.index(group.name)]
        for label, name in enumerate(("negatives", "positives")):
            w = weights[member & (labels == label)]
            share = w.sum() ** 2 / (w**2).sum() / len(w)
            assert getattr(found[group], name) == round(getattr(size, name) * share)
    assert found[Group("Age", "Old")] == whole[Group("Age", "Old")]  # where all count the same
    assert found[None].examples < whole[None].examples
    # Without weights all is as it was, and weights that nobody has counted are asked for.
    assert group_sizes.read_effective(str(tmp_path), "test", FEATURES, "validation") == whole
    with pytest.raises(DataError, match="no weights were counted"):
        group_sizes.read_effective(str(tmp_path), "test", weighed, "test")


def _many(sizes):
    """A hundred times as many."""
    if isinstance(sizes, dict):
        return {key: _many(value) for key, value in sizes.items()}
    return [100 * number for number in sizes]


def test_sizes_that_are_not_there_are_refused(tmp_path):
    with pytest.raises(DataError, match="no sizes of split 'validation'"):
        group_sizes.read(str(tmp_path), "validation", FEATURES)
    (tmp_path / "Split-test").mkdir()
    group_sizes.write(str(tmp_path), "test", SIZES | {"groups": {"Age": {}}})
    with pytest.raises(DataError, match=r"no sizes of group \[Young\] of 'Age'"):
        group_sizes.read(str(tmp_path), "test", FEATURES)
