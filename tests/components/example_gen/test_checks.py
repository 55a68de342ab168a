"""Bad data, one case after the other: each message names file, field, value and the way out."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.example_gen.checks import (
    SplitCounts,
    check_shard,
    check_shards,
)
from components.example_gen.shards import list_shards
from fairgate.errors import DataError
from tests.tiny_dataset import (
    GROUP,
    IMAGE,
    LABEL,
    World,
    jpeg,
    record,
    with_group,
    without_jpeg_body,
    write_shard,
    write_split,
)

WORLD = World()
THREE = World(groups={"Red": 1, "Blue": 0, "Green": 2})
TEXT = World(groups={"Red": "r", "Blue": "b"}, labels=("sad", "happy"))
PEOPLE = WORLD.people(600, seed=1)  # more than one batch of records


@pytest.fixture
def shard(tmp_path):
    """Writes one shard of the 600 people, the columns of record 530 changed as given."""

    def write(world: World = WORLD, **changes) -> Path:
        people = world.people(len(PEOPLE), seed=1)
        rows = [world.columns(person) for person in people]
        rows[530] |= changes
        return write_shard(tmp_path / "people.tfrecord", map(record, rows))

    return write


def check(file: Path, world: World = WORLD) -> SplitCounts:
    counts = SplitCounts()
    check_shard(str(file), world.features, counts)
    return counts


def refused(file: Path, world: World = WORLD) -> str:
    with pytest.raises(DataError) as error:
        check(file, world)
    assert str(file) in str(error.value)
    return str(error.value)


# What is right.


@pytest.mark.parametrize("world", [WORLD, THREE, TEXT], ids=["two groups", "three", "text"])
def test_good_records_are_counted_by_group_and_label(shard, world):
    counts = check(shard(world), world)
    people = world.people(len(PEOPLE), seed=1)
    assert counts.examples == 600
    for name in world.groups:
        for label in (0, 1):
            expected = sum(p.group == name and p.label == label for p in people)
            assert counts.by_group["Team", name, label] == expected > 0
    counts.require_every_group("train", "folder", world.features)


def test_counts_add_up_over_shards(tmp_path):
    files = write_split(tmp_path, "train", PEOPLE, WORLD, shards=3)
    counts = check_shards([str(file) for file in files], WORLD.features)
    assert (
        counts.examples == 600
        and counts.by_group
        == check(write_split(tmp_path, "all", PEOPLE, WORLD, shards=1)[0]).by_group
    )


def test_columns_that_are_not_used_may_be_anything(shard):
    assert check(shard(other=[1.0, 2.0], more=b"bytes")).examples == 600


def test_an_empty_shard_is_no_error_by_itself(tmp_path):
    assert check(write_shard(tmp_path / "empty.tfrecord", [])).examples == 0


# Folders and shards.


def test_no_such_folder_names_the_setting_and_the_way_out(tmp_path):
    with pytest.raises(DataError) as error:
        list_shards(str(tmp_path / "nowhere"), "train", "*")
    message = str(error.value)
    assert f"data.path = '{tmp_path}/nowhere': no such folder" in message
    assert "leave data.path unset" in message


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="no such folder"):
        list_shards(str(tmp_path / "file"), "train", "*")


def test_a_split_without_shards_says_what_the_folder_holds(tmp_path):
    write_split(tmp_path, "train", PEOPLE[:10], WORLD)
    assert len(list_shards(str(tmp_path), "train", "*-train.tfrecord*")) == 2
    with pytest.raises(DataError) as error:
        list_shards(str(tmp_path), "test", "*-test.tfrecord*")
    message = str(error.value)
    for part in (str(tmp_path), "split 'test'", "data.splits.test = '*-test.tfrecord*'"):
        assert part in message
    assert "tiny-train.tfrecord-00000-of-00002" in message and "correct the pattern" in message


def test_an_empty_folder_is_said_to_hold_nothing(tmp_path):
    with pytest.raises(DataError, match="holds: nothing"):
        list_shards(str(tmp_path), "train", "*")


# Damaged files.


@pytest.mark.parametrize("cut", [1, 5, 100, 1000])
def test_a_truncated_file_is_said_to_be(shard, cut):
    file = shard()
    file.write_bytes(file.read_bytes()[:-cut])
    message = refused(file)
    assert "damaged" in message and "truncated" in message and "copy or prepare it again" in message


def test_any_flipped_byte_is_found(shard):
    file = shard()
    good = file.read_bytes()
    for position in random.Random(0).sample(range(len(good)), 12):
        bad = bytearray(good)
        bad[position] ^= 0x10
        file.write_bytes(bytes(bad))
        assert "damaged" in refused(file), position


def test_damage_is_located_to_its_record(shard):
    file = shard()
    data = bytearray(file.read_bytes())
    data[-100] ^= 1
    file.write_bytes(bytes(data))
    message = refused(file)
    assert (
        "damaged after record 599" in message and "of record 599 are not their checksum" in message
    )


def test_a_text_file_is_no_tfrecord(tmp_path):
    file = tmp_path / "notes.tfrecord"
    file.write_text("file,label\n1.jpg,0\n" * 10)
    assert "is no TFRecord file: it is text" in refused(file) and "from-csv" in refused(file)


# Wrong records.


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (b"\x89PNG\r\n\x1a\n rest", "(13 bytes) starts like a PNG but is damaged"),
        (b"GIF89a", "is a GIF file"),
        (b"", "is empty"),
        (b"\xff\xd8", r"it starts with b'\xff\xd8'"),
    ],
)
def test_an_image_that_is_no_picture_is_named_with_its_record(shard, picture, said):
    message = refused(shard(**{IMAGE: picture}))
    assert f"record 530: column '{IMAGE}' " in message and said in message
    assert "data.features.image.name" in message or "replace or remove" in message


@pytest.mark.parametrize("value", [2, -1, 255])
def test_a_label_outside_0_and_1_is_named_with_its_record(shard, value):
    message = refused(shard(**{LABEL: value}))
    assert f"record 530: column '{LABEL}' has the value {value}; expected one of 0, 1" in message
    assert "data.features.label" in message


def test_a_group_value_that_no_group_has_is_named(shard):
    message = refused(shard(**{GROUP: 7}))
    assert f"record 530: column '{GROUP}' has the value 7; expected one of 1, 0" in message
    assert "data.features.groups.Team.values" in message


def test_text_values_are_held_to_the_settings_too(shard):
    message = refused(shard(TEXT, **{GROUP: "green"}), TEXT)
    assert "green" in message and "expected one of 'r', 'b'" in message
    message = refused(shard(TEXT, **{LABEL: "Happy"}), TEXT)
    assert "Happy" in message and "expected one of 'sad', 'happy'" in message


@pytest.mark.parametrize("column", [IMAGE, LABEL, GROUP])
def test_a_missing_column_is_named_with_those_that_are_there(shard, column):
    message = refused(shard(**{column: None}))
    assert f"record 530: has no column '{column}'" in message and "data.features" in message
    for other in {IMAGE, LABEL, GROUP} - {column}:
        assert other in message


@pytest.mark.parametrize(
    ("column", "value", "found"),
    [
        (LABEL, "1", "1 value(s) of bytes_list; expected one int64"),
        (LABEL, 1.0, "1 value(s) of float_list; expected one int64"),
        (LABEL, [0, 1], "2 value(s) of int64_list; expected one int64"),
        (GROUP, "Red", "1 value(s) of bytes_list; expected one int64"),
        (IMAGE, 3, "1 value(s) of int64_list; expected one bytes"),
        (IMAGE, [b"\xff\xd8\xff", b"\xff\xd8\xff"], "2 value(s) of bytes_list; expected one bytes"),
    ],
)
def test_a_column_of_another_type_is_named_with_what_was_expected(shard, column, value, found):
    assert f"record 530: column '{column}' holds {found}" in refused(shard(**{column: value}))


def test_a_column_without_values_is_named(tmp_path):
    example = tf.train.Example.FromString(record(WORLD.columns(PEOPLE[0])))
    example.features.feature[LABEL].int64_list.ClearField("value")
    file = write_shard(tmp_path / "a.tfrecord", [example.SerializeToString()])
    assert f"record 0: column '{LABEL}' holds 0 value(s)" in refused(file)


def test_a_record_that_is_no_example_is_named(tmp_path):
    records = [record(WORLD.columns(person)) for person in PEOPLE[:5]]
    file = write_shard(tmp_path / "a.tfrecord", [*records, b"\xff\xff not an example"])
    assert "record 5: is not a tf.Example" in refused(file)


# Groups of a split.


def test_a_group_absent_from_a_split_is_named(tmp_path):
    [file] = write_split(tmp_path, "test", with_group(PEOPLE, "Red"), WORLD, shards=1)
    counts = check(file)
    with pytest.raises(DataError) as error:
        counts.require_every_group("test", "the/folder", WORLD.features)
    message = str(error.value)
    assert "the/folder: split 'test' has no example of group [Blue]" in message
    assert f"{GROUP} = 0" in message and "among 600" in message
    assert "data.features.groups.Team.values" in message


def test_a_split_without_examples_is_named():
    with pytest.raises(DataError, match="split 'validation' has no examples"):
        SplitCounts().require_every_group("validation", "the/folder", WORLD.features)


# Pictures that only a decoder can tell.


@pytest.mark.parametrize("channels", ["colour", "grey"])
def test_a_jpeg_damaged_in_its_body_is_named_with_its_record(shard, channels):
    world = World(grey=channels == "grey")
    file = shard(world, **{IMAGE: without_jpeg_body(PEOPLE[0].jpeg)})
    message = refused(file, world)
    assert f"record 530: column '{IMAGE}' ({len(PEOPLE[0].jpeg)} bytes)" in message
    assert "damaged" in message and "replace or remove the record" in message


@pytest.mark.parametrize("cut", [1, 20, 400])
def test_a_jpeg_that_breaks_off_is_found(shard, cut):
    # The last two bytes are the end marker; most viewers show such a picture half grey.
    message = refused(shard(**{IMAGE: PEOPLE[0].jpeg[: -cut - 2]}))
    assert f"record 530: column '{IMAGE}'" in message


def test_pictures_of_any_size_and_colour_pass(tmp_path):
    rng = np.random.default_rng(0)
    pictures = [
        jpeg(rng.integers(0, 256, (height, width, 3), dtype=np.uint8), grey)
        for height, width, grey in [
            (1, 1, True),
            (1, 300, False),
            (218, 178, False),
            (64, 64, True),
        ]
    ]
    people = [
        dataclasses.replace(person, jpeg=picture)
        for person, picture in zip(PEOPLE, pictures, strict=False)
    ]
    [file] = write_split(tmp_path, "train", people, WORLD, shards=1)
    assert check(file).examples == 4


# Many shards at once.


def test_all_shards_of_a_split_are_counted_together(tmp_path):
    files = [str(file) for file in write_split(tmp_path, "train", PEOPLE, WORLD, shards=7)]
    whole = check(write_split(tmp_path, "all", PEOPLE, WORLD, shards=1)[0])
    counts = check_shards(files, WORLD.features)
    assert counts.examples == 600 and counts.by_group == whole.by_group


def test_the_first_of_several_damaged_shards_is_named(tmp_path):
    files = write_split(tmp_path, "train", PEOPLE, WORLD, shards=5)
    for file in (files[3], files[1]):
        file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DataError, match="damaged") as error:
        check_shards([str(file) for file in files], WORLD.features)
    assert str(files[1]) in str(error.value)
