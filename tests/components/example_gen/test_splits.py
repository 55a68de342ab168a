"""Three splits are three: by their files, and by what is in them."""

from __future__ import annotations

import shutil
import tracemalloc

import numpy as np
import pytest
import tensorflow as tf

from components.example_gen.checks import SplitCounts
from components.example_gen.splits import (
    list_splits,
    overlap,
    require_different,
    require_units_apart,
    warnings,
)
from fairgate.errors import DataError
from tests.tiny_dataset import World, record, write_shard

PATTERNS = {split: f"*-{split}.tfrecord*" for split in ("train", "validation", "test")}
WORLD = World()


def records(n: int, seed: int) -> list[bytes]:
    return [record(WORLD.columns(person)) for person in WORLD.people(n, seed=seed)]


def counted(*shards: list[bytes]) -> SplitCounts:
    """A split of these shards, as `check_shards` counts it."""
    total = SplitCounts()
    for number, shard in enumerate(shards):
        counts = SplitCounts()
        counts.add_records(shard)
        counts.examples = len(shard)
        counts.shards[f"{id(shards)}-{number}"] = counts.digest()
        total.merge(counts)
    return total


# Files.


def test_a_shard_that_two_splits_match_is_named_with_both_settings(tmp_path):
    for split in PATTERNS:
        write_shard(tmp_path / f"tiny-{split}.tfrecord-0", [b"x"])
    assert {name: len(files) for name, files in list_splits(str(tmp_path), PATTERNS).items()} == {
        split: 1 for split in PATTERNS
    }
    with pytest.raises(DataError) as error:
        list_splits(str(tmp_path), PATTERNS | {"validation": "*-t*.tfrecord*"})
    text = str(error.value)
    assert "tiny-train.tfrecord-0: belongs to split 'train' and to split 'validation'" in text
    assert "data.splits.train = '*-train.tfrecord*'" in text
    assert "data.splits.validation = '*-t*.tfrecord*'" in text and "correct one" in text


# Contents.


def test_the_digest_knows_records_and_not_their_order_or_their_shards():
    people = records(30, seed=1)
    one = counted(people).digest()
    assert counted(people[::-1]).digest() == one
    assert counted(people[:7], [], people[7:]).digest() == one
    assert counted(people[:-1]).digest() != one
    assert counted(people[:-1], [people[0]]).digest() != one
    # A record twice is not a record never: the digest is no exclusive or.
    assert counted(people, people[:1] * 2).digest() != one
    assert len(one) == 32 and int(one, 16) > 0


def test_different_splits_are_accepted():
    require_different({"train": counted(records(9, 1)), "test": counted(records(9, 2))})


def test_a_copy_of_a_shard_in_another_split_is_named():
    copy = records(9, seed=3)
    splits = {"train": counted(records(9, 1), copy), "test": counted(records(9, 2), copy)}
    with pytest.raises(DataError, match=r"hold the same records, in splits 'train' and 'test'"):
        require_different(splits)


def test_a_copy_of_a_shard_in_its_own_split_is_named():
    copy = records(9, seed=3)
    splits = {"train": counted(records(9, 1)), "test": counted(copy, copy[::-1])}
    with pytest.raises(DataError, match=r"hold the same records, both in split 'test'"):
        require_different(splits)


def test_the_same_split_in_other_shards_is_found():
    people = records(30, seed=1)
    splits = {
        "train": counted(records(9, 2)),
        "validation": counted(people[:10], people[10:]),
        "test": counted(people[:20], people[20:]),
    }
    with pytest.raises(DataError) as error:
        require_different(splits)
    text = str(error.value)
    assert "splits 'validation' and 'test' hold the same records" in text
    assert "data.splits.validation and data.splits.test" in text


def test_empty_shards_are_no_copies_of_each_other():
    require_different({"train": counted(records(9, 1), [], []), "test": counted(records(9, 2), [])})


def test_test_examples_that_occur_elsewhere_are_counted_and_told():
    train, test = records(50, seed=1), records(20, seed=2)
    splits = {
        "train": counted(train),
        "validation": counted(records(20, seed=3)),
        "test": counted(test, train[:3]),
    }
    assert overlap(splits["test"], splits["train"]) == 3
    assert overlap(splits["test"], splits["validation"]) == 0
    [sentence] = warnings(splits)
    assert "3 of 23 examples of the test split are byte for byte in the train split" in sentence
    assert "leave them out" in sentence
    assert warnings(splits | {"test": counted(test)}) == []


@pytest.mark.parametrize("at_once", [1, 7, 1 << 16])
@pytest.mark.parametrize("sizes", [(0, 5), (5, 0), (40, 60)])
def test_repeats_are_counted_as_often_as_they_are_in_the_test_split(at_once, sizes):
    rng = np.random.default_rng(1)
    test, other = ([b"%d" % number for number in rng.integers(0, 90, size)] for size in sizes)
    parts = [other[start : start + at_once] for start in range(0, len(other), at_once)]
    assert overlap(counted(test), counted(*parts)) == sum(record in other for record in test)


def test_what_is_compared_takes_no_memory_by_the_records_of_the_other_split():
    test = counted([b"%d" % number for number in range(100)])

    def most(batches: int) -> int:
        """Bytes that comparing takes at most beside what is kept."""
        other = counted(*([b"%d" % n for n in range(at, at + 500)] for at in range(batches)))
        tracemalloc.start()
        found = overlap(test, other)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert found == 100
        return peak

    assert most(400) < most(40) + 10_000  # 8 bytes of 180,000 records more are 1.4 MB


def test_what_the_executor_writes_is_a_digest_of_contents_alone(tmp_path):
    from tests.components.example_gen.test_executor import SIZES, run
    from tests.tiny_dataset import write_dataset, write_split

    folder = write_dataset(tmp_path / "data", WORLD, SIZES)
    first = run(folder, tmp_path / "one", WORLD)
    digest = first.get_string_custom_property("test_digest")
    assert len(digest) == 32 and first.get_string_custom_property("warnings") == ""
    # The same test data elsewhere, in other files; other training data with some of the test data.
    for file in folder.glob("*-test.*"):
        file.unlink()
    people = WORLD.people(SIZES["test"], seed=list(SIZES).index("test"))
    write_split(folder, "test", people, WORLD, shards=3)
    train = WORLD.people(40, seed=77)
    write_split(folder, "train", train[:-2] + people[:2], WORLD)
    moved = shutil.move(folder, tmp_path / "moved")
    second = run(moved, tmp_path / "two", WORLD)
    assert second.get_string_custom_property("test_digest") == digest
    assert "2 of 20 examples of the test split" in second.get_string_custom_property("warnings")
    write_split(moved, "test", WORLD.people(20, seed=78), WORLD, shards=3)
    third = run(moved, tmp_path / "three", WORLD)
    assert third.get_string_custom_property("test_digest") != digest


@pytest.mark.parametrize(
    ("trained_on", "others", "told"),
    [
        ([b"ann", b"bob", b"cem"], [b"eve", b"cem", b"eve", b"bob"], "'cem'"),
        ([-7, 8, 9], [1, 9, -7], "9"),
    ],
)
def test_a_unit_in_two_splits_is_refused_by_name(tmp_path, trained_on, others, told):
    counts = {name: SplitCounts() for name in ("train", "validation", "test")}
    for name, people in (("train", trained_on), ("test", others)):
        file = tmp_path / name
        with tf.io.TFRecordWriter(str(file)) as writer:
            for person in people:
                writer.write(record({"person": person}))
        counts[name].shards[str(file)] = "its digest"
        part = SplitCounts()
        part.units.add(np.array(people, object if isinstance(people[0], bytes) else np.int64))
        counts[name].merge(part)
    counts["validation"].units.add(np.array([b"dan"], object))
    expected = rf"'train' and 'test'.*unit {told} .*'person'.*1 more"
    with pytest.raises(DataError, match=expected):
        require_units_apart(counts, "person")
    counts["test"].units = SplitCounts().units
    require_units_apart(counts, "person")


def test_units_take_eight_bytes_however_often_they_come_and_whatever_they_are_called():
    units = SplitCounts().units
    names = np.array(
        [b"a name that is longer than eight bytes %d" % n for n in range(1000)], object
    )
    for _ in range(3):
        part = SplitCounts().units
        part.add(names)
        part.add(names[::2])
        units.merge(part)
    assert units.marks.nbytes == 8 * len(names)
