"""The proxy-Lagrangian game: a model against a distribution over objective and constraints.

With n = m + 1, index 0 the objective, p a distribution over the n, f the objective, h the
proxy constraints and g the true ones:

* the model minimises        p_0 f + sum_i p_i h_i         (p fixed),
* the dual player maximises            sum_i p_i g_i       (the model fixed),

so that the model follows a gradient that exists, and the weights follow the rates that are meant.
To play p, the dual player keeps

* swap regret: a left-stochastic matrix M (n, n), p its stationary distribution, with the gradient
  -q_i p_j of entry (i, j) for q = (0, g_1, ..., g_m): an equilibrium of this game is nearly optimal
  and nearly feasible although the two players have different pay-offs;
* external regret: p itself, with the gradient -q_i: cheaper, without that guarantee.

Multiplicative updates store logarithms and project in KL divergence; additive ones store the
weights and project in Euclidean distance.

Source: Cotter, Jiang and Sridharan, ALT 2019, algorithms 2 and 4; Cotter et al., JMLR 20 (2019).
"""

from __future__ import annotations

import math
from typing import Literal

import keras
import tensorflow as tf

from fairgate.optimization import simplex
from fairgate.optimization.games.formulation import Formulation, dual_optimizer
from fairgate.optimization.problems.interface import ProblemValues
from fairgate.optimization.problems.sources import Batch

RegretType = Literal["swap", "external"]
UpdateType = Literal["multiplicative", "additive"]


class ProxyLagrangian(Formulation):
    """The dual player.

    Args:
        num_constraints: m >= 0.
        regret_type: "swap" or "external".
        update_type: "multiplicative" or "additive".
        minimum_radius: in (0, 1): no multiplicative weight falls below minimum_radius / n, so that
            every constraint can come back. Not used by additive updates.
        initial_radius: in [minimum_radius, 1] ([0, 1] if additive): every constraint starts at
            initial_radius / n and the objective has the rest. None: (m + 1) / (2 m), which gives
            the objective half of the weight and the constraints the other half, equally. (The
            reference implementation starts at 1e-3, where a multiplicative step is proportional
            to next to nothing: 100 steps of its tutorial leave a violated constraint at 0.0006.)
        optimizer: a Keras optimizer for the dual variable, used by this object only, or a learning
            rate of plain gradient descent. With that and multiplicative updates a step multiplies
            M_ij by exp(rate * q_i p_j): exponentiated gradient. Constraints are rates: a violation
            of 0.05 held by half of the weight moves its log by 0.025 per step at rate 1. On the
            problem of tests/fairgate/optimization/training, rates of 0.1 to 1 settled
            with minibatches of 256, 0.1 to 0.3 with 32, and 3 oscillated for good; of Adam, whose
            steps have that size however small the violation is, 0.01 to 0.03 settled.
        normalize: divide the Lagrangian by p_0, so that the objective's gradient keeps its scale
            and p_i / p_0 act as Lagrange multipliers. False (a convex combination, whose
            gradient is bounded by the largest of its parts) is the robust choice: p_0 can get as
            small as minimum_radius / n while constraints are violated (additive: smaller, but is
            divided by that at least). An adaptive optimizer such
            as Adam makes up for the scale; with plain SGD the rate for the objective is p_0 times
            smaller than it looks.
        dual_scale: > 0, multiplies the gradient of the dual player: a learning rate, for optimizers
            that are shared with others.

    Raises:
        ValueError: for an argument out of range.
    """

    def __init__(
        self,
        num_constraints: int,
        regret_type: RegretType = "swap",
        update_type: UpdateType = "multiplicative",
        minimum_radius: float = 1e-3,
        initial_radius: float | None = None,
        optimizer: keras.optimizers.Optimizer | float = 0.3,
        normalize: bool = False,
        dual_scale: float = 1.0,
    ) -> None:
        super().__init__(num_constraints, dual_scale, name="proxy_lagrangian")
        if regret_type not in ("swap", "external"):
            raise ValueError(f"regret_type must be 'swap' or 'external', got {regret_type!r}")
        if update_type not in ("multiplicative", "additive"):
            raise ValueError(
                f"update_type must be 'multiplicative' or 'additive', got {update_type!r}"
            )
        if not 0 < minimum_radius < 1:
            raise ValueError(f"minimum_radius must be in (0, 1), got {minimum_radius!r}")
        size = num_constraints + 1
        least = minimum_radius if update_type == "multiplicative" else 0.0
        if initial_radius is None:
            initial_radius = size / (2 * max(num_constraints, 1))
        if not least <= initial_radius <= 1:
            raise ValueError(f"initial_radius must be in [{least}, 1], got {initial_radius!r}")
        self._swap = regret_type == "swap"
        self._multiplicative = update_type == "multiplicative"
        self._minimum = minimum_radius / size
        self._normalize = normalize
        share = initial_radius / size
        column = [1.0 - share * num_constraints, *[share] * num_constraints]
        if self._multiplicative:
            column = [math.log(weight) for weight in column]
        start = tf.constant(column, tf.float32)
        if self._swap:
            start = tf.repeat(start[:, tf.newaxis], size, axis=1)
        self._state = tf.Variable(
            start, name="state", trainable=True, aggregation=tf.VariableAggregation.MEAN
        )
        self.optimizer = dual_optimizer(optimizer, [self._state])

    @property
    def state(self) -> tf.Variable:
        """(n, n) float32 with swap regret, (n,) with external; logarithms if multiplicative."""
        return self._state

    def multipliers(self, batch: Batch = None) -> tf.Tensor:
        """p: (m + 1,) float32, the weight of the objective, then of each constraint."""
        weights = tf.exp(self._state) if self._multiplicative else tf.identity(self._state)
        return simplex.stationary_distribution(weights) if self._swap else weights

    def lagrange_multipliers(self, batch: Batch = None) -> tf.Tensor:
        """p_i / p_0: (m,) float32; if the objective has no weight, inf where p_i > 0, else 0."""
        p = self.multipliers()
        return tf.where(p[1:] > 0, p[1:] / p[0], 0.0)

    def lagrangian(self, values: ProblemValues, batch: Batch = None) -> tf.Tensor:
        """p_0 f + sum_i p_i h_i, () float32: what the model minimises, p held fixed."""
        p = tf.stop_gradient(self.multipliers())
        value = p[0] * values.objective + tf.reduce_sum(p[1:] * values.proxy_constraints)
        # Additive updates can leave the objective without any weight.
        return value / tf.maximum(p[0], self._minimum) if self._normalize else value

    def dual_gradient(self, constraints: tf.Tensor, batch: Batch = None) -> tf.Tensor:
        """The gradient that `update` hands to the optimizer, in the shape of `state`.

            -q_i p_j (swap)   or   -q_i (external),     q = dual_scale * (0, g_1, ..., g_m)

        Args:
            constraints: (m,) float32, the true constraints g.
        """
        gains = tf.concat([[0.0], self.dual_scale * tf.stop_gradient(constraints)], axis=0)
        return -gains[:, tf.newaxis] * self.multipliers() if self._swap else -gains

    def project(self) -> None:
        """Moves the state to the nearest one that is allowed."""
        self._state.assign(self.projected(self._state))

    def projected(self, state: tf.Tensor) -> tf.Tensor:
        """The projection of a state, in its shape."""
        if self._multiplicative:
            return simplex.project_multiplicative(tf.convert_to_tensor(state), self._minimum)
        return simplex.project_additive(tf.convert_to_tensor(state))

    def warm_start(self, multipliers: tf.Tensor) -> None:
        """Starts at p = (1, lambda) / (1 + sum lambda), in every column.

        Args:
            multipliers: lambda, (m,) finite and non-negative: Lagrange multipliers.

        Raises:
            ValueError: for another shape, a negative number or one that is not finite.
        """
        values = self._checked(multipliers)
        p = tf.concat([[1.0], values], axis=0) / (1.0 + tf.reduce_sum(values))
        if self._multiplicative:
            p = tf.math.log(tf.maximum(p, self._minimum))
        if self._swap:
            p = tf.repeat(p[:, tf.newaxis], self.num_constraints + 1, axis=1)
        self._state.assign(self.projected(p))
