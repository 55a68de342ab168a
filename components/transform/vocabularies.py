"""The vocabularies of all columns of categories, counted in one pass and kept in one file.

TensorFlow Transform's own analyzer is one of a dozen Beam steps for each column: half a second of a run.
The order is the same: the most frequent value first, and of equally frequent ones the last by its bytes.
"""

from __future__ import annotations

import collections
import heapq
import os
from collections.abc import Iterable, Iterator, Sequence

import apache_beam as beam
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam

FILE = "vocabularies"
_SEPARATOR = b":"

Ranked = list[tuple[int, bytes]]  # how often, which value


def indices(values: tf.Tensor, sizes: Sequence[int]) -> tf.Tensor:
    """Each value's place in its column's vocabulary of the training split.

    Args:
      values: string (n, k); empty where a row has none.
      sizes: of k columns, how many values at most get a place.

    Returns:
      int64 (n, k): 1 for the most frequent value, 0 for a value that has no place and for none.
    """
    columns = tf.constant([f"{column}:" for column in range(len(sizes))])
    [file] = tft.experimental.ptransform_analyzer(
        [tf.reshape(tf.add(columns, values), [-1])],
        Vocabularies(sizes),
        output_dtypes=[tf.string],
        output_shapes=[[]],
        output_asset_default_values=[b"0:"],  # while nothing is known; a table of none is no table
        name=FILE,
    )
    # The line of a column itself, which is that of an empty text, stands before its values.
    keys = tf.concat([columns[None], tf.add(columns, values)], axis=0)
    lines = tft.apply_vocabulary(keys, file, default_value=-1)
    return tf.maximum(lines[1:] - lines[:1], 0)


def read_sizes(transform: tft.TFTransformOutput, columns: int) -> list[int]:
    """How many values each vocabulary has; 1 where there are none, for a network has no table of none."""
    lines = transform.vocabulary_by_name(FILE)
    found = collections.Counter(line.split(_SEPARATOR, 1)[0] for line in lines)
    return [max(found[b"%d" % column] - 1, 1) for column in range(columns)]


class Vocabularies(tft_beam.experimental.PTransformAnalyzer):
    """Batches of keys, `<column>:<value>` -> path of the file.

    Args:
      sizes: of k columns, how many values at most each may have.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        self._sizes = tuple(sizes)

    def expand(self, batches: beam.PCollection) -> beam.PCollection:
        return (
            batches
            | "CountInBatches" >> beam.FlatMap(_count)
            | "Count" >> beam.CombinePerKey(sum)
            | "Rank" >> beam.CombineGlobally(_MostFrequent(self._sizes))
            | "Write" >> beam.Map(_write, os.path.join(self.base_temp_dir, FILE))
        )


def _count(batch: tuple[np.ndarray]) -> Iterator[tuple[tuple[int, bytes], int]]:
    """((column, value), how often); without what cannot stand in a line of a file."""
    for key, count in collections.Counter(batch[0].tolist()).items():
        column, value = key.split(_SEPARATOR, 1)
        if value and b"\n" not in value and b"\r" not in value:
            yield (int(column), value), count


class _MostFrequent(beam.CombineFn):
    """((column, value), how often) -> of each column its most frequent values, in order."""

    def __init__(self, sizes: Sequence[int]):
        self._sizes = sizes

    def create_accumulator(self) -> list[Ranked]:
        return [[] for _ in self._sizes]

    def add_input(
        self, heaps: list[Ranked], counted: tuple[tuple[int, bytes], int]
    ) -> list[Ranked]:
        (column, value), count = counted
        self._push(heaps, column, (count, value))
        return heaps

    def merge_accumulators(self, accumulators: Iterable[list[Ranked]]) -> list[Ranked]:
        merged = self.create_accumulator()
        for heaps in accumulators:
            for column, heap in enumerate(heaps):
                for item in heap:
                    self._push(merged, column, item)
        return merged

    def extract_output(self, heaps: list[Ranked]) -> list[Ranked]:
        return [sorted(heap, reverse=True) for heap in heaps]

    def _push(self, heaps: list[Ranked], column: int, item: tuple[int, bytes]) -> None:
        if len(heaps[column]) < self._sizes[column]:
            heapq.heappush(heaps[column], item)
        else:
            heapq.heappushpop(heaps[column], item)


def _write(ranked: list[Ranked], file: str) -> str:
    tf.io.gfile.makedirs(os.path.dirname(file))
    with tf.io.gfile.GFile(file, "wb") as opened:
        for column, items in enumerate(ranked):
            for value in (b"", *(value for _, value in items)):
                opened.write(b"%d%s%s\n" % (column, _SEPARATOR, value))
    return file
