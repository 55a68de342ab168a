"""From raw examples to what networks are trained on: decode, resize, scale, index, name the groups.

The same graph runs in Transform, when training data is made, and inside the served model.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from components import pictures
from components.columns import group_members, label_index, one_or_none
from components.features import (
    TRANSFORMED_CATEGORICAL,
    TRANSFORMED_IMAGE,
    TRANSFORMED_LABEL,
    TRANSFORMED_NUMERIC,
    TRANSFORMED_UNIT,
    TRANSFORMED_WEIGHT,
    CategoricalFeature,
    Features,
    ImageFeature,
    NumericFeature,
    transformed_group,
)
from components.transform import vocabularies
from components.transform.matrices import matrix
from fairgate.errors import SettingsError


def preprocessing_fn(
    inputs: Mapping[str, tf.Tensor], custom_config: Mapping[str, Any]
) -> dict[str, tf.Tensor]:
    """The function that Transform runs.

    Args:
      inputs: raw columns, each (n, 1) or (n,); sparse (n, at most 1) where a record may have none.
      custom_config: `features`, a `Features` as JSON text.

    Returns:
      Of what the settings name: `image_bytes` (n,) string, `numeric` (n, k) float32, `categorical`
      (n, c) int64. Always: `label` (n,) int64, `group/<feature>` (n, groups) int64, 1 for members of the
      group, in the settings' order; nowhere for a value that names none. Where a weight is named:
      `fairgate_weight` (n,) float32, as it is; NaN where there is none. Where a unit is: `fairgate_unit`
      (n,) string.

    Raises:
      SettingsError: the schema has no column of weights or of units.
    """
    features = Features.model_validate_json(custom_config["features"])
    outputs = {TRANSFORMED_LABEL: label_index(inputs[features.label.name], features)}
    if features.image is not None:
        picture = features.image
        outputs[TRANSFORMED_IMAGE] = tf.map_fn(
            lambda encoded: pixels_to_bytes(pictures.decode(encoded, picture)),
            _flat(inputs[picture.name]),
            fn_output_signature=tf.string,
            parallel_iterations=16,
        )
    if features.numeric:
        outputs[TRANSFORMED_NUMERIC] = scale(inputs, features.numeric)
    if features.categorical:
        outputs[TRANSFORMED_CATEGORICAL] = category_indices(inputs, features.categorical)
    for feature, found in group_members(inputs, features).items():
        outputs[transformed_group(feature)] = tf.cast(found, tf.int64)
    if features.weight is not None:
        require_described(features.weight, "weight", inputs)
        outputs[TRANSFORMED_WEIGHT] = weights(inputs[features.weight])
    if features.unit is not None:
        require_described(features.unit, "unit", inputs)
        outputs[TRANSFORMED_UNIT] = _one_or_none(inputs[features.unit], missing="")
    return outputs


def learns(features: Features) -> bool:
    """Whether `preprocessing_fn` takes anything from training data: means, variances, vocabularies."""
    return bool(features.numeric or features.categorical)


def require_described(column: str, setting: str, columns: Container[str]) -> None:
    """Raises SettingsError where `column`, named by data.features.`setting`, is not in the schema."""
    if column not in columns:
        raise SettingsError(
            f"data.features.{setting} = {column!r}: the schema (data.schema_file) has no such column; "
            "describe it there, as it describes the others"
        )


def weights(raw: tf.Tensor | tf.SparseTensor) -> tf.Tensor:
    """(n,) float32 what each record counts; NaN where a record does not say."""
    return tf.cast(_one_or_none(raw, missing=float("nan")), tf.float32)


def scale(
    raw: Mapping[str, tf.Tensor | tf.SparseTensor], columns: Sequence[NumericFeature]
) -> tf.Tensor:
    """k columns of numbers -> float32 (n, k) of mean 0 and variance 1 each over the training split.

    A number that is missing or not finite becomes 0, the mean: it tells a network nothing. All columns
    are one matrix, analyzed once: what a column of its own costs in Transform is half a second.
    """
    # In float64: float32 cannot tell this year's timestamps apart before the mean is taken off.
    x = matrix([raw[column.name] for column in columns], missing=float("nan"))
    logarithmic = [column.scale == "log" for column in columns]
    if any(logarithmic):
        x = tf.where(logarithmic, tf.sign(x) * tf.math.log1p(tf.abs(x)), x)
    known = tf.math.is_finite(x)
    # TFT takes mean and variance over what is finite.
    scaled = tft.scale_to_z_score(x, elementwise=True, name="scale")
    return tf.cast(tf.where(known, scaled, tf.zeros_like(scaled)), tf.float32)


def category_indices(
    raw: Mapping[str, tf.Tensor | tf.SparseTensor], columns: Sequence[CategoricalFeature]
) -> tf.Tensor:
    """c columns of names or codes -> int64 (n, c), indices into the training split's vocabularies.

    1 is the most frequent value; 0 is shared by values that are not in the vocabulary and by records
    without one, so that what a network learns of the latter goes for the former.
    """
    x = matrix([raw[column.name] for column in columns], missing="")
    return vocabularies.indices(x, [column.vocabulary for column in columns])


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


def _flat(column: tf.Tensor) -> tf.Tensor:
    return tf.reshape(column.values if isinstance(column, tf.SparseTensor) else column, [-1])


def _one_or_none(column: tf.Tensor | tf.SparseTensor, missing: float | str) -> tf.Tensor:
    """(n,) the value of each row, `missing` where it has none; as text or numbers as `missing` is."""
    values = column.values if isinstance(column, tf.SparseTensor) else tf.reshape(column, [-1])
    if isinstance(missing, str):
        values = values if values.dtype == tf.string else tf.strings.as_string(values)
    else:
        values = tf.cast(values, tf.float64)
    if not isinstance(column, tf.SparseTensor):
        return values
    dense, present = one_or_none(tf.SparseTensor(column.indices, values, column.dense_shape))
    return tf.where(present, dense, tf.constant(missing, values.dtype))
