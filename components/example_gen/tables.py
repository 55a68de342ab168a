"""Columns of numbers and categories: does every record hold one value of one type in each, or none?"""

from __future__ import annotations

import collections
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from components import tfrecords
from components.columns import Spec, label_groups_and_image, memberships
from components.features import Features
from fairgate.errors import DataError

_TYPES = {"float_list": tf.float32, "int64_list": tf.int64, "bytes_list": tf.string}
_KINDS = {kind: name.removesuffix("_list") for name, kind in _TYPES.items()}


def column_specs(file: str, features: Features) -> dict[str, Spec]:
    """How the columns in `file` parse: each has the type of its first value there."""
    of_table = _allowed(features)
    allowed = {name: tuple(_TYPES.values()) for name in memberships(features)} | of_table
    found: dict[str, tf.DType] = {}
    # Most often over after one record.
    for record in tfrecords.records(file) if allowed else ():
        example = tf.train.Example()
        try:
            example.ParseFromString(record)
        except Exception:
            break  # whoever parses it next says so
        for name in allowed.keys() - found.keys():
            kind = example.features.feature[name].WhichOneof("kind")
            if kind and getattr(example.features.feature[name], kind).value:
                found[name] = _TYPES[kind]
        if len(found) == len(allowed):
            break
    # A type that cannot be is left to the parser, so that the first record of it is named.
    kinds = {
        name: found[name] if found.get(name) in types else types[0]
        for name, types in allowed.items()
        if name in found or name in of_table
    }
    specs: dict[str, Spec] = {name: tf.io.VarLenFeature(kinds[name]) for name in of_table}
    return specs | label_groups_and_image(features, kinds)


def expected(name: str, spec: tf.io.VarLenFeature, features: Features) -> str:
    """In words, what a record may hold in the table's column `name`."""
    if name == features.unit:
        return "expected one value, which says whose example it is"
    if name == features.weight:
        return "expected one number, which says what the example counts"
    if name in [column.name for column in features.categorical]:
        kind = "int64" if spec.dtype == tf.int64 else "bytes"
        return f"expected at most one {kind} value (a category)"
    kind = _KINDS[spec.dtype]
    if name not in [column.name for column in features.numeric]:
        return f"expected at most one {kind} value"
    return f"expected at most one {kind} value (a number; one type in all records)"


def check_table(
    file: str, position: int, parsed: Mapping[str, tf.Tensor | tf.SparseTensor], features: Features
) -> collections.Counter[str]:
    """Checks the table's columns of a batch; returns how many records hold a value in each.

    Raises:
      DataError: a record holds several values, or an infinite number.
    """
    filled: collections.Counter[str] = collections.Counter()
    of_table = _allowed(features)
    for name in dict.fromkeys([*of_table, *memberships(features)]):
        column = parsed[name]
        if not isinstance(column, tf.SparseTensor):  # a group's column: one value in every record
            filled[name] = len(column)
            continue
        rows, values = column.indices.numpy()[:, 0], column.values.numpy()
        for row in rows[column.indices.numpy()[:, 1] > 0][:1]:
            raise DataError(
                f"{file}: record {position + row}: column '{name}' holds {sum(rows == row)} values; "
                "expected at most one. Make a column of each, or take it out of data.features"
            )
        if column.dtype == tf.float32:
            for at in np.flatnonzero(np.isinf(values))[:1]:
                raise DataError(
                    f"{file}: record {position + rows[at]}: column '{name}' has the value "
                    f"{values[at]}; expected a finite number. Leave the column out of a record in "
                    "which it is not known"
                )
            rows = rows[~np.isnan(values)]
        filled[name] = len(rows)
    return collections.Counter({name: filled[name] for name in of_table})


def weights(
    file: str, position: int, parsed: Mapping[str, tf.SparseTensor], features: Features
) -> np.ndarray:
    """What each record of a batch counts, float64 (n,); all ones where the settings name no weight.

    Raises:
      DataError: a weight is missing, negative, not finite or over the largest that is declared.
    """
    name = features.weight
    if name is None:
        return np.ones(len(parsed[features.label.name]))
    column = parsed[name]
    found = np.full(int(column.dense_shape[0]), np.nan)
    found[column.indices.numpy()[:, 0]] = column.values.numpy()
    assert features.largest_weight is not None
    # As float32 has it: a weight of 0.1 is stored as a little more than 0.1.
    largest = max(features.largest_weight, float(np.float32(features.largest_weight)))
    for wrong, expected in (
        (np.isnan(found), "expected what the record counts. Give every record a weight"),
        (found < 0, "expected a weight of at least 0"),
        (
            found > largest,
            f"expected at most data.features.largest_weight = {features.largest_weight:g}, up to which "
            "the gate's bounds hold: cut larger weights, or declare a larger one",
        ),
    ):
        for row in np.flatnonzero(wrong)[:1]:
            there = row in column.indices.numpy()[:, 0]
            shown = f"has the value {found[row]:g}" if there else "has no value"
            raise DataError(
                f"{file}: record {position + row}: column '{name}' (data.features.weight) {shown}; "
                f"{expected}"
            )
    return found


def _allowed(features: Features) -> dict[str, tuple[tf.DType, ...]]:
    """Column -> the types that its values may have."""
    numbers = {column.name: (tf.float32, tf.int64) for column in features.numeric}
    numbers |= {} if features.weight is None else {features.weight: (tf.float32, tf.int64)}
    names = [column.name for column in features.categorical]
    names += [] if features.unit is None else [features.unit]
    return numbers | {name: (tf.string, tf.int64) for name in names}
