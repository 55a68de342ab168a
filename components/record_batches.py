"""Beam reads TFRecords batch by batch.

TFX has Beam read each record by itself, and then gathers them into batches again: as long as it takes to
make Arrow tables of them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from unittest import mock

import apache_beam as beam
import pyarrow as pa
from apache_beam.io import filebasedsource
from apache_beam.io.concat_source import ConcatSource
from apache_beam.io.range_trackers import OffsetRangeTracker
from tfx_bsl.tfxio import tf_example_record

from components import tfrecords

_RECORDS = 512
_BYTES = 8 << 20  # of large pictures fewer records: a batch is in memory some times over


@contextlib.contextmanager
def read() -> Iterator[None]:
    """Within, TFX's source of examples reads batches; the rows are the same, in their order."""
    with mock.patch.object(tf_example_record.TFExampleRecord, "BeamSource", _beam_source):
        yield


def _beam_source(
    source: tf_example_record.TFExampleRecord, batch_size: int | None = None
) -> beam.PTransform:
    """What `source` reads, as Arrow tables.

    Args:
      source: of TFX's; it knows files and columns.
      batch_size: rows of a table at most; None: 512, or fewer where they are large.
    """

    @beam.ptransform_fn
    @beam.typehints.with_output_types(pa.RecordBatch)
    def tables(pipeline: beam.Pipeline) -> beam.PCollection:
        read = [
            pipeline | f"Read[{place}]" >> beam.io.Read(Batches(pattern, batch_size or _RECORDS))
            for place, pattern in enumerate(source._file_pattern)
        ]
        decode = tf_example_record._DecodeBatchExamplesDoFn(
            source._GetSchemaForDecoding(), source.raw_record_column_name
        )
        return read | beam.Flatten() | "Decode" >> beam.ParDo(decode)

    return tables()


class Batches(filebasedsource.FileBasedSource):
    """TFRecord files as lists of records, in the order of the files' names.

    File systems list a folder in an order of their own, ext4 in one that differs from disk to disk, and
    Beam keeps it: which examples a minibatch has, and so all digits of a training, would depend on it.

    Args:
      pattern: of the files.
      most: records of a list; fewer where they have more than 8 MB.
    """

    def __init__(self, pattern: str, most: int) -> None:
        super().__init__(pattern, splittable=False)
        self._most = most

    def _get_concat_source(self) -> ConcatSource:
        # Of files as they were found: a name may be a pattern itself, which others match.
        found = super()._get_concat_source()
        found._source_bundles.sort(key=lambda bundle: bundle.source._file_name)
        return found

    def read_records(
        self, file_name: str, range_tracker: OffsetRangeTracker
    ) -> Iterator[list[bytes]]:
        """The lists of one file, in order; DataError where it is damaged."""
        batch: list[bytes] = []
        size = 0
        for place, record in enumerate(tfrecords.records(file_name)):
            if not batch and not range_tracker.try_claim(place):
                return
            batch.append(record)
            size += len(record)
            if len(batch) == self._most or size >= _BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch
