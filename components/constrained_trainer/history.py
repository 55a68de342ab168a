"""What a training tells while it runs, and leaves behind: a line, TensorBoard scalars, history.json."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import tensorflow as tf

from components import progress
from components.constrained_trainer import telling
from components.constrained_trainer.config import TrainingConfig
from components.constrained_trainer.selection.cells import CellThresholds
from components.constrained_trainer.training import Moment, TrainingResult
from fairgate.documents import finite, to_json

HISTORY_FILE = "history.json"


class History:
    """Keeps the moments of one training; call it with each.

    Args:
      directory: for TensorBoard's event files.
      config: of the training.
      clock: seconds, from any beginning.

    Attributes:
      compile_seconds: what tracing and compiling took; None: not known.
    """

    def __init__(
        self,
        directory: str,
        config: TrainingConfig,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._config = config
        self._writer = tf.summary.create_file_writer(directory)
        self._moments: list[dict[str, Any]] = []
        self._rated = ""
        self.compile_seconds: float | None = None
        self._clock = clock
        self._first: tuple[int, float] | None = None  # step and time of the first moment

    def __call__(self, moment: Moment) -> None:
        self._moments.append(
            {
                "step": moment.step,
                "objective": moment.objective,
                "violations": moment.violations,
                "multipliers": moment.multipliers,
                "steps_per_second": round(moment.steps_per_second, 1),
            }
        )
        with self._writer.as_default(step=moment.step):
            tf.summary.scalar("objective", moment.objective)
            tf.summary.scalar("steps_per_second", moment.steps_per_second)
            _scalars("minibatch_violation", moment.violations)
            _scalars("multiplier", moment.multipliers)
            if moment.snapshot:
                tf.summary.scalar("validation/error_rate", moment.snapshot.error_rate)
                _scalars("validation/violation", moment.snapshot.violations)
        progress.report(moment.step, self._config.steps, self._line(moment))
        if moment.compile_seconds is not None and self.compile_seconds is None:
            self.compile_seconds = moment.compile_seconds
            progress.took("compiling", moment.compile_seconds)

    def write(self, result: TrainingResult, directory: str) -> None:
        """Writes `history.json`: every snapshot, every moment, what was chosen and why."""
        self._writer.close()
        history = record(result, self._config.selection.rated_by, self._moments)
        history["compile_seconds"] = self.compile_seconds
        with tf.io.gfile.GFile(os.path.join(directory, HISTORY_FILE), "w") as file:
            file.write(to_json(history, indent=1))

    def _line(self, moment: Moment) -> str:
        """Step rate, loss, accuracy and worst violation on validation data, and the time left.

        The first call of the loop compiles: what it took says nothing of the time left.
        """
        steady, left = len(self._moments) > 1, self._left(moment.step)
        rate = [f"{moment.steps_per_second:,.0f} steps/s"] if steady else []
        parts = [*rate, f"loss {moment.objective:.3f}"]
        if moment.snapshot:
            self._rated = f"accuracy {1 - moment.snapshot.error_rate:.3f}"
            if len(moment.snapshot.violations):
                self._rated += f", violation {moment.snapshot.worst:+.3f}"
        if self._rated:
            parts.append(self._rated)
        if moment.waiting > 0.05:
            parts.append(f"{moment.waiting:.0%} waiting")
        if moment.compile_seconds is not None:
            parts.append(f"compiled in {moment.compile_seconds:.1f} s")
        if left is not None:
            parts.append(f"{left:.0f} s left" if left >= 1 else "nearly done")
        return ", ".join(parts)

    def _left(self, step: int) -> float | None:
        """Seconds to the end, as fast as it has gone since the first call, which compiled the loop.

        That includes the rating of snapshots. None as long as nothing is known but that call.
        """
        now, left = self._clock(), self._config.steps - step
        if self._first is None:
            self._first = step, now
        first, began = self._first
        if step == first:
            return None if left else 0.0
        return left * (now - began) / (step - first)


def record(
    result: TrainingResult, rated_by: str = "value", moments: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    """What `history.json` holds of a training; None for what is not finite.

    Args:
      result: of the training.
      rated_by: what its snapshots were rated by.
      moments: as `History` keeps them.
    """
    found = {
        "constraints": result.constraints,
        "pieces": result.pieces,
        "told": telling.sentences(result),
        "helping": telling.helping(result),
        "yardsticks": [asdict(each) for each in result.yardsticks],
        "best": result.best,
        "probabilities": result.probabilities.tolist(),
        "rated_by": rated_by,
        "settings_found": list(result.reasons),
        "stopped": result.stopped,
        "predicted_to_pass": result.predicted_to_pass,
        "snapshots": [
            {
                "step": snapshot.step,
                "objective": snapshot.objective,
                "error_rate": snapshot.error_rate,
                "violations": snapshot.violations.tolist(),
                "multipliers": snapshot.multipliers.tolist(),
                "shift": snapshot.shift,
                "uselessness": snapshot.uselessness,
                "excess": snapshot.excess.tolist(),
                "thresholds": _thresholds(snapshot.rule),
            }
            for snapshot in result.snapshots
        ],
        "moments": list(moments),
    }
    return finite(found)


def _thresholds(rule: CellThresholds | None) -> list[dict[str, Any]] | None:
    """Of each cell, the thresholds of its score and the shares that meet them; None: all have the same.

    A threshold that nothing is above, or everything, is not finite.
    """
    if rule is None:
        return None
    rows = zip(rule.cells.named(), rule.thresholds, rule.shares, strict=True)
    return [
        {"groups": [str(group) for group in groups], "above": list(above), "shares": list(shares)}
        for groups, above, shares in rows
    ]


def _scalars(name: str, values: Any) -> None:
    for index, value in enumerate(values):
        tf.summary.scalar(f"{name}/{index}", value)
