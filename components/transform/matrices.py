"""Columns of a table as one matrix.

A few operations for all columns, where a dozen for each make a graph of many columns slow to trace, to
analyze and to load.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

Column = tf.Tensor | tf.SparseTensor


def matrix(columns: Sequence[Column], missing: float | str) -> tf.Tensor:
    """The values of all columns, `missing` where a row has none; as text or numbers as `missing` is.

    Args:
      columns: k, each (n,), (n, 1) or sparse (n, at most 1), of any types.
      missing: NaN for numbers, an empty text for texts.

    Returns:
      (n, k) float64 or string.
    """
    kinds: dict[tuple[bool, int, tf.DType], list[int]] = {}
    for place, column in enumerate(columns):
        kind = isinstance(column, tf.SparseTensor), column.shape.rank, column.dtype
        kinds.setdefault(kind, []).append(place)
    parts, order = [], []
    for (sparse, *_), places in kinds.items():
        of_kind = [columns[place] for place in places]
        parts.append(_scattered(of_kind, missing) if sparse else _side_by_side(of_kind, missing))
        order += places
    return tf.gather(tf.concat(parts, axis=1), np.argsort(order), axis=1)


def _side_by_side(columns: Sequence[tf.Tensor], missing: float | str) -> tf.Tensor:
    """Columns of one type and rank, (n,) or (n, 1) each -> (n, k)."""
    join = tf.stack if columns[0].shape.rank == 1 else tf.concat
    return _converted(join(columns, axis=1), missing)


def _scattered(columns: Sequence[tf.SparseTensor], missing: float | str) -> tf.Tensor:
    """Columns of one type, sparse (n, at most 1) each -> (n, k)."""
    k = len(columns)
    values = _converted(tf.concat([column.values for column in columns], axis=0), missing)
    indices = tf.concat([column.indices for column in columns], axis=0)
    lengths = tf.stack([tf.size(column.values) for column in columns])
    places = tf.repeat(tf.range(k, dtype=tf.int64), lengths)
    first = indices[:, 1] == 0
    at = tf.boolean_mask(tf.stack([indices[:, 0], places], axis=1), first)
    none = tf.fill([columns[0].dense_shape[0], k], tf.constant(missing, values.dtype))
    found = tf.tensor_scatter_nd_update(none, at, tf.boolean_mask(values, first))
    return tf.ensure_shape(found, (None, k))


def _converted(values: tf.Tensor, missing: float | str) -> tf.Tensor:
    if isinstance(missing, str):
        return values if values.dtype == tf.string else tf.strings.as_string(values)
    # Float32 cannot tell this year's timestamps apart.
    return tf.cast(values, tf.float64)
