"""Whose examples a split holds: 8 bytes of each unit, whatever it is called."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components import tfrecords

Marks = NDArray[np.uint64]


class Units:
    """The units that were added so far, however often each was."""

    def __init__(self) -> None:
        self._parts: list[Marks] = []

    def add(self, values: NDArray[np.int64] | NDArray[np.object_]) -> None:
        """Adds the units of (n,) records, by numbers or by names in bytes."""
        self._parts.append(np.unique(marks(values)))

    def merge(self, other: Units) -> None:
        """Adds the units of another part of the same split."""
        self._parts.append(other.marks)

    @property
    def marks(self) -> Marks:
        """Of the different units, ascending."""
        return np.unique(np.concatenate(self._parts)) if self._parts else np.zeros(0, np.uint64)


def marks(values: NDArray[np.int64] | NDArray[np.object_]) -> Marks:
    """(n,) a mark of each value: a number is its own, a name has 64 bits of its digest.

    Of 20 million names two have one mark with a probability of 1 in 90,000.
    """
    if values.dtype == np.int64:
        return values.view(np.uint64)
    digests = [hashlib.blake2b(name, digest_size=8).digest() for name in values.tolist()]
    return np.frombuffer(b"".join(digests), np.uint64)


def shared(one: Units, other: Units) -> Marks:
    """The marks of the units that both have."""
    return np.intersect1d(one.marks, other.marks, assume_unique=True)


def named(wanted: Marks, files: Iterable[str], column: str) -> int | str:
    """The name of the first unit in `files`, TFRecords of examples, whose mark is `wanted`."""
    looked_for = set(wanted.tolist())
    for file in files:
        for record in tfrecords.records(file):
            found = tf.train.Example.FromString(record).features.feature[column]
            for number in found.int64_list.value:
                if int(np.int64(number).view(np.uint64)) in looked_for:
                    return int(number)
            for name in found.bytes_list.value:
                if int(marks(np.array([name], object))[0]) in looked_for:
                    return name.decode(errors="replace")
    raise LookupError(f"no unit in column '{column}' is the one that was looked for")
