"""Thresholds of each group's own: who is in which cell, and what a score is worth there.

A cell is one group of each of some group features: [Men], or [Men] and [Black]. Everybody is in one.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.constrained_trainer.examples.data import Split
from fairgate.constraints.rates import Group
from fairgate.errors import SettingsError


@dataclass(frozen=True)
class Cells:
    """The crossings of the groups of some features, in the order of `itertools.product`.

    Attributes:
      groups: of each feature, its groups in the order of the settings.
    """

    groups: tuple[tuple[Group, ...], ...]

    @classmethod
    def of(cls, split: Split, features: Sequence[str]) -> Cells:
        """The crossings of `features`, each of which `split` must know."""
        names = split.group_names
        return cls(tuple(tuple(Group(f, name) for name in names[f]) for f in features))

    @property
    def features(self) -> tuple[str, ...]:
        """Whose groups are crossed."""
        return tuple(groups[0].feature for groups in self.groups)

    def __len__(self) -> int:
        return math.prod(map(len, self.groups))

    def named(self) -> list[tuple[Group, ...]]:
        """The groups of each cell."""
        return list(itertools.product(*self.groups))

    def index(self, split: Split) -> NDArray[np.int64]:
        """(n,) the cell of each example.

        Raises:
          SettingsError: an example is in none of a feature's groups, or in several.
        """
        places = []
        for groups in self.groups:
            members = split.memberships[:, [split.groups.index(group) for group in groups]] > 0
            if not (members.sum(axis=1) == 1).all():
                feature = groups[0].feature
                raise SettingsError(
                    "trainer.thresholds = per_group: examples are in none or in several of the groups "
                    f"of {feature!r}, and each needs one threshold: give every example one group of "
                    f"{feature!r}, or set trainer.thresholds to one"
                )
            places.append(members.argmax(axis=1))
        return np.ravel_multi_index(places, [len(groups) for groups in self.groups]).astype(int)

    def joined(self, places: Sequence[tf.Tensor]) -> tf.Tensor:
        """(n,) int64 the cell of each example, -1 where one of its groups is unknown.

        Args:
          places: of each feature, (n,) int64 the place of the example's group, -1 for unknown.
        """
        index, known = tf.zeros_like(places[0]), tf.ones_like(places[0], tf.bool)
        for groups, place in zip(self.groups, places, strict=True):
            index = index * len(groups) + place
            known &= place >= 0
        return tf.where(known, index, -1)


@dataclass(frozen=True)
class CellThresholds:
    """A rule: in each cell Yes is said above its threshold, or above one of several that a draw picks.

    Attributes:
      cells: whose thresholds.
      thresholds: of each cell, rising; -inf says Yes to all of it, inf No.
      shares: of each cell, of the examples that meet each threshold; they sum to 1.
      drawn: share of the examples that it was made on whose answer is left to the draw.
    """

    cells: Cells
    thresholds: tuple[tuple[float, ...], ...]
    shares: tuple[tuple[float, ...], ...]
    drawn: float = 0.0

    def shifted(self, scores: tf.Tensor, cells: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
        """(n,) float32 scores from which each example's threshold is taken: Yes where above 0.

        Args:
          scores: (n,) float32.
          cells: (n,) of each example; -1, which is no cell, has the threshold 0.
          draws: (n,) float64 in [0, 1), of which the lowest meet the first threshold of a cell.
        """
        width = max(map(len, self.thresholds))
        tried, upto = np.zeros((len(self.cells) + 1, width)), np.ones((len(self.cells) + 1, width))
        for row, (own, shares) in enumerate(zip(self.thresholds, self.shares, strict=True)):
            tried[row, : len(own)] = own
            # The last one is left out: whatever the draw is, it meets some threshold.
            upto[row, : len(own) - 1] = np.cumsum(shares)[:-1]
        rows = tf.where(cells < 0, tf.constant(len(self.cells), cells.dtype), cells)
        passed = draws[:, tf.newaxis] >= tf.gather(tf.constant(upto[:, :-1]), rows)
        met = tf.reduce_sum(tf.cast(passed, tf.int32), axis=1)
        own = tf.gather(tf.constant(tried, tf.float32), rows)
        return scores - tf.gather(own, met, batch_dims=1)
