"""One session of training: calls of the compiled loop, and what happens between them."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from absl import logging

from components import compiled
from components.constrained_trainer.config import TrainingConfig
from components.constrained_trainer.running import devices, interruption
from components.constrained_trainer.running.checkpoints import Checkpoints
from components.constrained_trainer.running.loop import Loop, Progress, snapshot_steps
from components.constrained_trainer.selection.snapshots import Rating, Snapshot
from fairgate.errors import DataError

# A call of the compiled loop aims at this time: long enough to be all work, short enough to report.
_CALL_SECONDS = 0.5
_FIRST_CALL = 10


@dataclass(frozen=True)
class Moment:
    """How a training stood after a call of its loop.

    Attributes:
      step: steps taken.
      objective: mean training loss over the call's steps.
      violations: (m,) the constraints on the last minibatch that the multiplier player saw.
      multipliers: (m,) Lagrange multipliers.
      steps_per_second: of the call.
      waiting: share of the training's time spent waiting for examples.
      compile_seconds: what the first call took longer than its steps: tracing and compiling. Known once
        there was a second.
      snapshot: taken at this step, if one was.
    """

    step: int
    objective: float
    violations: list[float]
    multipliers: list[float]
    steps_per_second: float
    waiting: float
    compile_seconds: float | None = None
    snapshot: Snapshot | None = None


class Session:
    """One run of the loop: calls, snapshots, checkpoints, reports."""

    def __init__(
        self,
        loop: Loop,
        rating: Rating,
        config: TrainingConfig,
        on_moment: Callable[[Moment], None],
    ):
        self.snapshots: list[Snapshot] = []
        self._loop = loop
        self._rating = rating
        self._config = config
        self._on_moment = on_moment
        self._checkpoints: Checkpoints | None = None
        self._began = time.perf_counter()
        self._first_call: tuple[int, float] | None = None
        self._compile_seconds: float | None = None

    def go_on_from(self, checkpoints: Checkpoints) -> None:
        """Takes up what is there, and writes there from now on.

        Raises:
          DataError: several workers found different steps there.
        """
        self._checkpoints = checkpoints
        step, self.snapshots = checkpoints.restore()
        if devices.any_worker(
            self._loop.scope, step != devices.of_first_replica(self._loop.scope, step)
        ):
            raise DataError(
                f"{checkpoints.folder} holds step {step} for this worker and another one for others: "
                "give all workers one folder that they share, such as a gs:// path"
            )
        self._loop.step = step

    def run(self) -> str | None:
        """Trains to the end; returns why it ended earlier, if it did."""
        compiled.round_names()
        with interruption.watching() as is_asked_to_stop:
            size, is_first = _FIRST_CALL, True
            for target in snapshot_steps(self._config):
                while self._loop.step < target:
                    last = min(self._loop.end_of_call(self._loop.step + size), target)
                    try:
                        seconds = self._advance(last, target)
                    except FloatingPointError as error:
                        if not self.snapshots:
                            raise
                        return str(error)
                    if devices.any_worker(self._loop.scope, is_asked_to_stop()):
                        self._stop()
                    if not is_first:
                        size = max(1, min(4 * size, round(size * _CALL_SECONDS / seconds)))
                    is_first = False
        return None

    def _advance(self, last: int, target: int) -> float:
        """One call of the loop, and what is due after it; returns the seconds of the call."""
        first, began = self._loop.step, time.perf_counter()
        progress = self._advance_to(last)
        seconds = time.perf_counter() - began
        self._measure(progress.step - first, seconds)
        snapshot = None
        if progress.step == target:
            snapshot = self._take(progress.step, self._loop.take_mean_objective())
        if self._checkpoints:
            self._checkpoints.save_if_due(progress.step)
        self._on_moment(
            Moment(
                step=progress.step,
                objective=progress.objective,
                violations=progress.violations,
                multipliers=self._loop.multipliers.tolist(),
                steps_per_second=(progress.step - first) / seconds,
                waiting=self._loop.waited / (time.perf_counter() - self._began),
                compile_seconds=self._compile_seconds,
                snapshot=snapshot,
            )
        )
        return seconds

    def _advance_to(self, last: int) -> Progress:
        """A call of the loop, without XLA from there on where `auto` chose it and it cannot."""
        try:
            return self._loop.advance_to(last)
        except tf.errors.OpError as error:
            if not self._loop.is_compiled or self._config.jit != "auto":
                raise
            logging.warning("XLA cannot compile this training, which goes on without: %s", error)
            self._loop.without_xla()
            return self._loop.advance_to(last)

    def _measure(self, steps: int, seconds: float) -> None:
        """Finds how long compiling took, by the first two calls."""
        if self._first_call is None:
            self._first_call = steps, seconds
        elif self._compile_seconds is None:
            compiled_steps, whole = self._first_call
            self._compile_seconds = max(0.0, whole - compiled_steps * seconds / steps)

    def rate_start(self) -> None:
        """Takes the model as it is now for a snapshot of step 0: one more to choose from."""
        if not self.snapshots:
            self._take(0, math.nan)

    def _take(self, step: int, objective: float) -> Snapshot:
        model = self._loop.model
        # At step 0 there is no mean yet.
        with self._loop.averaged() if step else contextlib.nullcontext():
            rated = self._rating()
            weights = [np.array(weight) for weight in model.get_weights()]
        snapshot = Snapshot(
            step=step,
            objective=objective,
            multipliers=self._loop.multipliers,
            weights=weights,
            **rated,
        )
        self.snapshots.append(snapshot)
        if self._checkpoints:
            self._checkpoints.keep(snapshot)
        return snapshot

    def _stop(self) -> None:
        if self._checkpoints:
            self._checkpoints.save(self._loop.step)
            # Nobody leaves before the checkpoint is written: TensorFlow ends the workers of a job when
            # one of them is gone.
            devices.any_worker(self._loop.scope, True)
        raise interruption.Stopped(self._loop.step)
