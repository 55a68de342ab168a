"""TensorFlow Data Validation's histograms, faster: nine tenths of the time for a wide table went there.

TFDV makes a histogram of ten equal intervals from a thousand quantiles by looking at each in Python, for
every column of every slice. Here the same arithmetic is done on arrays, in the same order, so that the
result is the same to the last digit; a worker elsewhere that does not know of it is slower, no more.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from unittest import mock

import numpy as np
from numpy.typing import NDArray
from tensorflow_data_validation.utils import quantiles_util
from tensorflow_metadata.proto.v0 import statistics_pb2

Array = NDArray[np.float64]

_of_tfdv = quantiles_util.generate_equi_width_histogram


@contextlib.contextmanager
def faster() -> Iterator[None]:
    """TFDV uses `equal_widths` for the duration of the context."""
    with mock.patch.object(quantiles_util, "generate_equi_width_histogram", equal_widths):
        yield


def equal_widths(
    quantiles: Array,
    cumulative_counts: Array,
    finite_min: float,
    finite_max: float,
    num_buckets: int,
    num_pos_inf: float,
) -> statistics_pb2.Histogram:
    """As `quantiles_util.generate_equi_width_histogram`, whose names of arguments these are.

    Args:
      quantiles: (q,), ascending.
      cumulative_counts: (q,), sums of weights up to each.
      finite_min: the least finite value.
      finite_max: the largest finite value.
      num_buckets: how many intervals.
      num_pos_inf: weight of the values that are infinite.
    """
    spread = np.isfinite(finite_min) and np.isfinite(finite_max) and finite_min < finite_max
    bounds = np.linspace(finite_min, finite_max, num_buckets + 1) if spread else np.zeros(0)
    if not spread or num_pos_inf or np.isneginf(quantiles[0]) or not np.isfinite(bounds).all():
        return _of_tfdv(
            quantiles, cumulative_counts, finite_min, finite_max, num_buckets, num_pos_inf
        )
    low, high = np.asarray(quantiles[:-1], np.float64), np.asarray(quantiles[1:], np.float64)
    weights = _weights(low, high, np.asarray(cumulative_counts, np.float64))
    histogram = statistics_pb2.Histogram(type=statistics_pb2.Histogram.STANDARD)
    for place, (start, end) in enumerate(itertools.pairwise(bounds)):
        met = slice(np.searchsorted(high, start), np.searchsorted(low, end, side="right"))
        shares = _shares(low[met], high[met], start, end, is_first=place == 0)
        # One after the other: a sum in pairs would differ in the last digit.
        sums = np.cumsum(shares * weights[met])
        histogram.buckets.add(
            low_value=start, high_value=end, sample_count=sums[-1] if len(sums) else 0
        )
    return histogram


def _weights(low: Array, high: Array, cumulative_counts: Array) -> Array:
    """What lies in each bin; what lies in several that end alike, in equal parts."""
    weights = np.diff(cumulative_counts)
    starts = np.flatnonzero(np.diff(high, prepend=np.nan) != 0)
    for start, end in zip(starts, [*starts[1:], len(high)], strict=True):
        if end - start > 1:
            weights[start:end] = weights[start:end].sum() / (end - start)
    # The least value is in the bins that are as the first.
    others = np.flatnonzero((low != low[0]) | (high != high[0]))
    alike = others[0] if len(others) else len(low)
    weights[:alike] += cumulative_counts[0] / alike
    return weights


def _shares(low: Array, high: Array, start: float, end: float, is_first: bool) -> Array:
    """The share of each bin, `low` to `high`, that lies between `start` and `end`."""
    at_start = (low == high) & (low == start)
    whole = (low >= start) & (high <= end)
    width = np.where(whole, 1.0, high - low)
    shares = np.where(whole, 1.0, (np.minimum(high, end) - np.maximum(low, start)) / width)
    # A bin of one value on a border counts for the interval on its left, the very first for the first.
    return np.where(at_start, float(is_first), shares)
