"""What is known of many columns of numbers, as arrays over the columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx_bsl.arrow import array_util

Array = NDArray[np.float64]

INT, FLOAT = statistics_pb2.FeatureNameStatistics.INT, statistics_pb2.FeatureNameStatistics.FLOAT


@dataclass
class Numbers:
    """What is known of k columns of numbers so far, but for their quantiles.

    Attributes:
      types: of each column, those seen of INT and FLOAT; None of a column that had no values yet.
      lengths: how many values an example has -> in each column, (k,), how many examples have so many.
      counts: sums by name, (k,) each.
      least: minima by name, (k,) each; +inf before anything is known.
      most: maxima by name, (k,) each; -inf before anything is known.
      mean: (k,), of what is not NaN.
      variance: (k,), of what is not NaN.
    """

    types: list[set[int | None]]
    lengths: dict[int, Array]
    counts: dict[str, Array]
    least: dict[str, Array]
    most: dict[str, Array]
    mean: Array
    variance: Array

    def merge(self, other: Numbers) -> None:
        """Adds what `other` knows of the same columns."""
        # Chan, Golub, LeVeque: Updating formulae for computing sample variances (1979).
        theirs = other.counts["numbers"]
        share = theirs / np.maximum(self.counts["numbers"] + theirs, 1)
        with np.errstate(invalid="ignore"):  # of infinite numbers
            away = other.mean - self.mean
            mean = self.mean + share * away
            within = other.variance - self.variance
            variance = self.variance + share * (within + (1 - share) * away**2)
        alone, either = [share == 0, share == 1], [self, other]
        self.mean = np.select(alone, [each.mean for each in either], mean)
        self.variance = np.select(alone, [each.variance for each in either], variance)
        self.types = [one | another for one, another in zip(self.types, other.types, strict=True)]
        for length, examples in other.lengths.items():
            self.lengths[length] = self.lengths.get(length, 0) + examples
        for name in self.counts:
            self.counts[name] = self.counts[name] + other.counts[name]
        for name in self.least:
            self.least[name] = np.minimum(self.least[name], other.least[name])
            self.most[name] = np.maximum(self.most[name], other.most[name])


def of_batch(columns: Sequence[pa.Array | None]) -> tuple[Numbers, Array]:
    """What a batch of examples says, and its values.

    Args:
      columns: k lists of numbers for each example; None where the batch lacks the column.

    Returns:
      The first; and (values of the column that has most, k), NaN below the others and where they have it.
    """
    given = [pa.nulls(0) if column is None else column for column in columns]
    lengths = _side_by_side([_lengths(column) for column in given])
    x = _side_by_side([_values(column) for column in given])
    known, finite = ~np.isnan(x), np.isfinite(x)
    numbers = known.sum(axis=0)
    named = {"value": known, "finite": finite}
    with np.errstate(invalid="ignore"):  # of infinite numbers
        mean = np.where(known, x, 0).sum(axis=0) / np.maximum(numbers, 1)
        away = np.where(known, x - mean, 0)
    found = Numbers(
        types=[set() if column is None else {_type(column.type)} for column in columns],
        lengths={
            int(length): (lengths == length).sum(axis=0)
            for length in np.unique(lengths[~np.isnan(lengths)])
        },
        counts={
            "numbers": numbers,
            "nan": np.nansum(lengths, axis=0) - numbers,
            "zeros": (x == 0).sum(axis=0),
            "infinite": np.isposinf(x).sum(axis=0),
        },
        least={name: _extreme(np.minimum, x, which) for name, which in named.items()},
        most={name: _extreme(np.maximum, x, which) for name, which in named.items()},
        mean=mean,
        variance=(away**2).sum(axis=0) / np.maximum(numbers, 1),
    )
    return found, x


def has_numbers(kind: pa.DataType) -> bool:
    """Lists of numbers, or a column without any values."""
    if pa.types.is_null(kind):
        return True
    of = kind.value_type if array_util.is_list_like(kind) else None
    return of is not None and (pa.types.is_integer(of) or pa.types.is_floating(of))


def _type(kind: pa.DataType) -> int | None:
    if pa.types.is_null(kind):
        return None
    return INT if pa.types.is_integer(kind.value_type) else FLOAT


def _lengths(column: pa.Array) -> Array:
    """(n,) how many values each example has; NaN where it has no such column."""
    if pa.types.is_null(column.type):
        return np.full(len(column), np.nan)
    lengths = np.asarray(array_util.ListLengthsFromListArray(column), np.float64)
    missing = np.asarray(array_util.GetArrayNullBitmapAsByteArray(column)).view(bool)
    return np.where(missing, np.nan, lengths)


def _values(column: pa.Array) -> Array:
    """(values of all examples,)"""
    if pa.types.is_null(column.type):
        return np.zeros(0)
    return np.asarray(column.flatten(), np.float64)


def _side_by_side(columns: Sequence[Array]) -> Array:
    """k columns of some numbers each -> (n, k); NaN below the shorter ones."""
    matrix = np.full((len(columns), max(map(len, columns))), np.nan)
    for row, column in zip(matrix, columns, strict=True):
        row[: len(column)] = column
    return matrix.T


def _extreme(which: np.ufunc, matrix: Array, known: NDArray[np.bool_]) -> Array:
    """The least or most of each column, of what is known; an infinity of the other end if nothing is."""
    none = np.inf if which is np.minimum else -np.inf
    return which.reduce(np.where(known, matrix, none), axis=0, initial=none)
