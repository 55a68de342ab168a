"""Are the three splits three? What files make them, what is in them, and what they have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from components import tfrecords
from components.example_gen import units
from components.example_gen.checks import SplitCounts
from components.example_gen.shards import list_shards
from components.features import Features
from fairgate.errors import DataError

TEST = "test"

# Custom properties of the Examples artifact.
TEST_DIGEST = "test_digest"
WARNINGS = "warnings"
TEST_SIZES = "test_sizes"
SIZES = "sizes"


def list_splits(folder: str, patterns: Mapping[str, str]) -> dict[str, list[str]]:
    """Split -> its files, sorted.

    Raises:
      DataError: as `list_shards`; or a file is matched by two splits.
    """
    splits = {name: list_shards(folder, name, pattern) for name, pattern in patterns.items()}
    owners: dict[str, str] = {}
    for name, files in splits.items():
        for file in files:
            other = owners.setdefault(file, name)
            if other != name:
                raise DataError(
                    f"{file}: belongs to split '{other}' and to split '{name}': it matches "
                    f"data.splits.{other} = {patterns[other]!r} and data.splits.{name} = "
                    f"{patterns[name]!r}. What a model was trained or chosen on says nothing about its "
                    "future: correct one of the patterns, so that no file matches both"
                )
    return splits


def require_different(splits: Mapping[str, SplitCounts]) -> None:
    """Raises DataError when two shards, or two splits however they are sharded, hold the same records.

    Within one split too: examples that count twice make bounds narrower than they are.
    """
    owners: dict[str, tuple[str, str]] = {}
    for name, counts in splits.items():
        for file, contents in counts.shards.items():
            other_name, other = owners.setdefault(contents, (name, file))
            if other == file or contents == SplitCounts().digest():
                continue  # the same file, or no records at all
            place = (
                f"both in split '{name}'"
                if other_name == name
                else f"in splits '{other_name}' and '{name}'"
            )
            raise DataError(
                f"{file} and {other} hold the same records, {place}. A copy is no new example: remove "
                f"one of the files, or correct data.splits.{name} so that it does not match it"
            )
    names = list(splits)
    for at, name in enumerate(names):
        for other_name in names[:at]:
            if splits[name].digest() == splits[other_name].digest():
                raise DataError(
                    f"splits '{other_name}' and '{name}' hold the same records. Three splits are needed "
                    f"that are different: let data.splits.{other_name} and data.splits.{name} match "
                    "different data"
                )


def require_units_apart(splits: Mapping[str, SplitCounts], column: str) -> None:
    """Raises DataError when a unit has examples in two splits: they are no draws of their own then."""
    names = list(splits)
    for at, name in enumerate(names):
        for other_name in names[:at]:
            shared = units.shared(splits[name].units, splits[other_name].units)
            if len(shared):
                first = units.named(shared, splits[name].shards, column)
                raise DataError(
                    f"splits '{other_name}' and '{name}' both have examples of the unit {first!r} "
                    f"(column '{column}'), and of {len(shared) - 1:,} more. A model that has learned "
                    "from somebody's examples says nothing about people whom it has not seen: divide the "
                    "data by units ('data from-csv' does where data.features.unit is set), or take "
                    "data.features.unit out if it does not say whose example a record is"
                )


def sizes(counts: SplitCounts, features: Features) -> dict[str, Any]:
    """(negatives, positives) of everybody, and of each feature's groups; of several classes, each."""
    everybody = tuple(counts.by_label[label] for label in range(features.label.num_classes))
    return {"everybody": everybody, "groups": counts.sizes(features)}


def copy_kept(shard: str, copy: str, left_out: np.ndarray) -> None:
    """Copies a shard, but for the records at the places `left_out`."""
    if not len(left_out):
        tfrecords.unpack(shard, copy)
        return
    places = set(left_out.tolist())
    with tf.io.TFRecordWriter(copy) as writer:
        for place, record in enumerate(tfrecords.records(shard)):
            if place not in places:
                writer.write(record)


def overlap(test: SplitCounts, other: SplitCounts) -> int:
    """How many test examples are, byte for byte, among the other split's as well."""
    mine = test.hashes  # a copy, which may be sorted where it is
    mine.sort()
    seen = np.zeros(len(mine), bool)  # of equal ones the first
    # In parts: np.isin would sort both splits together, in five times their memory.
    for part in other.parts_of_hashes if len(mine) else ():
        at = np.minimum(np.searchsorted(mine, part), len(mine) - 1)
        seen[at[mine[at] == part]] = True
    firsts = np.flatnonzero(seen)
    return int((np.searchsorted(mine, mine[firsts], side="right") - firsts).sum())


def warnings(splits: Mapping[str, SplitCounts], test: str = TEST) -> list[str]:
    """A sentence for each split that shares examples with the test split; tables may repeat rows.

    And for each where rows are left out, or in no known group.
    """
    result = []
    for name, counts in splits.items():
        left_out = sum(map(len, counts.left_out.values()))
        if left_out:
            result.append(
                f"{left_out:,} of {counts.examples + left_out:,} records of the {name} split are left "
                "out, as data.features.label says"
            )
        for feature, unknown in counts.unknown.items():
            if unknown:
                result.append(
                    f"the group of {feature} is not known of {unknown:,} of {counts.examples:,} examples "
                    f"of the {name} split: they count for everybody, and for no group of {feature}"
                )
        shared = overlap(splits[test], counts) if name != test else 0
        if shared:
            result.append(
                f"{shared:,} of {splits[test].examples:,} examples of the test split are byte for byte "
                f"in the {name} split too. If they are the same people, the gate flatters the model: "
                "leave them out of one of the two"
            )
    return result
