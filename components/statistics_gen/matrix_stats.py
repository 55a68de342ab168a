"""TensorFlow Data Validation's basic statistics, with the numbers of a table as one matrix.

TFDV keeps a dozen Python objects for each column of each slice, and Beam packs and unpacks them between
steps: of a table of 122 columns that was most of what StatisticsGen did.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
from tensorflow_data_validation.statistics.generators import basic_stats_generator as tfdv
from tensorflow_data_validation.utils import quantiles_util
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tfx_bsl import sketches

from components.statistics_gen import histograms
from components.statistics_gen.numbers import FLOAT, INT, Array, Numbers, has_numbers, of_batch

Quantiles = Iterator[tuple[Array, Array]]

# TFDV divides each interval of a histogram of quantiles into so many.
_FINER = tfdv._NUM_QUANTILES_FACTOR_FOR_STD_HISTOGRAM


class Accumulator(tfdv._BasicAcctype):
    """TFDV's, for what is no number; and of the numbers what is known, and quantiles of each column."""

    def __init__(self, quantiles: sketches.QuantilesSketch):
        super().__init__()
        self.numbers: Numbers | None = None
        self.quantiles = quantiles

    def add(self, numbers: Numbers | None) -> None:
        """Adds all but the quantiles."""
        if self.numbers is None:
            self.numbers = numbers
        elif numbers is not None:
            self.numbers.merge(numbers)


class MatrixStatsGenerator(tfdv.BasicStatsGenerator):
    """TFDV's generator of basic statistics; columns that the schema calls numbers are one matrix.

    Categories that are numbers, weighted columns, and what the schema does not know are left to TFDV.
    """

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        schema = self.schema or schema_pb2.Schema()
        weighted = bool(self._example_weight_map.all_weight_features())
        categories = {path.steps()[0] for path in self._categorical_numeric_types}
        self._names = [
            feature.name
            for feature in schema.feature
            if feature.type in (schema_pb2.INT, schema_pb2.FLOAT)
            and feature.name not in categories
            and not weighted
        ]

    def create_accumulator(self) -> Accumulator:
        """What is known before the first example."""
        return Accumulator(_sketch(len(self._names), self._epsilon))

    def add_input(self, accumulator: Accumulator, examples: pa.RecordBatch) -> Accumulator:
        """Adds a batch."""
        places = {name: place for place, name in enumerate(examples.schema.names)}
        columns = {name: examples.column(places[name]) for name in self._names if name in places}
        columns = {name: column for name, column in columns.items() if has_numbers(column.type)}
        if columns:
            numbers, values = of_batch([columns.get(name) for name in self._names])
            accumulator.add(numbers)
            accumulator.quantiles.AddValues(pa.array(values.ravel()))  # which passes over NaN
        others = [name for name in examples.schema.names if name not in columns]
        rest = [examples.column(places[name]) for name in others]
        batch = pa.RecordBatch.from_arrays(rest, others)
        super().add_input(accumulator, batch)
        accumulator.num_examples += examples.num_rows - batch.num_rows  # of no columns, no rows
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Accumulator]) -> Accumulator:
        """Into the first."""
        first, *others = accumulators
        for other in others:
            first.add(other.numbers)
            first.quantiles.Merge(other.quantiles)
        return super().merge_accumulators([first, *others])

    def compact(self, accumulator: Accumulator) -> Accumulator:
        """Before it is sent."""
        accumulator.quantiles.Compact()
        return super().compact(accumulator)

    def extract_output(self, accumulator: Accumulator) -> statistics_pb2.DatasetFeatureStatistics:
        """The statistics of one slice."""
        result = super().extract_output(accumulator)
        result.features.extend(self._features(accumulator))
        return result

    def _features(self, accumulator: Accumulator) -> Iterator[statistics_pb2.FeatureNameStatistics]:
        """The statistics of each column that there was.

        Raises:
          TypeError: values of a column are not all of one type; as TFDV says it.
        """
        numbers = accumulator.numbers
        if numbers is None:
            return
        buckets = _FINER * self._num_quantiles_histogram_buckets
        quantiles = _quantiles(accumulator.quantiles, buckets)
        for place, name in enumerate(self._names):
            if not numbers.types[place]:
                continue
            path = tfdv.types.FeaturePath([name])
            elsewhere = accumulator.get(path)
            types = numbers.types[place] | ({elsewhere.common_stats.type} if elsewhere else set())
            if len(types - {None}) > 1 or elsewhere:
                raise TypeError(
                    f"Cannot determine the type of feature {path}. Found values of types {types}."
                )
            [kind] = types - {None} or {statistics_pb2.FeatureNameStatistics.STRING}
            common = self._common(numbers, place, accumulator.num_examples)
            result = statistics_pb2.FeatureNameStatistics(path=path.to_proto(), type=kind)
            if kind in (INT, FLOAT):
                result.num_stats.CopyFrom(self._numeric(numbers, place, quantiles))
                result.num_stats.common_stats.CopyFrom(common)
            else:
                result.string_stats.common_stats.CopyFrom(common)
                result.string_stats.invalid_utf8_count = 0
            yield result

    def _common(
        self, numbers: Numbers, place: int, examples: int
    ) -> statistics_pb2.CommonStatistics:
        """How many examples have values, and how many."""
        have = {
            length: int(of[place]) for length, of in sorted(numbers.lengths.items()) if of[place]
        }
        known = sum(have.values())
        result = statistics_pb2.CommonStatistics(
            num_non_missing=known, num_missing=examples - known
        )
        if known:
            result.min_num_values, result.max_num_values = min(have), max(have)
            result.tot_num_values = sum(length * examples for length, examples in have.items())
            result.avg_num_values = result.tot_num_values / known
            result.num_values_histogram.CopyFrom(
                _of_lengths(tuple(have.items()), self._num_values_histogram_buckets, self._epsilon)
            )
        return result

    def _numeric(
        self, numbers: Numbers, place: int, quantiles: Quantiles
    ) -> statistics_pb2.NumericStatistics:
        """What the values are; takes the next of `quantiles` if there are any."""
        result = statistics_pb2.NumericStatistics()
        nan = int(numbers.counts["nan"][place])
        if numbers.counts["numbers"][place]:
            at, below = next(quantiles)
            result.mean = numbers.mean[place]
            result.std_dev = math.sqrt(max(0, numbers.variance[place]))
            result.num_zeros = int(numbers.counts["zeros"][place])
            result.min, result.max = numbers.least["value"][place], numbers.most["value"][place]
            result.median = quantiles_util.find_median(at)
            equal = histograms.equal_widths(
                at,
                below,
                numbers.least["finite"][place],
                numbers.most["finite"][place],
                self._num_histogram_buckets,
                numbers.counts["infinite"][place],
            )
            rebinned = quantiles_util.rebin_quantiles(at, below, _FINER)
            result.histograms.extend(
                [equal, quantiles_util.generate_quantiles_histogram(*rebinned)]
            )
        elif nan:
            for kind in (statistics_pb2.Histogram.STANDARD, statistics_pb2.Histogram.QUANTILES):
                result.histograms.add(type=kind)
        for histogram in result.histograms:
            histogram.num_nan = nan
        return result


def _sketch(columns: int, epsilon: float) -> sketches.QuantilesSketch:
    return sketches.QuantilesSketch(
        eps=epsilon, max_num_elements=1 << 32, num_streams=max(columns, 1)
    )


@functools.lru_cache(maxsize=1024)  # most columns of a table have one value everywhere
def _of_lengths(
    examples: tuple[tuple[int, int], ...], buckets: int, epsilon: float
) -> statistics_pb2.Histogram:
    """The quantiles of how many values examples have: (values, how many examples have so many), ..."""
    sketch = _sketch(1, epsilon)
    sketch.AddValues(*(pa.array(each) for each in zip(*examples, strict=True)))
    [quantiles] = _quantiles(sketch, buckets)
    return quantiles_util.generate_quantiles_histogram(*quantiles)


def _quantiles(sketch: sketches.QuantilesSketch, buckets: int) -> Quantiles:
    """Of each column that has any values: (quantiles, sums of weights up to each)."""
    both = sketch.GetQuantilesAndCumulativeWeights(buckets)
    rows = [found.flatten().to_numpy(zero_copy_only=False) for found in both]
    return zip(*(row.reshape(-1, buckets + 1) for row in rows), strict=True)
