"""A game as one loss, for loops in which a single optimizer moves everything.

    loss = constrained_loss(problem, formulation)
    with tf.GradientTape() as tape:
        value = loss(batch)
    gradients = tape.gradient(value, [*model.trainable_variables, *problem.trainable_variables,
                                      formulation.state])
    optimizer.apply_gradients(...)
    formulation.project()
    problem.project()

Its value is the objective; its gradient is the Lagrangian's for the model and the dual player's,
turned round, for the state: descent on one is ascent on the other.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from fairgate.optimization.games.formulation import Formulation
from fairgate.optimization.problems.interface import ConstrainedProblem
from fairgate.optimization.problems.sources import Batch


def constrained_loss(
    problem: ConstrainedProblem, formulation: Formulation
) -> Callable[[Batch], tf.Tensor]:
    """The game as one differentiable function; see the top of this file.

    Args:
        problem: what is minimised, subject to what.
        formulation: the multipliers; its own optimizer is not used.

    Returns:
        batch -> () float32. Call `problem.update(batch)` before it.
    """

    def loss(batch: Batch = None) -> tf.Tensor:
        values = problem.components(batch)
        lagrangian = formulation.lagrangian(values, batch)
        gradients = tf.nest.flatten(formulation.dual_gradient(values.constraints, batch))
        states = tf.nest.flatten(formulation.state)
        pulled = lagrangian
        for gradient, state in zip(gradients, states, strict=True):
            pulled += tf.reduce_sum(tf.stop_gradient(gradient) * tf.convert_to_tensor(state))
        # The gradient of `pulled`, the value of the objective.
        return tf.stop_gradient(values.objective - pulled) + pulled

    return loss
