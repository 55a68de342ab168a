"""Rate-constrained training of one network: a pure function of data and settings.

Minimises the error rate subject to the constraints with the proxy-Lagrangian game of Cotter, Jiang and
Sridharan, "Two-Player Games for Efficient Non-Convex Constrained Optimization" (ALT 2019): the model
player follows differentiable proxies, the multiplier player sees the true rates.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import keras
import numpy as np
import tensorflow as tf

from components.constrained_optimization import candidates, language, linear
from components.constrained_optimization.linear import LinearConstraint
from components.constrained_optimization.proxy_lagrangian import ProxyLagrangian
from components.constrained_optimization.rate_problem import RateProblem, RateValues
from components.constrained_trainer import networks
from components.constrained_trainer.config import TrainingConfig
from components.constrained_trainer.data import Split
from components.errors import DataError
from components.transform.inputs import IMAGE, ModelInput

_SCORING_BATCH = 1024


@dataclass(frozen=True)
class Snapshot:
    """The model as it was at one step, rated on the whole validation split.

    Attributes:
      step: steps taken.
      objective: the training loss of the last minibatch.
      error_rate: on the validation split, at the decision score > 0.
      violations: (m,) value of each training constraint on the validation split; satisfied when <= 0.
      multipliers: (m + 1,) distribution of the multiplier player; index 0 is the objective.
      weights: of the network, layer by layer.
    """

    step: int
    objective: float
    error_rate: float
    violations: np.ndarray
    multipliers: np.ndarray
    weights: list[np.ndarray] = field(repr=False)


@dataclass(frozen=True)
class TrainingResult:
    """A trained network, set to the best snapshot, and how it came about."""

    model: keras.Model
    snapshots: list[Snapshot]
    best: int
    constraints: list[str]

    @property
    def chosen(self) -> Snapshot:
        """The snapshot that `model` holds."""
        return self.snapshots[self.best]


def train(
    training: Split,
    validation: Split,
    config: TrainingConfig,
    on_snapshot: Callable[[Snapshot], None] = lambda snapshot: None,
) -> TrainingResult:
    """Trains a network and returns it at its best snapshot.

    The best snapshot is chosen by `candidates.find_best_candidate_index` from the error rate and the
    constraint values on the *whole* validation split: minibatch values are too noisy to choose by.

    Args:
      training: examples that minibatches are drawn from, uniformly with replacement.
      validation: examples that snapshots are rated on.
      config: everything else.
      on_snapshot: called with each snapshot as it is taken.

    Raises:
      ValueError: a constraint does not parse or cannot be trained on.
      DataError: a split has no examples for a rate of a constraint.
      FloatingPointError: the loss is not finite; names the step.
    """
    constraints = training_constraints(config.constraints, training)
    _require_examples(constraints, {"train": training, "validation": validation})
    model = networks.build(
        config.network, {IMAGE: ModelInput(training.images.shape[1:], "uint8")}, config.seed
    )
    loop = _Loop(model, training, validation, constraints, config)
    snapshots: list[Snapshot] = []
    for step in _snapshot_steps(config):
        objective = loop.advance_to(step)
        snapshot = _take_snapshot(step, objective, loop, model, validation, constraints)
        snapshots.append(snapshot)
        on_snapshot(snapshot)
    best = candidates.find_best_candidate_index(
        np.array([snapshot.error_rate for snapshot in snapshots]),
        np.array([snapshot.violations for snapshot in snapshots]).reshape(len(snapshots), -1),
    )
    model.set_weights(snapshots[best].weights)
    return TrainingResult(model, snapshots, best, [str(constraint) for constraint in constraints])


def training_constraints(lines: Sequence[str], split: Split) -> list[LinearConstraint]:
    """The lines of the constraint language as linear constraints on rates over the split's groups."""
    names: dict[str, list[str]] = {}
    for group in split.groups:
        names.setdefault(group.feature, []).append(group.name)
    return [
        constraint for line in lines for constraint in linear.linearize(language.parse(line, names))
    ]


def _require_examples(constraints: Sequence[LinearConstraint], splits: Mapping[str, Split]) -> None:
    """Raises DataError for a constraint that no model's outcomes on a split could give a value."""
    for name, split in splits.items():
        counts = split.counts(np.zeros(len(split)))
        for index in np.flatnonzero(np.isnan(linear.values(constraints, counts))):
            present = ", ".join(
                f"[{group}] {count.positives} positive and {count.negatives} negative"
                for group, count in counts.items()
                if group is not None
            )
            raise DataError(
                f"trainer.constraints: {constraints[index]} cannot be measured on split '{name}': a rate "
                f"in it has no examples there (it holds: {present}). Add such examples, or take the "
                "constraint out"
            )


def predict_scores(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """(n,) float32 scores of `images`, in inference mode; Yes where a score is above 0."""
    return model.predict(images, batch_size=_SCORING_BATCH, verbose=0).reshape(-1)


class _Loop:
    """The state of training, and the compiled function that advances it by many steps."""

    def __init__(
        self,
        model: keras.Model,
        training: Split,
        watched: Split,
        constraints: Sequence[LinearConstraint],
        config: TrainingConfig,
    ):
        """Args:
        model: what is trained.
        training: the model player's examples.
        watched: the multiplier player's examples.
        constraints: (m,) on rates over the splits' groups.
        config: everything else.
        """
        self._model = model
        self._config = config
        self._training = _Side(training, constraints, config)
        self._watched = _Side(watched, constraints, config)
        self.multiplier_player = ProxyLagrangian(
            len(constraints),
            regret_type=config.multipliers.regret,
            update_type=config.multipliers.update,
            initial_radius=config.multipliers.initial_radius,
            optimizer=config.multipliers.learning_rate,
        )
        self._optimizer = keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(config.learning_rate, config.steps)
        )
        self._optimizer.build(model.trainable_variables)
        self._step = 0
        self._run = tf.function(self._steps)

    def advance_to(self, step: int) -> float:
        """Takes the steps up to `step`; returns the last minibatch's loss."""
        loss = float(self._run(tf.constant(self._step), tf.constant(step)))
        if not math.isfinite(loss):
            raise FloatingPointError(
                f"the training loss is {loss} at some step in {self._step + 1}..{step}: "
                f"lower trainer.learning_rate (now {self._config.learning_rate})"
            )
        self._step = step
        return loss

    def _steps(self, first: tf.Tensor, last: tf.Tensor) -> tf.Tensor:
        loss = tf.constant(0.0)
        for step in tf.range(first, last):
            loss = self._one_step(step)
        return loss

    def _one_step(self, step: tf.Tensor) -> tf.Tensor:
        seed = self._config.seed
        with tf.GradientTape() as tape:
            values = self._training.values(self._model, tf.stack([seed, 2 * step]), training=True)
            loss = self.multiplier_player.lagrangian(values)
        variables = self._model.trainable_variables
        self._optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        if self.multiplier_player.num_constraints:
            seen = self._watched.values(self._model, tf.stack([seed, 2 * step + 1]), training=False)
            self.multiplier_player.update(seen.constraints)
        return values.objective


class _Side:
    """One player's examples and running denominators."""

    def __init__(
        self, split: Split, constraints: Sequence[LinearConstraint], config: TrainingConfig
    ):
        self._images = tf.constant(split.images)
        self._labels = tf.constant(split.labels)
        self._memberships = tf.constant(split.memberships)
        self._batch_size = config.batch_size
        self._problem = RateProblem(
            constraints,
            split.groups,
            objective=config.objective,
            denominator_lower_bound=config.denominator_lower_bound,
        )

    def values(self, model: keras.Model, seed: tf.Tensor, training: bool) -> RateValues:
        """Objective and constraints on a minibatch drawn, with replacement, from `seed` (2,)."""
        rows = tf.random.stateless_uniform(
            [self._batch_size], seed, maxval=self._labels.shape[0], dtype=tf.int32
        )
        labels, memberships = tf.gather(self._labels, rows), tf.gather(self._memberships, rows)
        self._problem.update_denominators(labels, memberships)
        scores = tf.reshape(model(tf.gather(self._images, rows), training=training), [-1])
        return self._problem(scores, labels, memberships)


def _snapshot_steps(config: TrainingConfig) -> list[int]:
    """Steps at which snapshots are taken: equally spaced, the last step included."""
    return sorted(
        {round(config.steps * (i + 1) / config.snapshots) for i in range(config.snapshots)}
    )


def _take_snapshot(
    step: int,
    objective: float,
    loop: _Loop,
    model: keras.Model,
    validation: Split,
    constraints: Sequence[LinearConstraint],
) -> Snapshot:
    counts = validation.counts(predict_scores(model, validation.images))
    return Snapshot(
        step=step,
        objective=objective,
        error_rate=counts[None].rate("ERR"),
        violations=linear.values(constraints, counts),
        multipliers=np.asarray(loop.multiplier_player.multipliers()),
        weights=[np.array(weight) for weight in model.get_weights()],
    )
