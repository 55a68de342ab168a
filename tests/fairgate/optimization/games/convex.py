"""Convex problems whose solution can be written down, and every game that should find it.

    min  sum_j (a_j / 2 (w_j - c_j)^2 + b_j w_j)   s.t.  A w <= d      (the model follows H w - e)

The numbers are a minibatch, so that one compiled function solves all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fairgate.optimization import problems as co
from fairgate.optimization.games import (
    Formulation,
    Lagrangian,
    MultiplierModel,
    PILagrangian,
    ProxyLagrangian,
    feature_multipliers,
)

SLACK = ((0.0, 0.0), 1.0)  # 0 w <= 1, for problems with fewer constraints than three


@dataclass(frozen=True)
class Convex:
    """One problem and its solution; `rows` and `proxies` are (normal, limit) of each constraint.

    Attributes:
        dual: numbers that are determined at the solution, as combinations (k, 3) of multipliers.
    """

    curvature: tuple[float, float]
    centre: tuple[float, float]
    slope: tuple[float, float]
    rows: tuple[tuple[tuple[float, float], float], ...]
    w: tuple[float, float]
    dual: tuple[float, ...]
    combinations: tuple[tuple[float, float, float], ...] = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    proxies: tuple[tuple[tuple[float, float], float], ...] = ()

    def batch(self) -> dict[str, tf.Tensor]:
        proxies = self.proxies or self.rows
        columns = {
            "curvature": self.curvature,
            "centre": self.centre,
            "slope": self.slope,
            "normals": [normal for normal, _ in self.rows],
            "limits": [limit for _, limit in self.rows],
            "proxy_normals": [normal for normal, _ in proxies],
            "proxy_limits": [limit for _, limit in proxies],
        }
        return {name: tf.constant(value, tf.float32) for name, value in columns.items()}

    def assert_solved(self, w: Any, multipliers: Any, name: str) -> None:
        """Primal and dual, each to a thousandth."""
        np.testing.assert_allclose(
            np.ravel(w), self.w, rtol=0, atol=1e-3, err_msg=f"{name}: primal"
        )
        found = np.asarray(self.combinations) @ np.asarray(multipliers)
        np.testing.assert_allclose(found, self.dual, rtol=0, atol=1e-3, err_msg=f"{name}: dual")


PROBLEMS: Mapping[str, Convex] = {
    # The nearest point to (2, 1): the gradient (-1, -1) is that of the first constraint.
    "one active constraint": Convex(
        (1, 1), (2, 1), (0, 0), (((1, 1), 1), ((1, 0), 3), SLACK), w=(1, 0), dual=(1, 0, 0)
    ),
    "one constraint alone": Convex(
        (1, 2), (2, 1), (0, 0), (((2, 1), 2), SLACK, SLACK), (2 / 3, 2 / 3), (2 / 3, 0, 0)
    ),
    # At the corner (1, -1):  (-2, -1) + 1.5 (1, 1) + 0.5 (1, -1) = 0.
    "two active constraints": Convex(
        (2, 1), (2, 0), (0, 0), (((1, 1), 0), ((1, -1), 2), ((-1, 0), 0)), (1, -1), (1.5, 0.5, 0)
    ),
    "no active constraint": Convex(
        (1, 2), (0.5, -0.5), (0, 0), (((1, 1), 1), ((1, 0), 1), SLACK), w=(0.5, -0.5), dual=(0,) * 3
    ),
    # w_1 + w_2 = 1 as two inequalities: the difference of their multipliers is determined.
    "an equality": Convex(
        (1, 1),
        (0, -1),
        (0, 0),
        (((1, 1), 1), ((-1, -1), -1), SLACK),
        w=(1, 0),
        dual=(-1, 0),
        combinations=((1, -1, 0), (0, 0, 1)),
    ),
    # The corner (1, 0):  (-1.5, -0.5) + 1.5 (1, 1) + 1 (0, -1) = 0.
    "linear": Convex(
        (0, 0), (0, 0), (-1.5, -0.5), (((1, 1), 1), ((0, -1), 0), ((1, 0), 2)), (1, 0), (1.5, 1, 0)
    ),
    # The model follows w_1, the multiplier w_1 + w_2 - 1: w = (2 - lambda, 1) where that is 0.
    "a proxy of another slope": Convex(
        (1, 1),
        (2, 1),
        (0, 0),
        (((1, 1), 1.5), SLACK, SLACK),
        w=(0.5, 1),
        dual=(1.5, 0, 0),
        proxies=(((1, 0), 0), SLACK, SLACK),
    ),
}


class ConvexProblem(co.ConstrainedProblem):
    """The problem that a minibatch (or the x of a `FitBatch`) holds the numbers of."""

    num_constraints = 3

    def __init__(self, w: Any = None) -> None:
        super().__init__()
        self.w = tf.Variable([0.0, 0.0]) if w is None else w

    def objective(self, batch: Any = None) -> tf.Tensor:
        p, w = self._at(batch)
        return tf.reduce_sum(0.5 * p["curvature"] * (w - p["centre"]) ** 2 + p["slope"] * w)

    def constraints(self, batch: Any = None) -> tf.Tensor:
        p, w = self._at(batch)
        return tf.reduce_sum(p["normals"] * w, axis=1) - p["limits"]

    def proxy_constraints(self, batch: Any = None) -> tf.Tensor:
        p, w = self._at(batch)
        return tf.reduce_sum(p["proxy_normals"] * w, axis=1) - p["proxy_limits"]

    def _at(self, batch: Any) -> tuple[Mapping[str, tf.Tensor], tf.Tensor]:
        return getattr(batch, "x", batch), tf.reshape(tf.convert_to_tensor(self.w), [2])


class Optimistic(keras.optimizers.SGD):
    """w <- w - rate (2 gradient - gradient before): games of it settle where plain steps circle.

    Source: Daskalakis, Ilyas, Syrgkanis and Zeng, "Training GANs with optimism", ICLR 2018.
    """

    def build(self, variables: Any) -> None:
        already = self.built
        super().build(variables)
        if not already:
            self.before = self.add_optimizer_variables(variables, "before")

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        before = self.before[self._get_variable_index(variable)]
        rate = keras.ops.cast(learning_rate, variable.dtype)
        self.assign_sub(variable, rate * (2.0 * gradient - before))
        self.assign(before, gradient)


@dataclass(frozen=True)
class Game:
    """A variant, with what it takes to solve all problems.

    Attributes:
        rate: of the model's optimistic steps; the convex combinations of `ProxyLagrangian` scale
            its gradient down.
        steps: of both players.
        settles: with plain steps of both players, also where the problem has no curvature.
        averaged: compare the mean over all steps, not the last one. A multiplier model needs it:
            |x| makes a multiplier of 0 bounce by its rate times the slack, so the rate must decay.
    """

    make: Callable[[], Formulation]
    rate: float = 0.1
    steps: int = 6000
    averaged: bool = False
    settles: bool = False


def by_features(rate: Any) -> Formulation:
    model = keras.Sequential(
        [keras.Input([3]), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")]
    )
    outputs, variables = feature_multipliers(model, np.eye(3))
    return MultiplierModel(3, outputs, variables, optimizer=keras.optimizers.SGD(rate))


def proxy(regret: Any, update: Any, normalize: bool) -> Game:
    fast = regret == "swap" and update == "multiplicative"

    def make() -> Formulation:
        # A multiplicative weight never falls below minimum_radius / n.
        options = {"minimum_radius": 1e-5, "normalize": normalize}
        return ProxyLagrangian(
            3, regret, update, optimizer=Optimistic(0.5 if fast else 0.2), **options
        )

    return Game(make, rate=0.3 if fast or not normalize else 0.1)


GAMES: Mapping[str, Game] = {
    "Lagrangian": Game(lambda: Lagrangian(3, optimizer=Optimistic(0.2))),
    "Lagrangian with a radius": Game(lambda: Lagrangian(3, 3.0, optimizer=Optimistic(0.2))),
    "Lagrangian with a dual scale": Game(
        lambda: Lagrangian(3, optimizer=Optimistic(0.04), dual_scale=5.0)
    ),
    # Plain steps: the controller does what optimism does for the others.
    "PI": Game(lambda: PILagrangian(3, optimizer=0.1), settles=True),
    "PI with a radius": Game(
        lambda: PILagrangian(3, maximum_radius=3.0, optimizer=0.1), settles=True
    ),
    "PI with scales": Game(
        lambda: PILagrangian(3, scale=[1.0, 0.5, 0.75], optimizer=0.1), settles=True
    ),
    "PI of a running mean": Game(
        lambda: PILagrangian(3, smoothing=0.5, optimizer=0.1), settles=True
    ),
    "multiplier model": Game(
        lambda: by_features(keras.optimizers.schedules.InverseTimeDecay(0.2, 300, 1)),
        steps=500_000,
        averaged=True,
    ),
} | {
    f"{regret} {update}{' normalized' * normalize}": proxy(regret, update, normalize)
    for regret in ("swap", "external")
    for update in ("multiplicative", "additive")
    for normalize in (False, True)
}
