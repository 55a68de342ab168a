"""Weights of a network in an .npz file, local or remote, alone or with arrays of other names.

The entries weight_0000, weight_0001 and so on are in the order of `keras.Model.get_weights`.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

_PREFIX = "weight_"


def write(file: str, weights: Sequence[np.ndarray], **others: ArrayLike) -> None:
    """Writes the weights and the other arrays, whole or not at all."""
    buffer = io.BytesIO()
    named = {f"{_PREFIX}{index:04d}": weight for index, weight in enumerate(weights)}
    np.savez(buffer, **named, **others)
    write_whole(file, buffer.getvalue())


def read(file: str) -> tuple[list[np.ndarray], dict[str, np.ndarray]]:
    """The weights, and the other arrays by name."""
    with tf.io.gfile.GFile(file, "rb") as opened:
        arrays = dict(np.load(io.BytesIO(opened.read())))
    names = sorted(name for name in arrays if name.startswith(_PREFIX))
    return [arrays.pop(name) for name in names], arrays


def write_whole(file: str, content: bytes) -> None:
    """Writes a file beside its place and moves it there; the folder is made where it is missing."""
    tf.io.gfile.makedirs(os.path.dirname(file))
    partial = f"{file}.partial"
    with tf.io.gfile.GFile(partial, "wb") as opened:
        opened.write(content)
    tf.io.gfile.rename(partial, file, overwrite=True)
