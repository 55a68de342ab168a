"""What every game between a model and its multipliers has in common.

    model:        minimises the Lagrangian, the multipliers held fixed
    multipliers:  rise with the violations of the true constraints, the model held fixed

A formulation owns the multipliers and the Keras optimizer that moves them: any one, with its own
steps, schedules and clipping, which advance with every `update`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import keras
import tensorflow as tf

from fairgate.optimization.problems.interface import ProblemValues
from fairgate.optimization.problems.sources import Batch

_T = TypeVar("_T")


class Formulation(tf.Module):
    """Base of the games.

    Args:
        num_constraints: m >= 0.
        dual_scale: > 0, multiplies the gradient of the multipliers.

    Attributes:
        optimizer: the Keras optimizer of the multipliers.

    Raises:
        ValueError: for an argument out of range.
    """

    optimizer: keras.optimizers.Optimizer

    def __init__(self, num_constraints: int, dual_scale: float, name: str) -> None:
        super().__init__(name=name)
        if num_constraints < 0:
            raise ValueError(f"num_constraints must be >= 0, got {num_constraints!r}")
        if not dual_scale > 0:
            raise ValueError(f"dual_scale must be > 0, got {dual_scale!r}")
        self.num_constraints = num_constraints
        self.dual_scale = dual_scale

    def multipliers(self, batch: Batch = None) -> tf.Tensor:
        """The multipliers in the formulation's own terms, float32."""
        raise NotImplementedError

    def lagrange_multipliers(self, batch: Batch = None) -> tf.Tensor:
        """(m,) float32: the weight of each constraint relative to the objective's."""
        raise NotImplementedError

    def lagrangian(self, values: ProblemValues, batch: Batch = None) -> tf.Tensor:
        """() float32: what the model minimises on this minibatch, the multipliers held fixed."""
        raise NotImplementedError

    def dual_gradient(self, constraints: tf.Tensor, batch: Batch = None) -> Any:
        """The gradient that `update` hands to the optimizer."""
        raise NotImplementedError

    @property
    def state(self) -> Any:
        """The variable (or variables) that `dual_gradient` is for."""
        raise NotImplementedError

    def project(self) -> None:
        """Moves the state to the nearest one that is allowed."""

    def warm_start(self, multipliers: tf.Tensor) -> None:
        """Starts at these Lagrange multipliers, (m,) non-negative."""
        raise NotImplementedError(f"{type(self).__name__} has no warm start")

    def update(self, constraints: tf.Tensor, batch: Batch = None) -> None:
        """One step of the multipliers, then the projection of their state.

        In the replica context of a tf.distribute strategy, `constraints` may be the values of the
        local rows or their mean over all replicas: both give the step of the mean.

        Args:
            constraints: (m,) float32, the true constraints on this minibatch.
            batch: the minibatch, for multipliers that depend on it.
        """
        # Keras sums gradients over the replicas.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        gradients = tf.nest.flatten(self.dual_gradient(constraints, batch))
        variables = tf.nest.flatten(self.state)
        self.optimizer.apply([gradient / replicas for gradient in gradients], variables)
        self.project()

    def _checked(self, multipliers: Any) -> tf.Tensor:
        values = tf.convert_to_tensor(multipliers, tf.float32)
        finite = tf.reduce_all(tf.math.is_finite(values) & (values >= 0))
        if values.shape != (self.num_constraints,) or not finite:
            raise ValueError(
                f"expected {self.num_constraints} finite multipliers >= 0, got {multipliers!r}"
            )
        return values


def dual_optimizer(
    optimizer: keras.optimizers.Optimizer | float, variables: Sequence[Any]
) -> keras.optimizers.Optimizer:
    """An optimizer built for the multipliers; a number is a rate of plain gradient steps.

    Raises:
        ValueError: if the optimizer already moves other variables: its steps and slots would mix.
    """
    if isinstance(optimizer, (int, float)):
        optimizer = keras.optimizers.SGD(optimizer)
    if optimizer.built:
        raise ValueError(
            "this optimizer already moves other variables: give the multipliers one of their own, "
            "such as type(optimizer).from_config(optimizer.get_config())"
        )
    optimizer.build(list(variables))
    return optimizer


def mean_over_replicas(values: _T) -> _T:
    """The mean of tensors, or of a structure of them, over all replicas."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return values
    means: _T = context.all_reduce(tf.distribute.ReduceOp.MEAN, values)
    return means


def raw(variable: Any) -> Any:
    """The TensorFlow variable that a tape watches: what a Keras variable holds."""
    return variable.value if isinstance(variable, keras.Variable) else variable
