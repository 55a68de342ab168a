"""The compiled loop: many steps of the game in one call.

On the reference network a step is microseconds of arithmetic, so what counts is how little happens
around it: rows are drawn, gathered and learnt from inside one `tf.while_loop`, compiled by XLA where
that is faster. Under a strategy of several replicas each takes its part of the same minibatch, and
every sum is one over all of them: they take the steps that one would take.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from components.constrained_trainer import devices, networks
from components.constrained_trainer.config import TrainingConfig
from components.constrained_trainer.feed import Feed, Tensors
from fairgate import optimization as co

# Returned where no step went wrong.
_NONE = -1


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
    """The state of training, and the compiled function that advances it.

    Args:
      model: what is trained.
      game: problem, multipliers and optimizers.
      training: the model player's examples.
      watched: the multiplier player's examples; None: it sees the model player's minibatches.
      config: of the training.
      scope: the strategy whose scope everything was made in.

    Attributes:
      step: steps taken.
      model: what is trained.
      game: problem, multipliers and optimizers.
      scope: the strategy.
    """

    def __init__(
        self,
        model: keras.Model,
        game: co.ConstrainedOptimizer,
        training: Feed,
        watched: Feed | None,
        config: TrainingConfig,
        scope: tf.distribute.Strategy,
    ):
        self.step = 0
        self.model = model
        self.game = game
        self._config = config
        self._training = training
        self._has_multipliers = game.problem.num_constraints > 0
        self._watched = watched if self._has_multipliers else None
        self._feeds = [training] if self._watched is None else [training, self._watched]
        self.scope = scope
        self._violations = tf.zeros([game.problem.num_constraints])
        self._objective: float | None = None
        # Sum of losses, and steps, since `take_mean_objective`.
        self._losses = tf.Variable(tf.zeros([2], tf.float64), trainable=False)
        self.is_compiled = _uses_xla(config, model, scope)
        self._advance = tf.function(self._steps, autograph=False, jit_compile=self.is_compiled)

    def advance_to(self, last: int) -> Progress:
        """Takes the steps up to `last`; of several workers, up to the first one's `last`.

        Raises:
          FloatingPointError: the loss is not finite; names the step and what else is not.
        """
        first, total = self.step, 0.0
        last = devices.of_first_replica(self.scope, last)
        while self.step < last:
            blocks = [feed.block(self.step) for feed in self._feeds]
            stop = min(last, *(block.end for block in blocks))
            bounds = tf.constant(self.step, tf.int64), tf.constant(stop, tf.int64)
            begins = [tf.constant(block.first, tf.int64) for block in blocks]
            tensors = [block.tensors for block in blocks]
            loss, self._violations, bad = self._advance(*bounds, begins, tensors, self._violations)
            if bad != _NONE:
                raise FloatingPointError(self._what_went_wrong(int(bad) + 1))
            total += float(loss)
            self.step = stop
        self._objective = total / max(self.step - first, 1)
        self._losses.assign_add([total, self.step - first])
        return Progress(self.step, self._objective, np.asarray(self._violations).tolist())

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

    def _steps(
        self,
        first: tf.Tensor,
        last: tf.Tensor,
        begins: Sequence[tf.Tensor],
        tensors: Sequence[Tensors],
        violations: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """(sum of losses, constraints seen last, the step that failed or -1)."""
        blocks = list(zip(begins, tensors, strict=True))

        def one(step, total, violations, bad):
            loss, violations = self._one_step(step, blocks, violations)
            return step + 1, total + loss, violations, tf.where(tf.math.is_finite(loss), bad, step)

        return tf.while_loop(
            lambda step, total, violations, bad: (step < last) & (bad == _NONE),
            one,
            (first, tf.constant(0.0), violations, tf.constant(_NONE, tf.int64)),
        )[1:]

    def _one_step(
        self, step: tf.Tensor, blocks: Sequence[tuple[tf.Tensor, Tensors]], violations: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """(loss, constraints seen last) of the step after `step` others."""
        if not self._has_multipliers:
            return self._run(self._primal, step, *blocks[0]), violations
        if self._watched is None:
            return self._run(self._both, step, *blocks[0])
        loss = self._run(self._primal, step, *blocks[0])
        every = self._watched.every

        def dual() -> tf.Tensor:
            return self._run(self._dual, step, *blocks[1])

        # The condition is outside of the replicas, who could not sum over each other inside one.
        due = (step + 1) % every == 0
        return loss, dual() if every == 1 else tf.cond(due, dual, lambda: violations)

    def _run(self, function: Callable, step: tf.Tensor, first: tf.Tensor, tensors: Tensors):
        """One half of a step on every replica; all of them return the same."""
        values = self.scope.run(function, args=(step, first, tensors))
        return tf.nest.map_structure(
            lambda value: self.scope.experimental_local_results(value)[0], values
        )

    def _primal(self, step: tf.Tensor, first: tf.Tensor, tensors: Tensors) -> tf.Tensor:
        batch = self._training.minibatch(tensors, step, first)
        return self.game.primal_step({"training": batch})

    def _dual(self, step: tf.Tensor, first: tf.Tensor, tensors: Tensors) -> tf.Tensor:
        return self.game.dual_step({"watched": self._watched.minibatch(tensors, step, first)})

    def _both(self, step, first, tensors: Tensors) -> tuple[tf.Tensor, tf.Tensor]:
        batch = self._training.minibatch(tensors, step, first)
        values = self.game.minimize({"training": batch})
        return values.objective, values.constraints

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


def _uses_xla(config: TrainingConfig, model: keras.Model, scope: tf.distribute.Strategy) -> bool:
    if config.jit != "auto":
        return config.jit == "on" and scope.num_replicas_in_sync == 1
    on_cpu = not tf.config.list_physical_devices("GPU")
    return scope.num_replicas_in_sync == 1 and not (on_cpu and networks.uses_convolution(model))
