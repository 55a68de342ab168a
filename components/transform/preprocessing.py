"""From raw examples to what networks are trained on: decode, resize, name the groups.

The same graph runs in Transform, when training data is made, and inside the served model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from components.features import (
    TRANSFORMED_IMAGE,
    TRANSFORMED_LABEL,
    Features,
    ImageFeature,
    RawValue,
    transformed_group,
)


def preprocessing_fn(
    inputs: Mapping[str, tf.Tensor], custom_config: Mapping[str, Any]
) -> dict[str, tf.Tensor]:
    """The function that Transform runs.

    Args:
      inputs: raw columns, each (n, 1) or (n,).
      custom_config: `features`, a `Features` as JSON text.

    Returns:
      `image_bytes` (n,) string, `label` (n,) int64, `group/<feature>` (n,) int64 index of the group
      in the settings' order, -1 for a value that names none.
    """
    features = Features.model_validate_json(custom_config["features"])
    image = _flat(inputs[features.image.name])
    outputs = {
        TRANSFORMED_IMAGE: tf.map_fn(
            lambda encoded: pixels_to_bytes(decode(encoded, features.image)),
            image,
            fn_output_signature=tf.string,
            parallel_iterations=16,
        ),
        TRANSFORMED_LABEL: value_index(_flat(inputs[features.label.name]), features.label.values),
    }
    for feature, group in features.groups.items():
        outputs[transformed_group(feature)] = value_index(
            _flat(inputs[group.name]), tuple(group.values.values())
        )
    return outputs


def decode(encoded: tf.Tensor, image: ImageFeature) -> tf.Tensor:
    """One encoded JPEG, scalar string -> pixels, uint8 (height, width, channels).

    Each output pixel is the mean of the area it covers. Sampling instead would keep one pixel in forty
    of a CelebA picture, and wrinkles and smiles alike would turn to noise.
    """
    pixels = tf.io.decode_jpeg(encoded, channels=image.channels, dct_method="INTEGER_FAST")
    resized = tf.image.resize(pixels, (image.height, image.width), method="area")
    rounded = tf.cast(tf.clip_by_value(tf.round(resized), 0.0, 255.0), tf.uint8)
    return tf.ensure_shape(rounded, image.shape)


def pixels_to_bytes(pixels: tf.Tensor) -> tf.Tensor:
    """uint8 (h, w, c) -> scalar string of h*w*c bytes.

    A serialized TensorProto ends with the raw content; one byte per pixel is an eighth of what an
    int64 list takes in memory.
    """
    size = pixels.shape.num_elements()
    return tf.strings.substr(tf.io.serialize_tensor(pixels), -size, size)


def bytes_to_pixels(image_bytes: tf.Tensor, image: ImageFeature) -> tf.Tensor:
    """(n,) strings of `pixels_to_bytes` -> uint8 (n, height, width, channels)."""
    flat = tf.io.decode_raw(
        image_bytes, tf.uint8, fixed_length=image.height * image.width * image.channels
    )
    return tf.reshape(flat, (-1, *image.shape))


def value_index(column: tf.Tensor, values: Sequence[RawValue]) -> tf.Tensor:
    """(n,) raw values -> (n,) int64 position in `values`, -1 where there is none."""
    index = tf.fill(tf.shape(column), tf.constant(-1, tf.int64))
    for position, value in enumerate(values):
        index = tf.where(column == value, tf.constant(position, tf.int64), index)
    return index


def _flat(column: tf.Tensor) -> tf.Tensor:
    return tf.reshape(column.values if isinstance(column, tf.SparseTensor) else column, [-1])
