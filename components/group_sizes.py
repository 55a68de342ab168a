"""How many examples of each group and label a split holds, from StatisticsGen's output."""

from __future__ import annotations

import itertools
import os

import tensorflow as tf
from tensorflow_metadata.proto.v0 import statistics_pb2

from components.features import Features
from fairgate.constraints.rates import Group
from fairgate.errors import DataError
from fairgate.gate.prediction import Size

_FILE = "FeatureStats.pb"


def read(statistics: str, split: str, features: Features) -> dict[Group | None, Size]:
    """The sizes of everyone (None) and of each group, from the statistics of its slices with the label.

    These are denominators: they say what can be measured on a split, and nothing of any model.

    Args:
      statistics: folder of an ExampleStatistics artifact, sliced by each group feature with the label.
      split: name of the split.
      features: what the columns mean.

    Raises:
      DataError: no statistics of this split are there, or they are not sliced by group and label.
    """
    file = os.path.join(statistics, f"Split-{split}", _FILE)
    if not tf.io.gfile.exists(file):
        raise DataError(f"{file}: no statistics of split '{split}'; let StatisticsGen make them")
    with tf.io.gfile.GFile(file, "rb") as opened:
        slices = statistics_pb2.DatasetFeatureStatisticsList.FromString(opened.read()).datasets
    examples = {each.name: int(each.num_examples) for each in slices}

    sizes: dict[Group | None, Size] = {}
    for feature, group in features.groups.items():
        for name, value in group.values.items():
            negatives, positives = (
                _examples(examples, (group.name, value), (features.label.name, label))
                for label in features.label.values
            )
            sizes[Group(feature, name)] = Size(positives, negatives)
    # Every example is in one group of each feature: ImportExampleGen lets no other pass.
    first = next(iter(features.groups))
    everyone = [size for group, size in sizes.items() if group and group.feature == first]
    if not sum(size.examples for size in everyone):
        raise DataError(
            f"{file}: no slices by {features.groups[first].name!r} and {features.label.name!r} "
            f"among its {len(examples)}; configure StatisticsGen to make them"
        )
    sizes[None] = Size(
        sum(size.positives for size in everyone), sum(size.negatives for size in everyone)
    )
    return sizes


def _examples(slices: dict[str, int], *pairs: tuple[str, object]) -> int:
    """Examples of the slice of these columns and values; 0 where it is empty, and so not there."""
    names = {
        "_".join(f"{column}_{value}" for column, value in order)
        for order in itertools.permutations(pairs)
    }
    return next((slices[name] for name in names if name in slices), 0)
