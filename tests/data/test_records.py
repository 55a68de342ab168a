"""tf.Example and TFRecord written by hand: byte for byte what TensorFlow writes and reads."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.checksums import framed
from pipeline.data import records

values = (
    st.integers(-(2**63), 2**63 - 1)
    | st.floats(width=32, allow_nan=False)
    | st.binary(max_size=300)
)


# Of one length: where a name starts another, implementations differ in which goes first.
names = st.text(min_size=3, max_size=3)


@settings(deadline=None)  # the first one loads TensorFlow
@given(st.dictionaries(names, values, max_size=8))
def test_an_example_is_byte_for_byte_what_tensorflow_serializes(features):
    tf = pytest.importorskip("tensorflow")
    theirs = tf.train.Example.FromString(records.example(features))
    found = {}
    for name, value in theirs.features.feature.items():
        kind = value.WhichOneof("kind")
        [found[name]] = getattr(value, kind).value
        assert (
            kind
            == {int: "int64_list", float: "float_list", bytes: "bytes_list"}[type(features[name])]
        )
    assert found == features
    assert theirs.SerializeToString(deterministic=True) == records.example(features)


def test_framed_records_are_read_as_a_tfrecord(tmp_path):
    tf = pytest.importorskip("tensorflow")
    written = [b"", b"one", b"\x00" * 100_000]
    (tmp_path / "shard").write_bytes(b"".join(map(framed, written)))
    read = tf.data.TFRecordDataset(str(tmp_path / "shard")).as_numpy_iterator()
    assert list(read) == written


def test_a_varint_is_of_a_number_that_is_not_negative():
    assert records.varint(300) == b"\xac\x02"
    with pytest.raises(ValueError, match="-1"):
        records.varint(-1)
