"""Lengths of records are looked at before anything believes them."""

from __future__ import annotations

import gzip
import re
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components import tfrecords
from components.checksums import framed, masked_crc
from fairgate.errors import DataError


def head(length: int) -> bytes:
    """The head of a record of that length, with the right checksum."""
    said = struct.pack("<Q", length)
    return said + struct.pack("<I", masked_crc(said))


GOOD = framed(b"first") + framed(b"") + framed(b"third" * 100)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("records")


@settings(max_examples=100, deadline=None)
@given(
    length=st.integers(0, 2**64 - 1) | st.sampled_from([2**31, 2**40, 2**62, 2**63, 2**64 - 1]),
    rest=st.binary(max_size=50),
    good=st.booleans(),
    packed=st.booleans(),
)
def test_a_length_that_the_file_has_not_is_named(folder, length, rest, good, packed):
    """The process would end by SIGSEGV if TensorFlow's reader met it."""
    content = (GOOD if good else b"") + head(min(length + len(rest), 2**64 - 1)) + rest
    file = folder / "a"
    file.write_bytes(gzip.compress(content, 1) if packed else content)
    looks = [lambda: list(tfrecords.records(str(file)))]
    looks += [] if packed else [lambda: tfrecords.require_lengths([str(file)])]
    for look in looks:
        with pytest.raises(
            DataError, match=f"{re.escape(str(file))}: damaged after record"
        ) as error:
            look()
        assert "copy or prepare it again" in str(error.value)


def test_a_length_of_2_to_the_40_is_said(folder):
    file = folder / "long"
    file.write_bytes(GOOD + head(2**40) + b"x" * 99)
    for look in (lambda f: list(tfrecords.records(f)), lambda f: tfrecords.require_lengths([f])):
        with pytest.raises(DataError, match="record 3 says that it has 1,099,511,627,776 bytes"):
            look(str(file))


@settings(max_examples=50, deadline=None)
@given(records=st.lists(st.binary(max_size=3_000), max_size=9))
def test_good_files_pass_and_are_read_whole(folder, records):
    file = folder / "good"
    file.write_bytes(b"".join(map(framed, records)))
    assert tfrecords.require_lengths([str(file)]) == [str(file)]
    assert list(tfrecords.records(str(file))) == records


def test_a_record_of_several_blocks_is_read_whole(folder):
    file = folder / "large"
    large = bytes(range(256)) * 20_000
    file.write_bytes(framed(large) + framed(b"x"))
    assert list(tfrecords.records(str(file))) == [large, b"x"]


def test_the_artifacts_that_tensorflow_reads_are_looked_at_first(folder):
    """A damaged copy of the test split, as Evaluator, Report and ComparedModel meet it."""
    from components.compared_model.executor import require_answers  # noqa: F401
    from components.report import asking

    split = folder / "Split-test"
    split.mkdir()
    (split / "records-00000-of-00001").write_bytes(GOOD + head(2**40) + b"x")
    with pytest.raises(DataError, match="record 3 says"):
        asking._records(str(split))


def test_an_object_store_is_looked_at_through_tensorflow(folder):
    import tensorflow as tf

    file = f"ram://{folder}/long"
    with tf.io.gfile.GFile(file, "wb") as stream:
        stream.write(GOOD + head(2**40))
    with pytest.raises(DataError, match="record 3 says"):
        tfrecords.require_lengths([file])
