"""One step of a game, for loops of your own:  both players move at once, from the same minibatch.

    optimizer = ConstrainedOptimizer(problem, formulation, keras.optimizers.Adam(1e-3), model)

    @tf.function
    def train(batch):
        return strategy.run(optimizer.minimize, args=(batch,))

In order: the problem's running averages take the minibatch in; objective, proxies and constraints
are evaluated once; the model (and the problem's slack variables) follow the Lagrangian; the
multipliers follow the constraints; slack variables are projected. It runs in eager mode, in
tf.function, under jit_compile, inside tf.while_loop, and in the replica context of a tf.distribute
strategy, where every value is the mean over the replicas and the step is that of the whole batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from fairgate.optimization.games.formulation import Formulation, mean_over_replicas, raw
from fairgate.optimization.problems.interface import ConstrainedProblem, ProblemValues
from fairgate.optimization.problems.sources import Batch


class ConstrainedOptimizer(tf.Module):
    """Problem, game and the model's optimizer, as one thing that steps, saves and restores.

    Args:
        problem: what is minimised, subject to what.
        formulation: the multipliers, with an optimizer of their own.
        optimizer: any Keras optimizer, for the model and the problem's slack variables; a
            `LossScaleOptimizer` for half precision.
        variables: a Keras model that has been built, or a list of variables.

    A `tf.train.Checkpoint(optimizer=this, model=model)` holds the whole state of the game.

    Raises:
        ValueError: if the model is not built, the numbers of constraints differ, or there is
            nothing to train.
    """

    def __init__(
        self,
        problem: ConstrainedProblem,
        formulation: Formulation,
        optimizer: keras.optimizers.Optimizer,
        variables: keras.Model | Sequence[Any],
    ) -> None:
        super().__init__(name="constrained_optimizer")
        check_fit(problem, formulation)
        self.problem = problem
        self.formulation = formulation
        self.optimizer = optimizer
        self._variables = [*trainable(variables), *problem.trainable_variables]
        # A problem may hold the model's variables itself.
        self._variables = list({id(v): v for v in self._variables}.values())
        if not self._variables:
            raise ValueError("there is nothing to train: no trainable variables")
        if not optimizer.built:
            optimizer.build(self._variables)

    def minimize(self, batch: Batch = None) -> ProblemValues:
        """One step on a minibatch.

        Returns:
            What both players saw before they moved; mean over the replicas.

        Raises:
            ValueError: if the problem does not depend on the variables.
        """
        self.problem.update(batch)
        values = self._descend(lambda: self.problem.components(batch), batch)
        self.formulation.update(values.constraints, batch)
        self.problem.project()
        return mean_over_replicas(values)

    def primal_step(self, batch: Batch = None, *, local: bool = False) -> tf.Tensor:
        """The model's half of a step: for games whose multipliers move less often, or on other data.

        Args:
            batch: the minibatch.
            local: of several replicas return each one's own objective, so that gradients are all that
                they exchange.

        Returns:
            () float32: the objective before the move; mean over the replicas.
        """
        self.problem.update(batch)
        nothing = tf.zeros([self.problem.num_constraints])
        values = self._descend(
            lambda: ProblemValues(*self.problem.penalties(batch), nothing), batch
        )
        self.problem.project()
        return values.objective if local else mean_over_replicas(values).objective

    def dual_step(self, batch: Batch = None) -> tf.Tensor:
        """The multipliers' half of a step.

        Returns:
            (m,) float32: the true constraints on this minibatch; mean over the replicas.
        """
        constraints = mean_over_replicas(self.problem.constraints(batch))
        self.formulation.update(constraints, batch)
        return constraints

    def _descend(self, evaluate: Callable[[], ProblemValues], batch: Batch) -> ProblemValues:
        """Moves the variables against the gradient of the Lagrangian; returns what was evaluated."""
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        variables = [raw(variable) for variable in self._variables]
        with tf.GradientTape() as tape:
            values = evaluate()
            # Keras sums gradients over the replicas.
            loss = self.formulation.lagrangian(values, batch) / replicas
            loss = self.optimizer.scale_loss(loss)
        gradients = tape.gradient(loss, variables)
        if all(gradient is None for gradient in gradients):
            raise ValueError(
                "the problem does not depend on the variables to train: predictions must be a "
                "function that calls the model"
            )
        kept = [(g, v) for g, v in zip(gradients, self._variables, strict=True) if g is not None]
        self.optimizer.apply_gradients(kept)
        return values


def check_fit(problem: ConstrainedProblem, formulation: Formulation) -> None:
    """ValueError if problem and formulation are not about the same number of constraints."""
    if problem.num_constraints != formulation.num_constraints:
        raise ValueError(
            f"the problem has {problem.num_constraints} constraints (with those that its rates "
            f"bring), the formulation {formulation.num_constraints}: make it with "
            "problem.num_constraints"
        )


def trainable(variables: keras.Model | Sequence[Any]) -> list[Any]:
    """The trainable variables of a model, or a list of variables as it is.

    Raises:
        ValueError: for a model that is not built yet.
    """
    if isinstance(variables, keras.Model):
        if not variables.built:
            raise ValueError(
                "the model has no variables yet: give it an Input, or call it once, before"
            )
        return list(variables.trainable_variables)
    return list(variables)
