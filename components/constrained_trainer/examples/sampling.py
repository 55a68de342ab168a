"""Which rows make the minibatch of a step, and how much each of them weighs.

A minibatch is drawn with replacement, in parts: part k takes B_k of its B rows uniformly from the set
S_k. A row x then comes up with probability q(x) per draw, and weighs p(x) / q(x), so that weighted
means over minibatches are means over the data, whatever the parts:

    q(x) = sum_k (B_k / B) 1[x in S_k] / |S_k|,    p(x) = 1 / N,  or  w(x) / sum w  of data with weights w

(multiple importance sampling with the balance heuristic: Veach and Guibas, SIGGRAPH 1995, section
3.3). Rows depend on the seed and the step alone, so that a training that was stopped goes on with the
minibatches it would have had, on any device.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import tensorflow as tf

from components.constrained_trainer.examples import philox
from components.constrained_trainer.examples.data import Split
from fairgate.errors import DataError

Scheme = Literal["proportional", "balanced", "per_group"]


class Sampler:
    """Draws the rows of one split.

    Args:
      split: what is drawn from.
      batch_size: B, rows per step.
      scheme: proportional (one part: everyone), balanced (a part for each combination of groups and
        label that occurs) or per_group (half of the rows from everyone, the rest in equal parts from
        each group).
      seed: of the training.
      stream: another one for each split, so that their draws are independent.

    Attributes:
      weights: (N,) float32, p / q; None where all are 1.

    Raises:
      DataError: a group is empty, or there are more parts than rows in a minibatch.
    """

    def __init__(self, split: Split, batch_size: int, scheme: Scheme, seed: int, stream: int):
        self.batch_size = batch_size
        self._seed = 2 * seed + stream
        self._rows = len(split)
        parts = _parts(split, scheme)
        self.weights = split.weights
        self._order: np.ndarray | None = None
        if len(parts) > 1:
            counts = _shares([share for share, _ in parts], batch_size, scheme)
            sets = [rows for _, rows in parts]
            density = np.zeros(len(split))
            for count, rows in zip(counts, sets, strict=True):
                density[rows] += count / batch_size / len(rows)
            reached = density > 0
            self.weights = np.zeros(len(split), np.float32)
            self.weights[reached] = 1 / (len(split) * density[reached])
            if split.weights is not None:
                self.weights *= split.weights
            self._order = np.concatenate(sets).astype(np.int32)
            sizes = np.array([len(rows) for rows in sets])
            self._sizes = np.repeat(sizes, counts)
            self._offsets = np.repeat(np.cumsum(sizes) - sizes, counts).astype(np.int32)

    def rows(self, step: tf.Tensor) -> tf.Tensor:
        """(B,) int32: the rows of the minibatch of `step`, () int32 or int64."""
        draws = tf.random.stateless_uniform(
            [self.batch_size],
            tf.stack([tf.constant(self._seed, tf.int64), tf.cast(step, tf.int64)]),
            minval=None,
            maxval=None,
            dtype=tf.uint32,
            alg="philox",  # by name: the default depends on the device
        )
        return self._rows_drawn(draws)

    @tf.function(autograph=False)
    def rows_of(self, steps: tf.Tensor) -> tf.Tensor:
        """(len(steps), B) int32: the same rows for several steps, drawn together."""
        return self._rows_drawn(philox.draws(self._seed, steps, self.batch_size))

    def _rows_drawn(self, draws: tf.Tensor) -> tf.Tensor:
        """(..., B) int32 rows for (..., B) uint32 draws."""
        if self._order is None:
            return tf.cast(draws % tf.constant(self._rows, tf.uint32), tf.int32)
        places = tf.cast(draws % tf.constant(self._sizes, tf.uint32), tf.int32) + self._offsets
        return tf.gather(tf.constant(self._order), places)


class Rounds:
    """Goes through all rows of a split in turn, a part of them at each of the player's steps.

    Rows are laid out so that every stretch of them holds each combination of groups and label in the
    proportions of the whole: row i of the n_c of a combination is put at
    (i + u) / n_c, u uniform in [0, 1). Rates over
    parts then differ less than rates over random rows, and their mean over a round is exact.

    Args:
      split: what is gone through.
      batch_size: rows per step; all that there are at the most.
      seed: of the training.
      every: the player moves at steps every - 1, 2 every - 1, ... only.

    Attributes:
      weights: (N,) float32, those of the split; None where all are 1.
    """

    def __init__(self, split: Split, batch_size: int, seed: int, every: int):
        self.weights = split.weights
        self.batch_size = min(batch_size, len(split))
        self._every = every
        self._order = _stratified(split, np.random.default_rng(seed)).astype(np.int32)

    def rows(self, step: tf.Tensor) -> tf.Tensor:
        """(B,) int32: the rows of the minibatch of `step`, () int32 or int64."""
        size, count = self.batch_size, len(self._order)
        turn = tf.cast(step, tf.int64) // self._every
        places = (turn * size + tf.range(size, dtype=tf.int64)) % count
        return tf.gather(tf.constant(self._order), places)

    @tf.function(autograph=False)
    def rows_of(self, steps: tf.Tensor) -> tf.Tensor:
        """(len(steps), B) int32: the rows of several steps."""
        return tf.map_fn(self.rows, steps, fn_output_signature=tf.int32)


def _stratified(split: Split, random: np.random.Generator) -> np.ndarray:
    """(N,) all rows, each stretch of them like the whole."""
    place = np.empty(len(split))
    for rows in _cells(split):
        shift = random.random()  # or all combinations would come up at the same places
        place[random.permutation(rows)] = (np.arange(len(rows)) + shift) / len(rows)
    return np.argsort(place, kind="stable")


def _cells(split: Split) -> list[np.ndarray]:
    """The rows of each combination of groups and label that occurs."""
    labels = split.labels if split.classes else split.labels > 0
    cells = np.column_stack([split.memberships > 0, labels])
    _, cell = np.unique(cells, axis=0, return_inverse=True)
    return [np.flatnonzero(cell.ravel() == index) for index in range(cell.max() + 1)]


def _parts(split: Split, scheme: Scheme) -> list[tuple[float, np.ndarray]]:
    """(share of the minibatch, rows) of each part."""
    everyone = np.arange(len(split))
    if scheme == "proportional":
        return [(1.0, everyone)]
    if scheme == "per_group":
        of_groups = [np.flatnonzero(column > 0) for column in split.memberships.T]
        for group, rows in zip(split.groups, of_groups, strict=True):
            if not len(rows):
                raise DataError(
                    f"trainer.batches = per_group: no example is in [{group}]; add some, or give "
                    "proportional"
                )
        return [(0.5, everyone)] + [(0.5 / len(of_groups), rows) for rows in of_groups]
    sets = _cells(split)
    return [(1 / len(sets), rows) for rows in sets]


def _shares(shares: Sequence[float], batch_size: int, scheme: str) -> np.ndarray:
    """Whole numbers of rows near the shares, at least one each, that add up to the minibatch."""
    if len(shares) > batch_size:
        raise DataError(
            f"trainer.batches = {scheme}: {len(shares)} parts cannot each have a row in a minibatch of "
            f"{batch_size}; raise trainer.batch_size"
        )
    exact = np.array(shares) * (batch_size - len(shares))
    counts = 1 + np.floor(exact).astype(int)
    # Largest remainders first.
    for place in np.argsort(-(exact % 1), kind="stable")[: batch_size - counts.sum()]:
        counts[place] += 1
    return counts
