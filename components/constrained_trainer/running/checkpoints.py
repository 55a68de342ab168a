"""Checkpoints: a training that was stopped, however, goes on to the very weights it would have had.

    <folder>/training.json        what the checkpoints belong to
    <folder>/ckpt-<n>.*           model, optimizers, multipliers, slacks, denominators, seeds, step
    <folder>/snapshots/<step>.npz snapshots taken so far

Every file is written beside its place and moved there, so that what is found is whole. Minibatches
need no state: they follow from the seed and the step.
"""

from __future__ import annotations

import json
import os
import time

import tensorflow as tf

from components import folders
from components.constrained_trainer.models import weight_files
from components.constrained_trainer.running import devices
from components.constrained_trainer.selection.snapshots import Snapshot
from fairgate.errors import DataError

_KEPT = 2
# Of a snapshot, beside its weights.
_ARRAYS = (
    "violations",
    "estimated_violations",
    "multipliers",
    "excess",
    "scores",
    "learned_scores",
)
_NUMBERS = {
    "step": int,
    "objective": float,
    "error_rate": float,
    "estimated_error": float,
    "uselessness": int,
}


class Checkpoints:
    """The checkpoints of one training.

    Args:
      folder: local or remote; made if missing.
      belongs_to: says what is trained on what; a folder of another training is refused.
      seconds: least time between two checkpoints that `save_if_due` makes.
      **state: trackable objects.

    Raises:
      DataError: the folder holds the checkpoints of another training.
    """

    def __init__(self, folder: str, belongs_to: dict[str, object], seconds: float, **state):
        self.folder = folder
        self._step = tf.Variable(0, dtype=tf.int64, trainable=False)
        # Of several workers one writes; all of them read.
        self._chief = devices.is_chief()
        self._seconds = seconds
        self._saved = time.monotonic()
        self._require_same(os.path.join(folder, "training.json"), belongs_to)
        self._manager = tf.train.CheckpointManager(
            tf.train.Checkpoint(step=self._step, **state), folder, max_to_keep=_KEPT
        )

    def restore(self) -> tuple[int, list[Snapshot]]:
        """(steps taken, snapshots taken) of the newest checkpoint, whose state is loaded; or (0, [])."""
        newest = tf.train.latest_checkpoint(self.folder)
        if newest is None:
            return 0, []
        self._manager.checkpoint.restore(newest).assert_existing_objects_matched()
        step = int(self._step)
        files = folders.matching(self.folder, "snapshots/*.npz")
        snapshots = sorted((_read(file) for file in files), key=lambda snapshot: snapshot.step)
        return step, [snapshot for snapshot in snapshots if snapshot.step <= step]

    def keep(self, snapshot: Snapshot) -> None:
        """Writes a snapshot; it counts once a checkpoint of its step or a later one is there."""
        if self._chief:
            file = os.path.join(self.folder, "snapshots", f"{snapshot.step:09d}.npz")
            others = {name: getattr(snapshot, name) for name in (*_ARRAYS, *_NUMBERS)}
            weight_files.write(file, snapshot.weights, **others)

    def save(self, step: int) -> None:
        """Writes a checkpoint now."""
        self._step.assign(step)
        if self._chief:
            self._manager.save()
        self._saved = time.monotonic()

    def save_if_due(self, step: int) -> None:
        """Writes a checkpoint if the last one is old enough."""
        if time.monotonic() - self._saved >= self._seconds:
            self.save(step)

    def _require_same(self, file: str, belongs_to: dict[str, object]) -> None:
        text = json.dumps(belongs_to, sort_keys=True, indent=1)
        if not tf.io.gfile.exists(file):
            if self._chief:
                weight_files.write_whole(file, text.encode())
            return
        with tf.io.gfile.GFile(file) as opened:
            found = json.loads(opened.read())
        differing = sorted(
            key for key in found | belongs_to if found.get(key) != json.loads(text).get(key)
        )
        if differing:
            raise DataError(
                f"{self.folder} holds the checkpoints of another training: {', '.join(differing)} "
                "differ. Give another folder, or delete this one"
            )


def _read(file: str) -> Snapshot:
    weights, arrays = weight_files.read(file)
    numbers = {name: kind(arrays[name]) for name, kind in _NUMBERS.items()}
    return Snapshot(weights=weights, **numbers, **{name: arrays[name] for name in _ARRAYS})
