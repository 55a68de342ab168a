"""How raw examples parse: the columns that the settings name, one value in each record."""

from __future__ import annotations

import tensorflow as tf

from components.features import Features


def label_and_groups(features: Features) -> dict[str, tf.io.FixedLenFeature]:
    """The columns of the label and the groups, as numbers or text like their raw values."""
    values = {features.label.name: features.label.positive}
    values |= {group.name: next(iter(group.values.values())) for group in features.groups.values()}
    return {
        name: tf.io.FixedLenFeature([], tf.string if isinstance(value, str) else tf.int64)
        for name, value in values.items()
    }


def label_groups_and_image(features: Features) -> dict[str, tf.io.FixedLenFeature]:
    """The same and the picture, where there is one."""
    image = features.image
    picture = {} if image is None else {image.name: tf.io.FixedLenFeature([], tf.string)}
    return label_and_groups(features) | picture
