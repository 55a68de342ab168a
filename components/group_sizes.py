"""How many examples of each group and label a split holds, from StatisticsGen's output."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from components.features import Features
from fairgate.constraints.rates import Group
from fairgate.errors import DataError
from fairgate.gate.prediction import Size

_FILE = "GroupSizes.json"


def write(statistics: str, split: str, sizes: Mapping[str, Any]) -> None:
    """Keeps the sizes of a split, as `splits.sizes` has them, beside its statistics."""
    with tf.io.gfile.GFile(_file(statistics, split), "w") as opened:
        opened.write(json.dumps(sizes))


def read(statistics: str, split: str, features: Features) -> dict[Group | None, Size]:
    """The sizes of everyone (None) and of each group.

    These are denominators: they say what can be measured on a split, and nothing of any model.

    Args:
      statistics: folder of an ExampleStatistics artifact.
      split: name of the split.
      features: what the columns mean.

    Raises:
      DataError: no sizes of this split are there, or not of these groups.
    """
    file = _file(statistics, split)
    if not tf.io.gfile.exists(file):
        raise DataError(f"{file}: no sizes of split '{split}'; let StatisticsGen make them")
    with tf.io.gfile.GFile(file) as opened:
        found = json.loads(opened.read())
    negatives, positives = found["everybody"]
    sizes: dict[Group | None, Size] = {}
    for feature, name in features.membership_columns():
        try:
            of_group = found["groups"][feature][name]
        except KeyError:
            raise DataError(
                f"{file}: no sizes of group [{name}] of {feature!r}; let StatisticsGen make them"
            ) from None
        sizes[Group(feature, name)] = Size(positives=of_group[1], negatives=of_group[0])
    sizes[None] = Size(positives=positives, negatives=negatives)
    return sizes


def _file(statistics: str, split: str) -> str:
    return os.path.join(statistics, f"Split-{split}", _FILE)
