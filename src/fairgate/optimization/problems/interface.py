"""The general problem:  minimise f(x)  subject to  g_i(x) <= 0,  i = 1..m.

To optimize a problem of your own, derive from `ConstrainedProblem` and give `objective` and
`constraints`; give `proxy_constraints` if the constraints have no useful gradient:

    class Halfspace(ConstrainedProblem):
        num_constraints = 1

        def objective(self, batch=None):
            return tf.reduce_sum(x ** 2)

        def constraints(self, batch=None):
            return tf.stack([1.0 - tf.reduce_sum(x)])

Source: Cotter, Jiang and Sridharan, ALT 2019, section 1 (problems with proxy constraints).
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from fairgate.optimization.problems.sources import Batch


class ProblemValues(NamedTuple):
    """What both players see of one minibatch.

    Attributes:
        objective: () float32, differentiable: what is minimised.
        proxy_constraints: (m,) float32, differentiable: what the model follows.
        constraints: (m,) float32: what the multipliers follow; feasible if <= 0.
    """

    objective: tf.Tensor
    proxy_constraints: tf.Tensor
    constraints: tf.Tensor


class ConstrainedProblem(tf.Module):
    """Base of all problems.

    Attributes:
        num_constraints: m; set it in the class or in `__init__`.
    """

    num_constraints: int = 0

    @property
    def constraint_names(self) -> tuple[str, ...]:
        """m names, for logs."""
        return tuple(f"constraint_{i}" for i in range(self.num_constraints))

    def objective(self, batch: Batch = None) -> tf.Tensor:
        """() float: f."""
        raise NotImplementedError

    def constraints(self, batch: Batch = None) -> tf.Tensor:
        """(m,) float: g; needs no gradient if there are proxies."""
        raise NotImplementedError

    def proxy_constraints(self, batch: Batch = None) -> tf.Tensor | None:
        """(m,) float, differentiable stand-ins for g; None: g itself serves."""
        return None

    def components(self, batch: Batch = None) -> ProblemValues:
        """Objective, proxies and constraints on one minibatch."""
        constraints = self.constraints(batch)
        proxies = self.proxy_constraints(batch)
        return ProblemValues(
            self.objective(batch), constraints if proxies is None else proxies, constraints
        )

    def penalties(self, batch: Batch = None) -> tuple[tf.Tensor, tf.Tensor]:
        """What the model follows: objective and proxies (the constraints where there are none)."""
        values = self.components(batch)
        return values.objective, values.proxy_constraints

    def update(self, batch: Batch = None) -> None:
        """Called before every step with the step's minibatch: the place for running averages."""

    def project(self) -> None:
        """Called after every step: moves the problem's own variables to where they may be."""
