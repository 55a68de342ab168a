"""The Lagrangian game with a controller for its multipliers: proportional and integral.

Plain gradient steps on a multiplier add up violations: where the model answers late, the sum has
grown too far when the answer comes, and the two players circle. A controller adds the violation as
it is now. With e_t the true constraints, xi_t their running mean and R a radius:

    xi_t     = nu xi_{t-1} + (1 - nu) e_t,                       xi_{-1} = 0
    theta_t  = P(theta_{t-1} + kappa_i e_t)                      the integral
    mu_t     = P(theta_t + kappa_p xi_t)
    lambda_t = scale * mu_t                                      what the model sees
    P(x)     = the nearest point of {x >= 0, sum x <= R}

The scale of a constraint is the size that its multiplier has. A weight lambda on the rate of a set
that makes up a share r of all examples weighs each of them by lambda / r, the objective by 1: with
scale = r, mu = 1 doubles what those examples weigh, however rare they are, and the same steps suit
all constraints.

Where nothing is projected this is nuPI. The integral is projected on its own, so that it never
holds more than can be given out (no wind-up), and a constraint that holds gets no weight only
because it holds less well than before. At rest xi = e = 0 where lambda > 0: the primal and dual
solutions are those of the Lagrangian, whatever kappa_p is.

It is an augmented Lagrangian, too: with nu = 0, scale 1 and no radius the model descends along
f' + sum_i max(0, theta_i + kappa_p g_i) h_i', the gradient of f + |max(0, theta + kappa_p g)|^2 /
(2 kappa_p) where h = g: kappa_p is its penalty, and makes the Lagrangian convex across a constraint
along which it was flat.

Source: Sohrabi, Ramirez, Zhang, Lacoste-Julien and Gallego-Posada, "On PI controllers for updating
Lagrange multipliers in constrained optimization", ICML 2024, section 4; Rockafellar, "Augmented
Lagrange multiplier functions and duality in nonconvex programming", SIAM J. Control 12 (1974).
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from fairgate.optimization.games.formulation import mean_over_replicas
from fairgate.optimization.games.lagrangian import Lagrangian
from fairgate.optimization.problems.interface import ProblemValues
from fairgate.optimization.problems.sources import Batch


class PILagrangian(Lagrangian):
    """The multipliers of the Lagrangian game, under a PI controller.

    Args:
        num_constraints: m >= 0.
        proportional: kappa_p >= 0; 0 leaves the plain Lagrangian game.
        smoothing: nu in [0, 1): share of the running mean that stays at each step. For constraints
            that are estimated on minibatches; exact ones need none.
        maximum_radius: R > 0: mu never sums to more than this; None: no limit.
        scale: > 0, of all constraints or of each, (m,).
        optimizer: a Keras optimizer of its own for the integral, or kappa_i.
        dual_scale: > 0, multiplies the gradient of the integral.

    `constrained_loss` moves the integral alone, since only `update` sees the violations in order.

    Raises:
        ValueError: for an argument out of range.
    """

    def __init__(
        self,
        num_constraints: int,
        proportional: float = 1.0,
        smoothing: float = 0.0,
        maximum_radius: float | None = None,
        scale: Sequence[float] | float = 1.0,
        optimizer: keras.optimizers.Optimizer | float = 0.1,
        dual_scale: float = 1.0,
    ) -> None:
        super().__init__(num_constraints, maximum_radius, optimizer, dual_scale)
        if not proportional >= 0:
            raise ValueError(f"proportional must be >= 0, got {proportional!r}")
        if not 0 <= smoothing < 1:
            raise ValueError(f"smoothing must be in [0, 1), got {smoothing!r}")
        scales = np.broadcast_to(np.asarray(scale, np.float32), [num_constraints])
        if not (scales > 0).all():
            raise ValueError(f"scale must be > 0, got {scale!r}")
        self._scale = tf.constant(scales)
        self._proportional = proportional
        self._smoothing = smoothing
        self._mean = tf.Variable(
            tf.zeros([num_constraints]),
            name="mean_constraints",
            trainable=False,
            aggregation=tf.VariableAggregation.MEAN,
        )

    @property
    def mean_constraints(self) -> tf.Tensor:
        """xi: (m,) float32."""
        return tf.identity(self._mean)

    def multipliers(self, batch: Batch = None) -> tf.Tensor:
        """mu: (m,) float32."""
        return self.projected(self._state + self._proportional * self._mean)

    def lagrange_multipliers(self, batch: Batch = None) -> tf.Tensor:
        """lambda = scale * mu: (m,) float32."""
        return self._scale * self.multipliers()

    def lagrangian(self, values: ProblemValues, batch: Batch = None) -> tf.Tensor:
        """f + sum_i lambda_i h_i, () float32, lambda held fixed."""
        weights = tf.stop_gradient(self.lagrange_multipliers())
        return values.objective + tf.reduce_sum(weights * values.proxy_constraints)

    def update(self, constraints: tf.Tensor, batch: Batch = None) -> None:
        """One step of the running mean and of the integral; as `Formulation.update`."""
        constraints = mean_over_replicas(constraints)
        nu = self._smoothing
        seen = tf.stop_gradient(constraints)
        self._mean.assign(nu * self._mean + (1.0 - nu) * seen)
        super().update(constraints, batch)

    def warm_start(self, multipliers: tf.Tensor) -> None:
        """Starts at these multipliers, (m,) finite and non-negative (projected on the radius)."""
        self._state.assign(self.projected(self._checked(multipliers) / self._scale))
        self._mean.assign(tf.zeros_like(self._mean))
