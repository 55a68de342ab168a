"""How many examples of each group and label a split holds, from StatisticsGen's output."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from components.features import Features
from fairgate.constraints import classes
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

    These are denominators: they say what can be measured on a split, and nothing of any model. Of several
    classes those of each class are there, too, as `classes.sizes` has them.

    Args:
      statistics: folder of an ExampleStatistics artifact.
      split: name of the split.
      features: what the columns mean.

    Raises:
      DataError: no sizes of this split are there, or not of these groups.
    """
    found = _read(statistics, split)
    if names := list(features.label.classes):
        return {
            seen: Size(positives=int(positives), negatives=int(negatives))
            for group, sizes in by_label(statistics, split, features).items()
            for seen, positives, negatives in classes.sizes(group, sizes, names)
        }
    return {
        group: Size(positives=int(positives), negatives=int(negatives))
        for group, (negatives, positives) in _pairs(found, statistics, split, features).items()
    }


def by_label(
    statistics: str, split: str, features: Features
) -> dict[Group | None, tuple[float, ...]]:
    """The examples of each label of everyone (None) and of each group: negatives, positives, or classes.

    Arguments and errors as for `read`.
    """
    return _pairs(_read(statistics, split), statistics, split, features)


Pairs = dict[Group | None, tuple[float, ...]]


def _read(statistics: str, split: str) -> dict[str, Any]:
    file = _file(statistics, split)
    if not tf.io.gfile.exists(file):
        raise DataError(f"{file}: no sizes of split '{split}'; let StatisticsGen make them")
    with tf.io.gfile.GFile(file) as opened:
        found: dict[str, Any] = json.loads(opened.read())
    return found


def _pairs(found: Mapping[str, Any], statistics: str, split: str, features: Features) -> Pairs:
    """(negatives, positives) of each group, or each class's, and at None of everyone."""
    pairs: Pairs = {None: found["everybody"]}
    for feature, name in features.membership_columns():
        try:
            pairs[Group(feature, name)] = found["groups"][feature][name]
        except KeyError:
            raise DataError(
                f"{_file(statistics, split)}: no sizes of group [{name}] of {feature!r}; let "
                "StatisticsGen make them"
            ) from None
    return pairs


def _file(statistics: str, split: str) -> str:
    return os.path.join(statistics, f"Split-{split}", _FILE)
