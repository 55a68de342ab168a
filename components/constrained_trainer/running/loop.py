"""The loop of training: its state, and the calls of what is compiled (`steps`).

Compiled by XLA where that is faster. Under a strategy of several replicas each takes its part of the
same minibatch, and every sum is one over all of them: they take the steps that one would take.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from components.constrained_trainer.config import TrainingConfig
from components.constrained_trainer.examples.augmentation import Augmentation
from components.constrained_trainer.examples.data import Split
from components.constrained_trainer.examples.feed import Feed
from components.constrained_trainer.examples.sampling import Rounds, Sampler
from components.constrained_trainer.resolving import watched_split
from components.constrained_trainer.running import devices, paying
from components.constrained_trainer.running.game import make_game
from components.constrained_trainer.running.steps import NONE, Steps
from components.transform.inputs import IMAGE
from fairgate import optimization as co
from fairgate.constraints.expressions import Constraint
from fairgate.errors import SettingsError

# About how many steps of a stretch: where its loop ends, the host is waited for.
_STRETCH = 16


@dataclass(frozen=True)
class Progress:
    """What a stretch of steps looked like.

    Attributes:
      step: steps taken so far.
      objective: mean training loss over the stretch.
      violations: (m,) the constraints on the last minibatch that the multiplier player saw.
    """

    step: int
    objective: float
    violations: list[float]


class Loop:
    """The state of training, and what advances it.

    Args:
      model: what is trained.
      game: problem, multipliers and optimizers.
      training: the model player's examples.
      watched: the multiplier player's examples; None: it sees the model player's minibatches.
      config: of the training.
      scope: the strategy whose scope everything was made in.
      in_stretches: take steps in stretches where they can be; None: on a GPU.

    Attributes:
      step: steps taken.
      model: what is trained.
      game: problem, multipliers and optimizers.
      scope: the strategy.
      is_compiled: whether XLA compiles it.
      stretch: steps of a stretch, of which calls had best be made up; 1: any number will do.
      programs: what is compiled at its first use, by name.
    """

    def __init__(
        self,
        model: keras.Model,
        game: co.ConstrainedOptimizer,
        training: Feed,
        watched: Feed | None,
        config: TrainingConfig,
        scope: tf.distribute.Strategy,
        in_stretches: bool | None = None,
    ):
        self.step = 0
        self.model = model
        self.game = game
        self.scope = scope
        self._config = config
        watched = watched if game.problem.num_constraints else None
        self._feeds = [training] if watched is None else [training, watched]
        self._every = watched.every if watched else 1
        self._violations = tf.zeros([game.problem.num_constraints])
        self._objective: float | None = None
        # Sum of losses, and steps, since `take_mean_objective`.
        self._losses = tf.Variable(tf.zeros([2], tf.float64), trainable=False)
        self.is_compiled = paying.uses_xla(config, model, scope)
        if in_stretches is None:
            in_stretches = devices.kind_of(scope) == "GPU"
        resident = all(feed.resident for feed in self._feeds)
        self.stretch = 1
        if in_stretches and self.is_compiled and resident:
            self.stretch = _stretch(self._every, config)
        steps = self._steps = Steps(game, training, watched, scope, self.stretch)
        # Beside stretches few steps are left, around snapshots: not worth compiling a second program.
        jit = self.is_compiled and self.stretch == 1
        self.programs = {"any steps": tf.function(steps.any, autograph=False, jit_compile=jit)}
        if self.stretch > 1:
            self.programs["stretches"] = tf.function(
                steps.stretches, autograph=False, jit_compile=True
            )

    def advance_to(self, last: int) -> Progress:
        """Takes the steps up to `last`; of several workers, up to the first one's `last`.

        Raises:
          FloatingPointError: the loss is not finite; names the step and what else is not.
        """
        first, total = self.step, 0.0
        last = devices.of_first_replica(self.scope, last)
        while self.step < last:
            blocks = [feed.block(self.step) for feed in self._feeds]
            advance, stop = self._next(min(last, *(block.end for block in blocks)))
            bounds = tf.constant(self.step, tf.int64), tf.constant(stop, tf.int64)
            begins = [tf.constant(block.first, tf.int64) for block in blocks]
            tensors = [block.tensors for block in blocks]
            after = advance(*bounds, begins, tensors, self._violations)
            self._violations = after.violations
            if after.bad != NONE:
                raise FloatingPointError(self._what_went_wrong(int(after.bad) + 1))
            total += float(after.total)
            self.step = stop
        self._objective = total / max(self.step - first, 1)
        self._losses.assign_add([total, self.step - first])
        return Progress(self.step, self._objective, np.asarray(self._violations).tolist())

    def end_of_call(self, step: int) -> int:
        """The step from `step` on at which a call had best end."""
        return -(-step // self.stretch) * self.stretch

    def _next(self, last: int) -> tuple[Callable, int]:
        """The program that goes on towards `last`, and the step that it gets to."""
        any_steps = self.programs["any steps"]
        if self.stretch == 1:
            return any_steps, last
        # By the step alone, so that no clock decides which program takes it: they round differently.
        over = self.step % self.stretch
        if over:
            return any_steps, min(last, self.step + self.stretch - over)
        whole = (last - self.step) // self.stretch * self.stretch
        return (self.programs["stretches"], self.step + whole) if whole else (any_steps, last)

    def without_xla(self) -> None:
        """Goes on without XLA from here, where it cannot compile this training."""
        self.is_compiled, self.stretch = False, 1
        self.programs = {"any steps": tf.function(self._steps.any, autograph=False)}

    @property
    def multipliers(self) -> np.ndarray:
        """(m,) float32 Lagrange multipliers."""
        return self.game.formulation.lagrange_multipliers().numpy()

    @property
    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold beside the step.

        The model as its list of variables: Keras does not show TensorFlow the seeds of dropout.
        """
        variables = [variable.value for variable in self.model.variables]
        return {"game": self.game, "variables": variables, "losses": self._losses}

    def take_mean_objective(self) -> float:
        """The mean training loss since the last time this was called."""
        total, steps = self._losses.numpy()
        self._losses.assign([0.0, 0.0])
        return float(total / max(steps, 1))

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """The model at the running mean of its weights, until this is left."""
        optimizer = self.game.optimizer
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        with inner.at_their_means(self.model):
            yield

    @property
    def waited(self) -> float:
        """Seconds spent waiting for rows."""
        return sum(feed.waited for feed in self._feeds)

    def _what_went_wrong(self, step: int) -> str:
        culprits = [
            weight.path for weight in self.model.weights if not np.isfinite(weight.numpy()).all()
        ]
        if not np.isfinite(self.multipliers).all():
            culprits.append("the multipliers")
        before = (
            f"it was {self._objective:.4g} before" if self._objective else "there was none before"
        )
        return (
            f"the training loss is not finite at step {step} ({before}); not finite after it: "
            f"{', '.join(culprits) or 'only the loss'}. Lower trainer.learning_rate (now "
            f"{self._config.learning_rate:g})" + (", or look at the input" if step == 1 else "")
        )


def snapshot_steps(config: TrainingConfig) -> list[int]:
    """Steps at which snapshots are taken: equally spaced, the last step included."""
    return sorted(
        {round(config.steps * (i + 1) / config.snapshots) for i in range(config.snapshots)}
    )


def _stretch(every: int, config: TrainingConfig) -> int:
    """A multiple of `every`, if possible one that snapshots are multiples of, too."""
    least = every * -(-_STRETCH // every)
    return next(
        (
            size
            for size in range(least, max(2 * _STRETCH, least) + 1, every)
            if all(step % size == 0 for step in snapshot_steps(config))
        ),
        least,
    )


def make_loop(
    model: keras.Model,
    constraints: Sequence[Constraint],
    training: Split,
    validation: Split,
    config: TrainingConfig,
    scope: tf.distribute.Strategy,
    in_stretches: bool | None = None,
) -> Loop:
    """The loop of a training, at step 0. To be called in the scope of `scope`.

    Args:
      model: what is trained.
      constraints: of the language.
      training: examples of the model player.
      validation: what the multipliers watch, if `config` says so.
      config: of the training, without any `auto` (`resolving.resolve`).
      scope: the strategy that `model` was made with.
      in_stretches: as of `Loop`.

    Raises:
      NotTrainableError: (a ValueError) for a constraint that no game can be made of.
      SettingsError: pictures are to be changed where there are none.
    """
    watched = watched_split(config.multipliers.watch, training, validation)
    game = make_game(model, constraints, training, watched, config)
    feeds = _feeds(training, watched, config, scope)
    return Loop(model, game, *feeds, config, scope, in_stretches)


def _feeds(
    training: Split, watched: Split, config: TrainingConfig, scope: tf.distribute.Strategy
) -> tuple[Feed, Feed | None]:
    """The examples of the model player, and of the multiplier player if it has its own."""

    most = devices.resident_gb(config.resident_gb, scope)

    def feed(split: Split, sampler: Sampler | Rounds, every: int, **others: Any) -> Feed:
        return Feed(split, sampler, split.fits_in(most), scope, every, **others)

    sampler = Sampler(training, config.batch_size, config.batches, config.seed, stream=0)
    first = feed(training, sampler, every=1, augmentation=_augmentation(training, config))
    multipliers, replicas = config.multipliers, scope.num_replicas_in_sync
    if multipliers.watch == "training" or not config.constraints:
        return first, None
    size = min(round(config.batch_size * multipliers.batch_share), len(watched))
    size = replicas * max(1, size // replicas)
    rounds = Rounds(watched, size, config.seed, multipliers.every)
    return first, feed(watched, rounds, multipliers.every)


def _augmentation(training: Split, config: TrainingConfig) -> Augmentation | None:
    if config.augmentation == "none":
        return None
    if IMAGE not in training.inputs:
        raise SettingsError(
            f"trainer.augmentation = {config.augmentation}: it is for pictures, and the examples have "
            "none that are trained on; give none"
        )
    return Augmentation(config.augmentation, config.seed, config.batch_size)
