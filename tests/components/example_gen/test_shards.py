"""Which files make a split, what they are by their first bytes, and what is damaged."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components import tfrecords
from components.checksums import framed
from components.example_gen.shards import left_out, list_shards
from fairgate.errors import DataError

RECORDS = [b"first", b"", b"third" * 1000]
PLAIN = b"".join(map(framed, RECORDS))


def read(folder: Path, content: bytes, name: str = "x-train.tfrecord") -> list[bytes]:
    (folder / name).write_bytes(content)
    return list(tfrecords.records(str(folder / name)))


@pytest.mark.parametrize(
    "packed",
    [
        PLAIN,
        gzip.compress(PLAIN, mtime=0),
        zlib.compress(PLAIN),
        gzip.compress(PLAIN[:40], mtime=0)
        + gzip.compress(PLAIN[40:], mtime=0),  # as `cat` joins them
        gzip.compress(PLAIN, mtime=0) + b"\0" * 512,  # as tapes and some stores pad them
    ],
    ids=["plain", "gzip", "zlib", "joined", "padded"],
)
@pytest.mark.parametrize("name", ["x.gz", "x.tfrecord"])
def test_records_are_read_however_they_are_packed_and_called(tmp_path, packed, name):
    assert read(tmp_path, packed, name) == RECORDS
    tfrecords.unpack(str(tmp_path / name), str(tmp_path / "copy"))
    assert (tmp_path / "copy").read_bytes() == PLAIN


@pytest.mark.parametrize("content", [b"", gzip.compress(b"", mtime=0), zlib.compress(b"")])
def test_a_file_without_records_has_none(tmp_path, content):
    assert read(tmp_path, content) == []


@pytest.mark.parametrize("cut", range(1, len(framed(RECORDS[0])) * 2))
@pytest.mark.parametrize("packing", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_file_that_is_cut_off_anywhere_is_said_to_be(tmp_path, cut, packing):
    """In the head of a record, too, where TensorFlow's own reader takes some cuts for the end."""
    whole = b"".join(map(framed, [b"first", b"again"]))
    ends = {len(framed(b"first")) * n for n in (1, 2)}
    if len(whole) - cut in ends:
        return
    with pytest.raises(DataError, match="damaged") as error:
        read(tmp_path, packing(whole[:-cut]))
    assert "x-train.tfrecord" in str(error.value) and "again" in str(error.value)


def test_the_record_that_is_damaged_is_named(tmp_path):
    third = len(framed(RECORDS[0])) + len(framed(RECORDS[1])) + 500
    with pytest.raises(DataError, match="the bytes of record 2 are not their checksum's"):
        read(tmp_path, PLAIN[:third] + b"!" + PLAIN[third + 1 :])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (bytes.fromhex("83af70d10d884a3f0000000000000000"), "an array_record (Riegeli) file"),
        (b"PAR1\x15\x04\x15", "a Parquet file; make a dataset of it"),
        (b"\x00\x05\x16\x07", "AppleDouble"),
        (b"crc\x00\x00\x00\x02\x00" + bytes(30), "checksums (Hadoop, Spark)"),
        (b"PK\x03\x04\x14\x00\x00\x00", "a zip archive; unpack it first"),
        (b"age,work\n39,gov\n", "text, and starts with b'age,work"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
        (
            gzip.compress(b"age,work\n39,gov\n", mtime=0),
            "compressed text, and starts with b'age,work",
        ),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "a JPEG picture"),
    ],
)
def test_what_is_no_tfrecord_file_is_said_to_be_what_it_is(tmp_path, content, said):
    with pytest.raises(DataError, match="is no TFRecord file: it is ") as error:
        read(tmp_path, content)
    assert said in str(error.value)


# 1,000 damaged shards.

CHANGES = st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)), min_size=1, max_size=3)


@settings(deadline=None, max_examples=1000)
@given(packing=st.sampled_from([bytes, gzip.compress, zlib.compress]), changes=CHANGES)
def test_no_byte_of_a_shard_changes_without_a_word(tmp_path_factory, packing, changes):
    """Either the records are what they were, or a sentence says that they are not."""
    data = bytearray(packing(PLAIN))
    for place, change in changes:
        data[int(place * (len(data) - 1))] ^= change
    file = Path(tmp_path_factory.getbasetemp()) / "damaged.tfrecord"
    try:
        found = read(file.parent, bytes(data), file.name)
    except DataError as error:
        assert str(error).startswith(str(file))
    else:
        # What gzip's head says of name and time is not the records'; two changes may undo each other.
        assert found == RECORDS


# Which files are shards.


def test_hidden_files_and_folders_are_left_out_and_said_to_be(tmp_path):
    names = ["part-0", "._part-0", ".part-0.crc", "_SUCCESS", "sub/part-1", ".git/part-2"]
    for name in names:
        (tmp_path / "train" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "train" / name).write_bytes(PLAIN)
    folder = str(tmp_path)
    assert list_shards(folder, "train", "train/*") == [f"{folder}/train/part-0"]
    [said] = left_out(folder, {"train": "train/*"})
    for name in (
        "._part-0 (hidden)",
        ".part-0.crc (hidden)",
        "_SUCCESS (hidden)",
        "sub (a folder)",
    ):
        assert f"train/{name}" in said
    assert left_out(folder, {"train": "train/part*"}) == []
    # Who names them means them.
    assert list_shards(folder, "train", "train/_*") == [f"{folder}/train/_SUCCESS"]
    with pytest.raises(DataError, match=r"besides train/sub \(a folder\)"):
        list_shards(folder, "train", "train/s*")
