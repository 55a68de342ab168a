"""Batches hold the rows that TFX reads one by one, in their order."""

from __future__ import annotations

import apache_beam as beam
import pyarrow as pa
import pytest
from apache_beam.io.filesystems import FileSystems
from apache_beam.io.range_trackers import OffsetRangeTracker
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.tfxio import tf_example_record

from components import record_batches
from fairgate.errors import DataError
from tests.tiny_dataset import LABEL, World, record, schema, write_shard

WORLD = World()


def batches(file, most: int) -> list[list[bytes]]:
    tracker = OffsetRangeTracker(0, OffsetRangeTracker.OFFSET_INFINITY)
    return list(record_batches.Batches(str(file), most).read_records(str(file), tracker))


@given(st.lists(st.binary(max_size=40), max_size=20), st.integers(1, 6), st.integers(1, 60))
def test_a_batch_ends_with_its_last_record_or_where_it_is_large(
    tmp_path_factory, records, most, large
):
    file = write_shard(tmp_path_factory.mktemp("shard") / "x", records)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record_batches, "_BYTES", large)
        read = batches(file, most)
    assert [each for batch in read for each in batch] == records
    for batch in read:
        assert 1 <= len(batch) <= most and sum(map(len, batch[:-1])) < large
    for batch in read[:-1]:
        assert len(batch) == most or sum(map(len, batch)) >= large


def test_a_damaged_file_is_named(tmp_path):
    file = write_shard(tmp_path / "x", [b"first", b"second"])
    file.write_bytes(file.read_bytes()[:-3])
    with pytest.raises(DataError, match=f"{file}: damaged"):
        batches(file, 1)


@pytest.mark.parametrize("columns", [None, [LABEL]], ids=["all columns", "one column"])
@pytest.mark.parametrize("raw", [None, "raw"])
def test_tables_have_the_rows_of_tfx(tmp_path, monkeypatch, columns, raw):
    list_files(monkeypatch, backwards=False)
    for shard in range(3):
        rows = [record(WORLD.columns(person)) for person in WORLD.people(7, seed=shard)]
        write_shard(tmp_path / f"part-{shard}", rows)
    described = text_format.Parse(schema(WORLD), schema_pb2.Schema())
    source = tf_example_record.TFExampleRecord(
        str(tmp_path / "part-*"), schema=described, raw_record_column_name=raw
    )
    source = source if columns is None else source.Project(columns)
    theirs = tables(source)
    with record_batches.read():
        ours = tables(source, batch_size=2)
    assert all(table.num_rows <= 2 for table in ours)
    assert pa.Table.from_batches(ours).equals(pa.Table.from_batches(theirs))


def test_files_are_read_by_name_in_whatever_order_the_disk_has_them(tmp_path, monkeypatch):
    for shard in range(4):
        write_shard(tmp_path / f"part-{shard}", [record({"place": shard})])
    source = tf_example_record.TFExampleRecord(
        str(tmp_path / "part-*"), raw_record_column_name="raw"
    )
    list_files(monkeypatch, backwards=True)
    theirs = pa.Table.from_batches(tables(source))["place"].to_pylist()
    with record_batches.read():
        ours = pa.Table.from_batches(tables(source))["place"].to_pylist()
    assert theirs == [[3], [2], [1], [0]]  # so that the order of the disk is one
    assert ours == [[0], [1], [2], [3]]


@pytest.mark.parametrize(
    "names", [["part-1", "part-[1]"], ["part-?", "part-x"], ["part-0", "part-[1]"], ["part-*"]]
)
def test_a_file_whose_name_looks_like_a_pattern_is_read_once(tmp_path, names):
    for place, name in enumerate(names):
        write_shard(tmp_path / name, [record({"place": place})])
    (tmp_path / "part-empty").write_bytes(b"")
    with record_batches.read():
        source = tf_example_record.TFExampleRecord(
            str(tmp_path / "part-*"), raw_record_column_name="raw"
        )
        found = pa.Table.from_batches(tables(source))["place"].to_pylist()
    assert found == [[place] for place in range(len(names))]


def test_no_files_are_an_error_and_not_nothing_to_read(tmp_path):
    with pytest.raises(OSError, match=f"No files found .* {tmp_path}/part-"):
        record_batches.Batches(f"{tmp_path}/part-*", 512)


def list_files(monkeypatch, backwards: bool) -> None:
    """Lets a disk list files by name, or the other way round: else the order is the disk's."""
    match = FileSystems.match

    def listed(*arguments, **named):
        found = match(*arguments, **named)
        for each in found:
            each.metadata_list.sort(key=lambda metadata: metadata.path, reverse=backwards)
        return found

    monkeypatch.setattr(FileSystems, "match", listed)


def tables(source, batch_size=None) -> list[pa.RecordBatch]:
    """What Beam reads, in the order in which it comes."""
    found: list[pa.RecordBatch] = []
    with beam.Pipeline(
        runner="apache_beam.runners.portability.fn_api_runner.FnApiRunner",
        argv=["--direct_running_mode=in_memory"],
    ) as pipeline:
        _ = pipeline | source.BeamSource(batch_size) | beam.Map(_keep, len(_KEPT))
        _KEPT.append(found)
    return found


_KEPT: list[list[pa.RecordBatch]] = []  # by reference: what Beam is handed itself, it copies


def _keep(table: pa.RecordBatch, place: int) -> None:
    _KEPT[place].append(table)
