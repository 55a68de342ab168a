"""The frontier of accuracy against a constraint's value: one training per limit, each from the last.

The trainings follow one another from the loosest limit to the tightest, each warm-started from the
weights chosen at the limit before. The solutions of neighbouring limits are near each other (a
continuation, or homotopy, in the limit).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from components.constrained_trainer.config import TrainingConfig
from components.constrained_trainer.examples.data import Split, whole
from components.constrained_trainer.resolving import Resolved, resolve
from components.constrained_trainer.running import devices
from components.constrained_trainer.running.session import Moment
from components.constrained_trainer.search.limits import tightening
from components.constrained_trainer.training import train
from components.transform.inputs import ModelInput
from fairgate.constraints import algebra
from fairgate.constraints.curves import Scored
from fairgate.constraints.expressions import Constraint, CurveOf, Sense, rates_in
from fairgate.constraints.rates import Counts, Group
from fairgate.gate.prediction import bound_of


@dataclass(frozen=True)
class Measured:
    """A constraint's expression on the validation split.

    Attributes:
      expression: the constraint's text without its limit.
      value: of the expression: the gap itself, not its distance from the limit.
      bound: confidence bound of the value on the side of the limit: upper for <=, lower for >=;
        NaN for measures over all thresholds, which have none.
    """

    expression: str
    value: float
    bound: float


@dataclass(frozen=True)
class Point:
    """A trained model on the frontier, as it would be served.

    Attributes:
      limit: of every constraint; None: trained without constraints.
      sense: of the constraints, "<=" or ">=".
      accuracy: on the validation split.
      measured: (m,) the constraints, also of an unconstrained model.
      step: of the chosen snapshot; of a mixture, of the likeliest.
      steps: of this training.
      seconds: of this training, its compilation included.
      stopped: why it ended early, or None.
    """

    limit: float | None
    sense: Sense
    accuracy: float
    measured: tuple[Measured, ...]
    step: int
    steps: int
    seconds: float
    stopped: str | None = None


def sweep(
    training: Split,
    validation: Split,
    config: TrainingConfig,
    limits: Sequence[float],
    on_progress: Callable[[int, int, str], None] = lambda done, total, message: None,
    *,
    inputs: Mapping[str, ModelInput] | None = None,
    start: Sequence[np.ndarray] | None = None,
    share: float = 1.0,
    scope: tf.distribute.Strategy | None = None,
) -> list[Point]:
    """Trains without constraints, then at each limit from the loosest to the tightest.

    Args:
      training: as for `training.train`.
      validation: as for `training.train`; every point is measured on it.
      config: the first training's; the limits of its constraints are replaced.
      limits: in any order, each once.
      on_progress: (steps done, steps in all, what is being trained).
      inputs: as for `training.train`.
      start: weights that the unconstrained training starts from; None: fresh ones.
      share: of the steps and snapshots that a warm-started training has, in (0, 1]. Its learning
        rate starts again at the full one. Shorter is quicker and worse: the multipliers start anew
        at every limit, and need their time.
      scope: as for `training.train`.

    Returns:
      The unconstrained point, then one per limit, in the order they were trained.

    Raises:
      ValueError: `share` is out of range.
      SettingsError: the limits do not fit the constraints; see `limits.tightening`.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share must be in (0, 1], got {share!r}")
    legs = tightening(config.constraints, validation.vocabulary, limits)
    scope = scope or devices.strategy(config.devices)
    # Once, for all: what changes from limit to limit is the limit alone.
    resolved = resolve(config, training, validation, scope.num_replicas_in_sync)
    config = resolved.config
    free = config.unconstrained
    later = _shortened(config, share)
    total = free.steps + later.steps * len(legs)

    points: list[Point] = []
    weights = start
    # What a change is against is the model without constraints, which comes first.
    changes = any(algebra.has_changes(each.expression) for each in legs[0][1])
    baseline = scores = None
    # Where a constraint is only measured, its limit plays no part.
    for limit, constraints in [(None, legs[0][1]), *legs]:
        leg = free if limit is None else at(later, constraints)
        name = "unconstrained" if limit is None else f"{constraints[0].sense} {limit:g}"
        what = f"{name} ({len(points) + 1} of {len(legs) + 1})"
        done = sum(point.steps for point in points)

        def moved(moment: Moment, done: int = done, what: str = what) -> None:
            on_progress(done + moment.step, total, what)

        began = time.perf_counter()
        result = train(
            training,
            validation,
            Resolved(leg, resolved.reasons),
            moved,
            inputs=inputs,
            start=weights,
            baseline=baseline,
            scope=scope,
        )
        weights, said = result.model.get_weights(), result.scores(validation)
        if changes and baseline is None:
            baseline, scores = weights, said
        counts = (
            whole(validation.counts(said)) if scores is None else validation.counts(said, scores)
        )
        # Of several classes no measure is over all thresholds.
        outcomes = counts if validation.classes else validation.scored(said)
        delta = 1 - config.selection.confidence
        points.append(
            Point(
                limit=limit,
                sense=constraints[0].sense,
                accuracy=outcomes[None].rate("ACC"),
                measured=tuple(_measured(each, outcomes, counts, delta) for each in constraints),
                step=result.chosen.step,
                steps=leg.steps,
                seconds=time.perf_counter() - began,
                stopped=result.stopped,
            )
        )
    return points


def at(config: TrainingConfig, constraints: Sequence[Constraint]) -> TrainingConfig:
    """The same training under other constraints."""
    return config.model_copy(update={"constraints": tuple(map(str, constraints))})


def _shortened(config: TrainingConfig, share: float) -> TrainingConfig:
    steps = max(1, round(config.steps * share))
    snapshots = min(steps, max(1, round(config.snapshots * share)))
    return config.model_copy(update={"steps": steps, "snapshots": snapshots})


def _measured(
    constraint: Constraint,
    outcomes: Mapping[Group | None, Scored] | Mapping[Group | None, Counts],
    counts: Mapping[Group | None, Counts],
    delta: float,
) -> Measured:
    by_threshold = any(isinstance(rate, CurveOf) for rate in rates_in(constraint.expression))
    return Measured(
        expression=str(constraint).rsplit(constraint.sense, 1)[0].strip(),
        value=constraint.value(outcomes if by_threshold else counts),
        bound=math.nan if by_threshold else bound_of(constraint, counts, delta),
    )
