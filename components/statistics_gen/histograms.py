"""Histograms of equal intervals, made of quantiles as TensorFlow Data Validation makes them, on arrays.

TFDV looks at each of a thousand quantiles in Python, for every column of every slice.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray
from tensorflow_data_validation.utils import quantiles_util
from tensorflow_metadata.proto.v0 import statistics_pb2

Array = NDArray[np.float64]


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
    if np.isfinite(finite_min) and finite_min == finite_max:
        bounds = np.array([finite_min, finite_max], np.float64)
    else:
        with np.errstate(over="ignore", invalid="ignore"):
            bounds = np.linspace(finite_min, finite_max, num_buckets + 1)
    if num_pos_inf or np.isneginf(quantiles[0]) or not np.isfinite(bounds).all():
        return quantiles_util.generate_equi_width_histogram(
            quantiles, cumulative_counts, finite_min, finite_max, num_buckets, num_pos_inf
        )
    q = np.asarray(quantiles, np.float64)
    weights = _weights(q[:-1], q[1:], np.asarray(cumulative_counts, np.float64))
    # What lies in a bin is spread evenly over it. A value on a border counts for the interval on its
    # left, the very first for the first.
    below = np.interp(bounds, q, np.cumsum([0.0, *weights]))
    below[0] = 0
    histogram = statistics_pb2.Histogram(type=statistics_pb2.Histogram.STANDARD)
    for (low, high), count in zip(itertools.pairwise(bounds), np.diff(below), strict=True):
        histogram.buckets.add(low_value=low, high_value=high, sample_count=count)
    return histogram


def _weights(low: Array, high: Array, cumulative_counts: Array) -> Array:
    """What lies in each bin; what lies in several that end alike, in equal parts."""
    starts = np.flatnonzero(np.diff(high, prepend=np.nan) != 0)
    alike = np.diff(starts, append=len(high))
    weights = np.repeat(np.add.reduceat(np.diff(cumulative_counts), starts) / alike, alike)
    # The least value is in the bins that are as the first.
    others = np.flatnonzero((low != low[0]) | (high != high[0]))
    first = others[0] if len(others) else len(low)
    weights[:first] += cumulative_counts[0] / first
    return weights
