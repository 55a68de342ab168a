"""Columns of numbers and categories: what may be missing, and what is refused in which words."""

from __future__ import annotations

import numpy as np
import pytest

from components.example_gen.checks import SplitCounts, check_shard
from components.example_gen.units import marks
from components.features import Features, GroupFeature, LabelFeature
from fairgate.errors import DataError
from tests.tiny_dataset import record, write_shard

FEATURES = Features(
    numeric=["age", "gain"],
    categorical=["work", "code", "sex"],
    label=LabelFeature(name="income", negative="<=50K", positive=">50K"),
    groups={"Gender": GroupFeature(name="sex", values={"Male": "Male", "Female": "Female"})},
)
ROW = {"age": 39.0, "gain": 5, "work": "State", "code": 7, "sex": "Male", "income": "<=50K"}


def check(tmp_path, **changes) -> SplitCounts:
    """Counts of 600 rows, the 531st changed."""
    rows = [ROW | {"sex": ("Male", "Female")[i % 2]} for i in range(600)]
    rows[530] |= changes
    counts = SplitCounts()
    file = write_shard(tmp_path / "people.tfrecord", map(record, rows))
    check_shard(str(file), FEATURES, counts)
    return counts


def test_rows_are_counted_by_group_and_by_what_they_hold(tmp_path):
    counts = check(tmp_path, work=None, age=None, gain=[])
    assert counts.examples == 600
    assert counts.by_group["Gender", "Female", 0] == counts.by_group["Gender", "Male", 0] == 300
    assert counts.filled == {"age": 599, "gain": 599, "work": 599, "code": 600, "sex": 600}
    counts.require_every_column("train", "folder", FEATURES)


def test_a_number_that_is_nan_is_none(tmp_path):
    assert check(tmp_path, age=float("nan")).filled["age"] == 599


@pytest.mark.parametrize(
    ("column", "value", "parts"),
    [
        ("age", "old", ["'age' holds 1 value(s) of bytes_list", "at most one float", "a number"]),
        ("age", 39, ["'age' holds 1 value(s) of int64_list", "one type in all records"]),
        ("gain", 1.5, ["'gain' holds 1 value(s) of float_list", "at most one int64"]),
        ("age", [1.0, 2.0, 3.0], ["'age' holds 3 values", "expected at most one"]),
        ("age", float("inf"), ["'age' has the value inf", "finite number"]),
        ("work", 4, ["'work' holds 1 value(s) of int64_list", "at most one bytes", "a category"]),
        ("code", "x", ["'code' holds 1 value(s) of bytes_list", "at most one int64"]),
        ("work", ["a", "b"], ["'work' holds 2 values", "expected at most one"]),
        ("sex", None, ["has no column 'sex'", "data.features"]),
        ("sex", "Other", ["'sex' has the value b'Other'", "'Male', 'Female'"]),
        ("income", None, ["has no column 'income'", "data.features"]),
        ("income", "<=50K.", ["'income' has the value b'<=50K.'", "'<=50K', '>50K'"]),
        ("income", 0, ["'income' holds 1 value(s) of int64_list", "expected one bytes value"]),
    ],
)
def test_what_a_column_may_not_hold_is_named_with_its_record(tmp_path, column, value, parts):
    with pytest.raises(DataError) as error:
        check(tmp_path, **{column: value})
    assert "people.tfrecord: record 530: " in str(error.value)
    assert all(part in str(error.value) for part in parts), str(error.value)


@pytest.mark.parametrize(
    ("column", "value", "part"),
    [("age", "old", "expected at most one float"), ("work", 1.5, "expected at most one bytes")],
)
def test_a_column_of_a_type_that_cannot_be_is_named_at_its_first_record(
    tmp_path, column, value, part
):
    file = write_shard(tmp_path / "a.tfrecord", [record(ROW | {column: value})] * 3)
    with pytest.raises(DataError, match=f"record 0: column '{column}' holds 1 .*{part}"):
        check_shard(str(file), FEATURES, SplitCounts())


@pytest.mark.parametrize(("column", "field"), [("gain", "numeric"), ("work", "categorical")])
def test_a_column_without_any_value_is_named(tmp_path, column, field):
    file = write_shard(tmp_path / "a.tfrecord", [record(ROW | {column: None})] * 3)
    counts = SplitCounts()
    check_shard(str(file), FEATURES, counts)
    with pytest.raises(DataError) as error:
        counts.require_every_column("test", "the/folder", FEATURES)
    assert f"the/folder: split 'test' has no value in column '{column}' among 3" in str(error.value)
    assert f"data.features.{field}" in str(error.value)


def test_a_damaged_shard_of_rows_is_said_to_be(tmp_path):
    file = write_shard(tmp_path / "a.tfrecord", [record(ROW)] * 3)
    file.write_bytes(file.read_bytes()[:-5])
    with pytest.raises(DataError, match="damaged"):
        check_shard(str(file), FEATURES, SplitCounts())
    file.write_bytes(b"age,work\n39,State\n" * 10)
    with pytest.raises(DataError, match="is no TFRecord file: it is text"):
        check_shard(str(file), FEATURES, SplitCounts())


def test_a_record_that_is_no_example_is_named(tmp_path):
    file = write_shard(tmp_path / "a.tfrecord", [b"\xff\xff not an example", record(ROW)])
    with pytest.raises(DataError, match=r"record 0: is not a tf\.Example"):
        check_shard(str(file), FEATURES, SplitCounts())


@pytest.mark.parametrize("kind", [bytes, int])
def test_whose_record_it_is_must_be_said_in_each(tmp_path, kind):
    who = {bytes: [b"ann", b"bob", b"ann"], int: [7, 8, 7]}[kind]
    people = FEATURES.model_copy(update={"unit": "person"})
    rows = [record(ROW | {"person": name}) for name in who]
    counts = SplitCounts()
    check_shard(str(write_shard(tmp_path / "a.tfrecord", rows)), people, counts)
    values = np.array(who, object if kind is bytes else np.int64)
    np.testing.assert_array_equal(counts.units.marks, np.unique(marks(values)))
    file = write_shard(tmp_path / "b.tfrecord", [*rows, record(ROW)])
    with pytest.raises(DataError, match=r"record 3: column 'person' \(data.features.unit\) has no"):
        check_shard(str(file), people, SplitCounts())


def weighed(tmp_path, *weights, largest=3.0) -> SplitCounts:
    """What checking a shard of records with these weights counts."""
    named = FEATURES.model_copy(update={"weight": "w", "largest_weight": largest})
    rows = [record(ROW if w is None else ROW | {"w": w}) for w in weights]
    counts = SplitCounts()
    check_shard(str(write_shard(tmp_path / "w.tfrecord", rows)), named, counts)
    return counts


@pytest.mark.parametrize("weights", [(1.5, 0.0, 3.0), (1, 0, 3)])
def test_what_records_count_is_added_up_by_group(tmp_path, weights):
    counts = weighed(tmp_path, *weights)
    assert set(counts.weights.values()) - {0.0} == {float(sum(weights))}
    assert counts.examples == 3


@pytest.mark.parametrize(
    ("weight", "said"),
    [
        (None, "has no value; expected what the record counts"),
        (-0.5, "has the value -0.5; expected a weight of at least 0"),
        (float("nan"), "has the value nan; expected what the record counts"),
        (float("inf"), "has the value inf; expected a finite number"),
        (3.5, r"has the value 3.5; expected at most data.features.largest_weight = 3"),
    ],
)
def test_a_weight_that_cannot_be_is_named(tmp_path, weight, said):
    with pytest.raises(DataError, match=rf"record 2: column 'w' .*{said}"):
        weighed(tmp_path, 1.0, 2.0, weight)


def test_a_weight_that_float32_rounds_up_is_none_too_large(tmp_path):
    assert weighed(tmp_path, 0.1, 0.1, largest=0.1).examples == 2


def test_a_group_whose_weights_are_all_zero_is_named(tmp_path):
    named = FEATURES.model_copy(update={"weight": "w", "largest_weight": 3.0})
    counts = weighed(tmp_path, 0.0, 0.0)
    with pytest.raises(DataError, match="has only weights of 0 in group"):
        counts.require_every_group("test", "the/folder", named)
