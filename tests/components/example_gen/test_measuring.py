"""What the training split decides of groups: quantiles, and which crossings are too small."""

from __future__ import annotations

import numpy as np
import pytest

from components.evaluator.questions import Meaning, _values
from components.example_gen.measuring import measured
from components.features import Features, GroupFeature, LabelFeature
from components.measured import sentences, small_crossings
from fairgate.errors import DataError, SettingsError
from tests.tiny_dataset import record, write_shard

RNG = np.random.default_rng(0)
AGES = RNG.integers(18, 80, 1000)
SEXES = np.where(RNG.random(1000) < 0.1, "f", "m")
LEFT_OUT = RNG.random(1000) < 0.2
AGE = {"Young": "<q25", "Middle": ">=q25 <q90", "Old": ">=q90"}


def features(**changes) -> Features:
    tree = {
        "numeric": ["height"],
        "label": LabelFeature(name="yes", positive=1, negative=0, left_out=[9]),
        "groups": {
            "Sex": GroupFeature(name="sex", values={"Men": "m", "Women": "f"}),
            "Age": GroupFeature(name="age", values=AGE),
        },
        "crossings": ("Sex x Age",),
    }
    return Features.model_validate(tree | changes)


def shards(folder, kind) -> list[str]:
    """Two shards of people, some of whom are left out, with ages of a type."""
    rows = [
        {"height": 1.7, "sex": str(sex), "age": kind(age), "yes": 9 if left_out else i % 2}
        for i, (sex, age, left_out) in enumerate(zip(SEXES, AGES, LEFT_OUT, strict=True))
    ]
    return [
        str(write_shard(folder / f"{at}.tfrecord", map(record, rows[at::2]))) for at in range(2)
    ]


@pytest.mark.parametrize("kind", [int, float, str, lambda age: f"{age}.0"])
def test_quantiles_are_of_the_examples_whatever_type_holds_them(tmp_path, kind):
    found = measured(shards(tmp_path, kind), features())
    kept = AGES[~LEFT_OUT]
    expected = np.quantile(kept, [0.25, 0.9], method="inverted_cdf")
    assert list(found.groups["Age"].quantiles.values()) == expected.tolist()
    assert not found.groups["Age"].membership.waits_for and not found.small_crossings
    assert measured([], found) == found  # nothing is left to measure
    assert sentences(found) == [
        f"quantiles of Age in the training split: q25 = {expected[0]}, q90 = {expected[1]}"
    ]


def test_crossings_under_the_least_size_are_left_out_named_and_counted(tmp_path):
    found = measured(shards(tmp_path, int), features(least_crossing=60))
    kept = ~LEFT_OUT
    low, high = found.groups["Age"].quantiles.values()
    ages = {"Young": low > AGES, "Middle": (low <= AGES) & (high > AGES), "Old": high <= AGES}
    sizes = {
        f"{sex} & {age}": int((kept & member & (code == SEXES)).sum())
        for sex, code in (("Men", "m"), ("Women", "f"))
        for age, member in ages.items()
    }
    small = {name: size for name, size in sizes.items() if size < 60}
    assert found.small_crossings == small and 0 < len(small) < 6
    assert found.group_names["Sex x Age"] == [name for name in sizes if name not in small]
    [sentence] = small_crossings(found)
    assert all(f"{name} ({size})" in sentence for name, size in small.items())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"least_crossing": 1000}, "least_crossing = 1000: no group of 'Sex x Age' is left"),
        (
            {"groups": {"Same": GroupFeature(name="yes", values={"A": "<=q1", "B": ">=q2"})}},
            "data.features.groups.Same: two groups share a raw value",
        ),
    ],
)
def test_groups_that_are_none_with_these_numbers_are_told(tmp_path, changes, said):
    if "groups" in changes:
        changes = changes | {"crossings": ()}
    with pytest.raises(SettingsError) as error:
        measured(shards(tmp_path, int), features(**changes))
    assert said in str(error.value) and "measured on the training split" in str(error.value)


def test_a_split_that_cannot_be_measured_is_named(tmp_path):
    empty = write_shard(tmp_path / "empty.tfrecord", [])
    with pytest.raises(DataError, match=r"empty.tfrecord: the training split has no examples"):
        measured([str(empty)], features())
    other = write_shard(tmp_path / "other.tfrecord", [record({"yes": 1, "sex": "m"})])
    with pytest.raises(DataError, match="has no column 'age'"):
        measured([str(other)], features())


def test_a_question_to_the_gate_is_about_the_numbers():
    group = GroupFeature(name="age", values=AGE, quantiles={"q25": 30, "q90": 70.5})
    plain = GroupFeature(
        name="age", values={"Young": "<30", "Middle": ">=30 <70.5", "Old": ">=70.5"}
    )
    assert [_values(group, name) for name in AGE] == [_values(plain, name) for name in AGE]
    meaning = Meaning(label=LabelFeature(), groups={"Age": group})
    assert Meaning.model_validate_json(meaning.model_dump_json()) == meaning
