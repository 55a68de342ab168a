"""What networks are given: how the transformed examples are stored, and how they are unpacked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import tensorflow as tf
import tensorflow_transform as tft

from components.features import (
    TRANSFORMED_CATEGORICAL,
    TRANSFORMED_IMAGE,
    TRANSFORMED_LABEL,
    TRANSFORMED_NUMERIC,
    TRANSFORMED_UNIT,
    TRANSFORMED_WEIGHT,
    Features,
    transformed_group,
)
from components.transform import vocabularies
from components.transform.preprocessing import bytes_to_pixels

IMAGE, NUMERIC, CATEGORICAL = "image", "numeric", "categorical"


@dataclass(frozen=True)
class ModelInput:
    """One tensor that a network is given.

    Attributes:
      shape: of one example: (height, width, channels), (numeric columns,) or (categorical columns,).
      dtype: uint8, float32 or int32.
      vocabulary_sizes: of categories, how many indices each column has; index 0 is unknown.
      cuts: of numbers, where each column may be cut (`encodings.edges`); empty where that is not known.
    """

    shape: tuple[int, ...]
    dtype: str
    vocabulary_sizes: tuple[int, ...] = ()
    cuts: tuple[tuple[float, ...], ...] = ()


def transformed_feature_spec(features: Features) -> dict[str, tf.io.FixedLenFeature]:
    """How to parse a transformed example: inputs, label, groups; weight and unit where named."""
    columns: dict[str, tf.io.FixedLenFeature] = {}
    if features.image is not None:
        columns[TRANSFORMED_IMAGE] = tf.io.FixedLenFeature([], tf.string)
    if features.numeric:
        columns[TRANSFORMED_NUMERIC] = tf.io.FixedLenFeature([len(features.numeric)], tf.float32)
    if features.categorical:
        columns[TRANSFORMED_CATEGORICAL] = tf.io.FixedLenFeature(
            [len(features.categorical)], tf.int64
        )
    columns[TRANSFORMED_LABEL] = tf.io.FixedLenFeature([], tf.int64)
    for feature, names in features.group_names.items():
        columns[transformed_group(feature)] = tf.io.FixedLenFeature([len(names)], tf.int64)
    if features.weight is not None:
        columns[TRANSFORMED_WEIGHT] = tf.io.FixedLenFeature([], tf.float32)
    if features.unit is not None:
        columns[TRANSFORMED_UNIT] = tf.io.FixedLenFeature([], tf.string)
    return columns


def unpack_inputs(parsed: Mapping[str, tf.Tensor], features: Features) -> dict[str, tf.Tensor]:
    """Transformed columns -> what networks are given; other columns may be among `parsed`.

    Returns:
      Of what the settings name, in this order: `image` uint8 (n, height, width, channels), `numeric`
      float32 (n, k), `categorical` int32 (n, c).
    """
    inputs: dict[str, tf.Tensor] = {}
    if features.image is not None:
        inputs[IMAGE] = bytes_to_pixels(parsed[TRANSFORMED_IMAGE], features.image)
    if features.numeric:
        inputs[NUMERIC] = tf.ensure_shape(
            parsed[TRANSFORMED_NUMERIC], (None, len(features.numeric))
        )
    if features.categorical:
        inputs[CATEGORICAL] = tf.ensure_shape(
            tf.cast(parsed[TRANSFORMED_CATEGORICAL], tf.int32), (None, len(features.categorical))
        )
    return inputs


def model_inputs(features: Features, transform: tft.TFTransformOutput) -> dict[str, ModelInput]:
    """Name -> shape and type of each input, in the order of `unpack_inputs`.

    `transform` knows the sizes of the vocabularies; without categories it is not read.
    """
    inputs: dict[str, ModelInput] = {}
    if features.image is not None:
        inputs[IMAGE] = ModelInput(features.image.shape, "uint8")
    if features.numeric:
        inputs[NUMERIC] = ModelInput((len(features.numeric),), "float32")
    if features.categorical:
        found = vocabularies.read_sizes(transform, len(features.categorical))
        sizes = tuple(1 + size for size in found)
        inputs[CATEGORICAL] = ModelInput((len(sizes),), "int32", sizes)
    return inputs
