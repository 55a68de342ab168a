"""A split of the transformed examples, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from components.constrained_optimization.rates import Counts, Group, count_outcomes
from components.features import (
    TRANSFORMED_IMAGE,
    TRANSFORMED_LABEL,
    Features,
    transformed_group,
)

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

    def model_inputs(self) -> dict[str, ModelInput]:
        """Shape and type of each input; sizes of vocabularies are not known here."""
        return {
            name: ModelInput(column.shape[1:], str(column.dtype))
            for name, column in self.inputs.items()
        }

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


def load_split(files: Sequence[str], features: Features) -> Split:
    """Reads the transformed examples in `files` (TFRecords, gzip by their ending).

    Memory: one byte per pixel and channel, and 4 * (1 + number of groups) bytes per example.
    """
    columns: dict[str, tf.io.FixedLenFeature] = {
        TRANSFORMED_IMAGE: tf.io.FixedLenFeature([], tf.string),
        TRANSFORMED_LABEL: tf.io.FixedLenFeature([], tf.int64),
    }
    for feature in features.groups:
        columns[transformed_group(feature)] = tf.io.FixedLenFeature([], tf.int64)
    size = int(np.prod(features.image.shape))

    def parse(records: tf.Tensor) -> Mapping[str, tf.Tensor]:
        parsed = tf.io.parse_example(records, columns)
        parsed[TRANSFORMED_IMAGE] = tf.io.decode_raw(
            parsed[TRANSFORMED_IMAGE], tf.uint8, fixed_length=size
        )
        return parsed

    compression = "GZIP" if files and files[0].endswith(".gz") else ""
    dataset = tf.data.TFRecordDataset(sorted(files), compression, buffer_size=4 << 20)
    batches = list(dataset.batch(_BATCH).map(parse).prefetch(2).as_numpy_iterator())

    def column(name: str) -> np.ndarray:
        return np.concatenate([batch.pop(name) for batch in batches])

    images = column(TRANSFORMED_IMAGE).reshape(-1, *features.image.shape)
    labels = column(TRANSFORMED_LABEL).astype(np.float32)
    groups = tuple(Group(feature, name) for feature, name in features.membership_columns())
    indices = {feature: column(transformed_group(feature)) for feature in features.groups}
    memberships = np.stack(
        [
            indices[group.feature] == features.group_names[group.feature].index(group.name)
            for group in groups
        ],
        axis=1,
    ).astype(np.float32)
    return Split(images, labels, memberships, groups)
