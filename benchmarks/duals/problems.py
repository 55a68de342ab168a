"""Convex problems whose primal and dual solutions can be written down: the bank that every game meets.

    min  sum_j (a_j / 2 (w_j - c_j)^2 + b_j w_j)   s.t.  A w <= d      (the model follows H w - e)

The numbers are a minibatch, so that one compiled function solves all of them. The tests of the games
(tests/fairgate/optimization/games) hold them to these solutions; here is seen how they get there.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fairgate.optimization import problems as co

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


class Restart:
    """Puts the state of a game back to where it was when this was made."""

    def __init__(self, *owners: Any) -> None:
        variables = itertools.chain.from_iterable(owner.variables for owner in owners)
        self._start = [(v, v.numpy()) for v in {id(v): v for v in variables}.values()]

    def __call__(self) -> None:
        for variable, value in self._start:
            variable.assign(value)
