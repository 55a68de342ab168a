"""The Lagrangian game:  min over the model, max over lambda >= 0  of  f + sum_i lambda_i g_i.

The model follows proxies where there are any:

* model:        d/dx (f + sum_i lambda_i h_i)
* multipliers:  lambda_i <- max(0, lambda_i + rate * g_i)

It has no equilibrium in general where h differs from g (`ProxyLagrangian` has), and is the simplest
choice where they are the same. The start, lambda = 0, acts from the first step: a multiplier grows
by its violation.

Source: Cotter, Jiang and Sridharan, ALT 2019, algorithm 3.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from fairgate.optimization import simplex
from fairgate.optimization.games.formulation import Formulation, dual_optimizer
from fairgate.optimization.problems.interface import ProblemValues
from fairgate.optimization.problems.sources import Batch


class Lagrangian(Formulation):
    """The multipliers of the Lagrangian game.

    Args:
        num_constraints: m >= 0.
        maximum_radius: the multipliers never sum to more than this; None: no limit.
        optimizer: a Keras optimizer of its own, or the rate of plain gradient steps.
        dual_scale: > 0, multiplies the gradient of the multipliers.

    Raises:
        ValueError: for an argument out of range.
    """

    def __init__(
        self,
        num_constraints: int,
        maximum_radius: float | None = None,
        optimizer: keras.optimizers.Optimizer | float = 0.3,
        dual_scale: float = 1.0,
    ) -> None:
        super().__init__(num_constraints, dual_scale, name="lagrangian")
        if maximum_radius is not None and not maximum_radius > 0:
            raise ValueError(f"maximum_radius must be > 0, got {maximum_radius!r}")
        self._radius = maximum_radius
        self._state = tf.Variable(
            tf.zeros([num_constraints]),
            name="multipliers",
            trainable=True,
            aggregation=tf.VariableAggregation.MEAN,
        )
        self.optimizer = dual_optimizer(optimizer, [self._state])

    @property
    def state(self) -> tf.Variable:
        """lambda: (m,) float32."""
        return self._state

    def multipliers(self, batch: Batch = None) -> tf.Tensor:
        """lambda: (m,) float32."""
        return tf.identity(self._state)

    lagrange_multipliers = multipliers

    def lagrangian(self, values: ProblemValues, batch: Batch = None) -> tf.Tensor:
        """f + sum_i lambda_i h_i, () float32, lambda held fixed."""
        weights = tf.stop_gradient(self.multipliers())
        return values.objective + tf.reduce_sum(weights * values.proxy_constraints)

    def dual_gradient(self, constraints: tf.Tensor, batch: Batch = None) -> tf.Tensor:
        """-dual_scale * g: (m,) float32."""
        return -self.dual_scale * tf.stop_gradient(constraints)

    def project(self) -> None:
        self._state.assign(self.projected(tf.convert_to_tensor(self._state)))

    def projected(self, state: tf.Tensor) -> tf.Tensor:
        """max(0, state); with a radius R the nearest point of {x >= 0, sum x <= R}."""
        if self._radius is None:
            return tf.nn.relu(state)
        return simplex.project_ball(state, self._radius)

    def warm_start(self, multipliers: tf.Tensor) -> None:
        """Starts at these multipliers, (m,) finite and non-negative (projected on the radius)."""
        self._state.assign(self.projected(self._checked(multipliers)))
