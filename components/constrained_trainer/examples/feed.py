"""How examples reach the compiled loop: resident on the device, or read from disk as they are needed.

Both feed the very same minibatches: the sampler says which rows a step takes, and either the device
gathers them from the whole split, or the host does, some steps ahead.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from components.constrained_trainer.examples.augmentation import Augmentation
from components.constrained_trainer.examples.data import Split, forget, taken
from components.constrained_trainer.examples.sampling import Rounds, Sampler
from components.transform.inputs import IMAGE

# Where a split is not resident: about how many steps' rows are read together, how many times ahead.
_BLOCK_STEPS = 16
_AHEAD = 3

Tensors = Mapping[str, Any]


class Block(NamedTuple):
    """Examples for the steps first <= step < end: the whole split, or the rows that they take."""

    first: int
    end: int
    tensors: Tensors


class Feed:
    """The examples of one split, for one player.

    Args:
      split: the examples.
      sampler: which of them a step takes.
      resident: keep the whole split on the device.
      scope: the strategy that trains.
      every: the player moves at steps every - 1, 2 every - 1, ... only.
      augmentation: what is done to its pictures; None: nothing.

    Attributes:
      waited: seconds that the loop has waited for rows.
    """

    def __init__(
        self,
        split: Split,
        sampler: Sampler | Rounds,
        resident: bool,
        scope: tf.distribute.Strategy,
        every: int = 1,
        augmentation: Augmentation | None = None,
    ):
        self.sampler = sampler
        self.every = every
        self.waited = 0.0
        self._augmentation = augmentation
        self._columns = columns(split, sampler.weights)
        self._scope = scope
        self._size = every * -(-_BLOCK_STEPS // every)
        self._blocks: Iterator[Any] | None = None
        self._block = Block(0, sys.maxsize, self._on_devices(self._columns)) if resident else None
        self.resident = resident
        forget(*split.inputs.values())  # read to be copied, and by whoever looked at them before

    def block(self, step: int) -> Block:
        """Examples for `step` and what follows; steps must be asked for in order."""
        if self._block is None or step >= self._block.end:
            first = step // self._size * self._size
            began = time.perf_counter()
            self._blocks = self._blocks or iter(self._read_ahead(first))
            flat = next(self._blocks)
            self.waited += time.perf_counter() - began
            tensors = tf.nest.pack_sequence_as(self._columns, flat)
            self._block = Block(first, first + self._size, self._on_devices(tensors))
        return self._block

    def minibatch(
        self, tensors: Tensors, step: tf.Tensor, first: tf.Tensor, rows: tf.Tensor | None = None
    ) -> Tensors:
        """This replica's rows of the minibatch of `step`; runs inside the compiled loop.

        Args:
          tensors: of a block.
          step: () the step.
          first: () the first step of the block.
          rows: (B,) the places in the block, where they are known.
        """
        if rows is None and self.resident:
            rows = self.sampler.rows(step)
        elif rows is None:
            size = self.sampler.batch_size
            rows = tf.cast((step - first) // self.every, tf.int32) * size + tf.range(size)
        mine = self._mine(rows)
        batch = tf.nest.map_structure(lambda column: tf.gather(column, mine), tensors)
        # A byte each wherever they are kept; constraints reckon with numbers.
        batch |= {name: tf.cast(batch[name], tf.float32) for name in ("labels", "members")}
        if self._augmentation:
            draws = self._mine(self._augmentation.draws(step))
            inputs = dict(batch["inputs"])
            inputs[IMAGE] = self._augmentation(inputs[IMAGE], draws)
            batch = {**batch, "inputs": inputs}
        return batch

    def _mine(self, rows: tf.Tensor) -> tf.Tensor:
        """The part of a whole minibatch's rows that this replica takes."""
        context = tf.distribute.get_replica_context()
        replicas = context.num_replicas_in_sync
        if replicas == 1:
            return rows
        local = self.sampler.batch_size // replicas
        start = context.replica_id_in_sync_group * local
        return rows[start : start + local]

    def _read_ahead(self, first: int) -> tf.data.Dataset:
        """Blocks from the step `first` on, without end, read by other threads."""
        steps = np.arange(self.every - 1, self._size, self.every)

        def read(first: tf.Tensor) -> list[tf.Tensor]:
            # Rows are drawn out here: TensorFlow called from within could wait for its own threads.
            rows = tf.reshape(self.sampler.rows_of(first + steps), [-1])
            return tf.numpy_function(self._gather, [rows], self._types(), stateful=False)

        firsts = tf.data.Dataset.counter(first, self._size)
        return firsts.map(read, num_parallel_calls=2, deterministic=True).prefetch(_AHEAD)

    def _gather(self, rows: np.ndarray) -> list[np.ndarray]:
        return [taken(column, rows) for column in tf.nest.flatten(self._columns)]

    def _types(self) -> list[tf.DType]:
        return [tf.as_dtype(column.dtype) for column in tf.nest.flatten(self._columns)]

    def _on_devices(self, arrays: Tensors) -> Tensors:
        """One copy on every device that trains, and no second one meanwhile, as `tf.constant` makes."""
        if self._scope.num_replicas_in_sync == 1:
            return tf.nest.map_structure(tf.convert_to_tensor, arrays)
        return tf.nest.map_structure(
            lambda array: self._scope.experimental_distribute_values_from_function(
                lambda _: tf.convert_to_tensor(array)
            ),
            arrays,
        )


def columns(split: Split, weights: np.ndarray | None = None) -> dict[str, Any]:
    """What a minibatch holds: inputs, labels, members and, where they differ, weights."""
    found = {"inputs": dict(split.inputs), "labels": split.labels, "members": split.memberships}
    return found if weights is None else found | {"weights": weights}
