"""How examples reach the compiled loop: resident on the device, or read from disk as they are needed.

Both feed the very same minibatches: the sampler says which rows a step takes, and either the device
gathers them from the whole split, or the host does, some steps ahead.
"""

from __future__ import annotations

import functools
import itertools
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from components.constrained_trainer.data import Split
from components.constrained_trainer.sampling import Sampler

# Where a split is not resident: about how many steps' rows are read together, how many times ahead.
_BLOCK = 8
_AHEAD = 3

Tensors = Mapping[str, Any]


class Feed:
    """The examples of one split, for one player.

    Args:
      split: the examples.
      sampler: which of them a step takes.
      resident: keep the whole split on the device.
      scope: the strategy that trains.
      every: the player moves at steps every - 1, 2 every - 1, ... only.

    Attributes:
      waited: seconds that the loop has waited for rows.
    """

    def __init__(
        self,
        split: Split,
        sampler: Sampler,
        resident: bool,
        scope: tf.distribute.Strategy,
        every: int = 1,
    ):
        self.sampler = sampler
        self.every = every
        self.resident = resident
        self.waited = 0.0
        self._columns = columns(split, sampler.weights)
        self._scope = scope
        self._whole = self._on_devices(self._columns) if resident else None

    def minibatch(self, tensors: Tensors, step: tf.Tensor, first: tf.Tensor) -> Tensors:
        """This replica's rows of the minibatch of `step`; runs inside the compiled loop.

        Args:
          tensors: from `blocks`.
          step: () the step.
          first: () the first step that `tensors` are for.
        """
        if self.resident:
            rows = self.sampler.rows(step)
        else:
            size = self.sampler.batch_size
            rows = tf.cast((step - first) // self.every, tf.int32) * size + tf.range(size)
        context = tf.distribute.get_replica_context()
        replicas = context.num_replicas_in_sync
        if replicas > 1:
            local = self.sampler.batch_size // replicas
            start = context.replica_id_in_sync_group * local
            rows = rows[start : start + local]
        return tf.nest.map_structure(lambda column: tf.gather(column, rows), tensors)

    def blocks(self, first: int, last: int, size: int) -> Iterator[Tensors]:
        """Tensors for the steps first.., first + size.., first + 2 size.. up to last (exclusive).

        Args:
          size: steps per block; a multiple of `every`.
        """
        if self.resident:
            yield from itertools.repeat(self._whole, -(-(last - first) // size))
            return
        starts = tf.data.Dataset.range(first, last, size)
        read = functools.partial(self._read, size=size)
        blocks = starts.map(
            lambda start: tf.numpy_function(read, [start], self._types(), stateful=False),
            num_parallel_calls=2,
            deterministic=True,
        ).prefetch(_AHEAD)
        began = time.perf_counter()
        for flat in blocks:
            self.waited += time.perf_counter() - began
            yield self._on_devices(tf.nest.pack_sequence_as(self._columns, flat))
            began = time.perf_counter()

    def _read(self, start: np.ndarray, size: int) -> list[np.ndarray]:
        # Always whole blocks, even past the last step: another size would be compiled anew.
        steps = [s for s in range(int(start), int(start) + size) if (s + 1) % self.every == 0]
        rows = np.concatenate([self.sampler.rows(tf.constant(step)).numpy() for step in steps])
        return [column[rows] for column in tf.nest.flatten(self._columns)]

    def _types(self) -> list[tf.DType]:
        return [tf.as_dtype(column.dtype) for column in tf.nest.flatten(self._columns)]

    def _on_devices(self, arrays: Tensors) -> Tensors:
        """One copy on every device that trains."""
        if self._scope.num_replicas_in_sync == 1:
            return tf.nest.map_structure(tf.constant, arrays)
        return tf.nest.map_structure(
            lambda array: self._scope.experimental_distribute_values_from_function(
                lambda _: tf.constant(array)
            ),
            arrays,
        )


def block_size(feeds: Sequence[Feed], first: int, last: int) -> int:
    """Steps per block that suits all feeds: everything at once if all are resident."""
    if all(feed.resident for feed in feeds):
        return max(last - first, 1)
    every = math.lcm(*(feed.every for feed in feeds))
    return every * -(-_BLOCK // every)


def columns(split: Split, weights: np.ndarray | None = None) -> dict[str, Any]:
    """What a minibatch holds: inputs, labels, members and, where they differ, weights."""
    found = {"inputs": dict(split.inputs), "labels": split.labels, "members": split.memberships}
    return found if weights is None else found | {"weights": weights}
