"""A split of the transformed examples: its labels and groups in memory, its inputs on disk."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from components.features import TRANSFORMED_LABEL, Features, transformed_group
from components.transform.inputs import ModelInput, transformed_feature_spec, unpack_inputs
from fairgate.constraints.curves import Scored, scored_groups
from fairgate.constraints.rates import Counts, Group, count_outcomes

_BATCH = 1024


@dataclass(frozen=True)
class Split:
    """The examples of one split.

    Attributes:
      inputs: what the network sees, (n, ...) each: `image` uint8 (n, height, width, channels),
        `numeric` float32 (n, k), `categorical` int32 (n, c). May be memory-mapped files.
      labels: float32 (n,), 1 for the positive class.
      memberships: float32 (n, len(groups)), 1 where the example belongs to the group.
      groups: the groups, in the order of the columns of `memberships`.
    """

    inputs: Mapping[str, np.ndarray]
    labels: np.ndarray
    memberships: np.ndarray
    groups: tuple[Group, ...]

    def __post_init__(self) -> None:
        n = len(self.labels)
        sizes = {name: column.shape for name, column in self.inputs.items()}
        fits = all(shape[0] == n for shape in sizes.values())
        if not fits or self.memberships.shape != (n, len(self.groups)):
            raise ValueError(
                f"inputs {sizes}, labels {self.labels.shape} and memberships "
                f"{self.memberships.shape} for {len(self.groups)} groups do not belong together"
            )

    @property
    def nbytes(self) -> int:
        """Bytes of the inputs."""
        return sum(column.nbytes for column in self.inputs.values())

    @property
    def group_names(self) -> dict[str, list[str]]:
        """Group feature -> the names of its groups, as the constraint language wants them."""
        names: dict[str, list[str]] = {}
        for group in self.groups:
            names.setdefault(group.feature, []).append(group.name)
        return names

    def fits_in(self, gigabytes: float) -> bool:
        """Whether the inputs take no more than this."""
        return self.nbytes <= gigabytes * 1e9

    def model_inputs(self) -> dict[str, ModelInput]:
        """Shape and type of each input; sizes of vocabularies are not known here."""
        return {
            name: ModelInput(column.shape[1:], str(column.dtype))
            for name, column in self.inputs.items()
        }

    def take(self, rows: np.ndarray) -> Split:
        """The examples at `rows`, in that order, in memory."""
        return Split(
            {name: column[rows] for name, column in self.inputs.items()},
            self.labels[rows],
            self.memberships[rows],
            self.groups,
        )

    def __len__(self) -> int:
        return len(self.labels)

    def counts(self, scores: np.ndarray) -> dict[Group | None, Counts]:
        """Confusion counts at the decision score > 0, of all examples (None) and of each group.

        Args:
          scores: (n,), one for each example.
        """
        yes = scores > 0
        counts: dict[Group | None, Counts] = {None: count_outcomes(yes, self.labels)}
        for column, group in enumerate(self.groups):
            counts[group] = count_outcomes(yes, self.labels, self.memberships[:, column])
        return counts

    def scored(self, scores: np.ndarray) -> dict[Group | None, Scored]:
        """As `counts`, with the scores, for measures over all thresholds.

        Args:
          scores: (n,), one for each example.
        """
        members = dict(zip(self.groups, self.memberships.T, strict=True))
        return scored_groups(scores, self.labels, members)


def load_split(files: Sequence[str], features: Features, scratch: str) -> Split:
    """Reads the transformed examples in `files` (TFRecords, gzip by their ending).

    Inputs are written to files in the folder `scratch` and mapped into memory from there, so that a
    split may be larger than memory; they must stay while the split is used. Memory otherwise:
    4 * (1 + number of groups) bytes per example.
    """
    columns = transformed_feature_spec(features)

    def parse(records: tf.Tensor) -> Mapping[str, Any]:
        parsed = tf.io.parse_example(records, columns)
        kept = {TRANSFORMED_LABEL, *map(transformed_group, features.groups)}
        return {"inputs": unpack_inputs(parsed, features)} | {key: parsed[key] for key in kept}

    compression = "GZIP" if files and files[0].endswith(".gz") else ""
    records = tf.data.TFRecordDataset(sorted(files), compression, buffer_size=4 << 20)
    batches = records.batch(_BATCH).map(parse, num_parallel_calls=2).prefetch(2)
    shapes = {name: spec.shape[1:] for name, spec in batches.element_spec["inputs"].items()}
    types = {name: spec.dtype for name, spec in batches.element_spec["inputs"].items()}
    small: dict[str, list[np.ndarray]] = {}
    with contextlib.ExitStack() as stack:
        opened = {
            name: stack.enter_context(open(os.path.join(scratch, f"{name}.bin"), "wb"))
            for name in shapes
        }
        for batch in batches.as_numpy_iterator():
            for name, rows in batch.pop("inputs").items():
                opened[name].write(rows.tobytes())
            for name, column in batch.items():
                small.setdefault(name, []).append(column)
    joined = {name: np.concatenate(parts) for name, parts in small.items()}
    labels = joined[TRANSFORMED_LABEL].astype(np.float32)
    inputs = {
        name: np.memmap(
            os.path.join(scratch, f"{name}.bin"),
            types[name].as_numpy_dtype,
            mode="r",
            shape=(len(labels), *shapes[name]),
        )
        for name in shapes
    }
    return Split(inputs, labels, *memberships(joined, features))


def memberships(
    columns: Mapping[str, np.ndarray], features: Features
) -> tuple[np.ndarray, tuple[Group, ...]]:
    """(n, g) float32, 1 for members, and the g groups, from the group indices of transformed columns."""
    groups = tuple(Group(feature, name) for feature, name in features.membership_columns())
    found = [
        columns[transformed_group(group.feature)]
        == features.group_names[group.feature].index(group.name)
        for group in groups
    ]
    return np.stack(found, axis=1).astype(np.float32), groups
