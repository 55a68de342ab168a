"""Rate constraints on minibatches: an objective, proxy constraints and true constraints.

For the rate r over group g, with cost c_r(y, s) of predicting sign s on a label y, weight w_i and
membership u_ig, the value on a minibatch of n rows is

    rate = 1/n sum_i loss(z_i; c_r(y_i, .) w_i u_ig / D_r)

where D_r estimates E[w u 1(in the denominator set)] over *all minibatches so far*: with t the
number of updates before, and S, C the running means of the sums and of the rows,

    a = 1 / (t + 1),   S <- (1 - a) S + a sum_i w_i u_ig 1(...),   C <- (1 - a) C + a n
    D = S / C  if  S > denominator_lower_bound * C  else  denominator_lower_bound

(the cumulative average of Cotter et al.'s implementation: a denominator of the minibatch itself
would be biased, and zero whenever a rare group is absent). The costs of all rates in a constraint
are added up per example before the loss is applied, and no gradient flows through them.

Source: Cotter et al., JMLR 20 (2019), section 2; Google Research's reference implementation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.constrained_optimization import losses
from components.constrained_optimization.linear import LinearConstraint
from components.constrained_optimization.problems.interface import ProblemValues
from components.constrained_optimization.rates import RATES, Group

Objective = Literal["hinge", "cross_entropy"]

_OBJECTIVES = {"hinge": losses.hinge, "cross_entropy": losses.softmax_cross_entropy}
_DENOMINATORS = ("all", "positives", "negatives")


RateValues = ProblemValues


class RateProblem(tf.Module):
    """Minimise the error rate subject to linear rate constraints.

    Args:
        constraints: m linear constraints (`linear.linearize`); m may be 0.
        groups: the columns of `memberships`, in order.
        objective: surrogate of the error rate, "hinge" or "cross_entropy" (the usual log loss).
        denominator_lower_bound: least value of a denominator, as a fraction of all rows.

    Raises:
        ValueError: for a constraint over a group not in `groups`, a repeated group, an unknown
            objective, or a negative lower bound.

    In every step call `update_denominators` with the minibatch first, then the problem itself with
    the same minibatch. Both run in eager mode, in tf.function, under jit_compile, inside
    tf.while_loop and in the replica context of a tf.distribute strategy (the running sums are then
    of all replicas, the values of the local rows).
    """

    def __init__(
        self,
        constraints: Sequence[LinearConstraint],
        groups: Sequence[Group],
        objective: Objective = "hinge",
        denominator_lower_bound: float = 1e-3,
    ) -> None:
        super().__init__(name="rate_problem")
        if objective not in _OBJECTIVES:
            raise ValueError(f"objective must be one of {list(_OBJECTIVES)}, got {objective!r}")
        if not denominator_lower_bound >= 0:
            raise ValueError(
                f"denominator_lower_bound must be >= 0, got {denominator_lower_bound!r}"
            )
        if len(set(groups)) != len(groups):
            raise ValueError(f"a group appears twice in {[str(group) for group in groups]}")
        self.groups = tuple(groups)
        self.num_constraints = len(constraints)
        self._loss = _OBJECTIVES[objective]
        self._lower_bound = denominator_lower_bound
        self._costs = tf.constant(self._cost_table(constraints), tf.float32)
        self._offsets = tf.constant([c.constant for c in constraints], tf.float32)
        cells = (len(groups) + 1, len(_DENOMINATORS))
        replicated = {"trainable": False, "aggregation": tf.VariableAggregation.ONLY_FIRST_REPLICA}
        # float64: the mean of a million minibatches must still move.
        self._sums = tf.Variable(tf.ones(cells, tf.float64), name="sums", **replicated)
        self._rows = tf.Variable(tf.ones((), tf.float64), name="rows", **replicated)
        self._updates = tf.Variable(tf.zeros((), tf.int64), name="updates", **replicated)

    @property
    def denominators(self) -> tf.Tensor:
        """(groups + 1, 3) float32: D over (all, positives, negatives); the last row is everyone."""
        fractions = self._sums / self._rows
        return tf.cast(tf.maximum(fractions, self._lower_bound), tf.float32)

    def update_denominators(
        self, labels: tf.Tensor, memberships: tf.Tensor, weights: tf.Tensor | None = None
    ) -> None:
        """Counts one minibatch into the running denominators.

        Args:
            labels: (n,) > 0 is positive.
            memberships: (n, len(groups)) 0/1, or fractions in [0, 1].
            weights: (n,) non-negative; None: all 1. Rows of weight 0 are padding.
        """
        rows = self._rows_by_label(labels, memberships, weights)
        by_label = tf.cast(tf.reduce_sum(rows, axis=0), tf.float64)
        sums = tf.stack([tf.reduce_sum(by_label, axis=1), by_label[:, 0], by_label[:, 1]], axis=1)
        count = tf.cast(tf.shape(rows)[0], tf.float64)
        context = tf.distribute.get_replica_context()
        if context.num_replicas_in_sync > 1:
            sums, count = context.all_reduce(tf.distribute.ReduceOp.SUM, [sums, count])
        fraction = 1.0 / (tf.cast(self._updates, tf.float64) + 1.0)
        self._sums.assign((1.0 - fraction) * self._sums + fraction * sums)
        self._rows.assign((1.0 - fraction) * self._rows + fraction * count)
        self._updates.assign_add(1)

    def __call__(
        self,
        scores: tf.Tensor,
        labels: tf.Tensor,
        memberships: tf.Tensor,
        weights: tf.Tensor | None = None,
    ) -> RateValues:
        """The objective and the constraints on one minibatch.

        Args:
            scores: (n,) float, > 0 predicts positive (logits, for "cross_entropy").
            labels, memberships, weights: as for `update_denominators`.

        Raises:
            ValueError: if a static shape does not fit.
        """
        if scores.shape.rank != 1:
            raise ValueError(f"scores must be (n,), got {scores.shape}: squeeze the last axis")
        rows = self._rows_by_label(labels, memberships, weights)
        # (g, k, y, m + 1, s) / (g, k) summed over k: the cost in each cell of group and label.
        # No NaN, because a lower bound of 0 is allowed and a group may not have been seen yet.
        inverse = tf.math.divide_no_nan(1.0, self.denominators)
        per_cell = tf.einsum("gkyms,gk->gyms", self._costs, inverse)
        cells, columns = 2 * (len(self.groups) + 1), self.num_constraints + 1
        costs = tf.reshape(rows, [-1, cells]) @ tf.reshape(per_cell, [cells, columns * 2])
        costs = tf.stop_gradient(tf.reshape(costs, [-1, columns, 2]))
        of_objective, of_constraints = costs[:, :1], costs[:, 1:]
        proxies = tf.reduce_mean(losses.hinge(scores, of_constraints), axis=0)
        measured = tf.reduce_mean(losses.zero_one(scores, of_constraints), axis=0)
        return RateValues(
            objective=tf.reduce_mean(self._loss(scores, of_objective)),
            proxy_constraints=proxies + self._offsets,
            constraints=tf.stop_gradient(measured + self._offsets),
        )

    def _rows_by_label(
        self, labels: tf.Tensor, memberships: tf.Tensor, weights: tf.Tensor | None
    ) -> tf.Tensor:
        """(n, groups + 1, 2) float32: weight * membership * [positive, negative]."""
        if labels.shape.rank != 1:
            raise ValueError(f"labels must be (n,), got {labels.shape}")
        if memberships.shape.rank != 2 or memberships.shape[1] != len(self.groups):
            raise ValueError(
                f"memberships must be (n, {len(self.groups)}), a column for each of "
                f"{[str(group) for group in self.groups]}, got {memberships.shape}"
            )
        positive = tf.cast(labels > 0, tf.float32)
        by_label = tf.stack([positive, 1.0 - positive], axis=1)
        if weights is not None:
            by_label *= tf.cast(weights, tf.float32)[:, tf.newaxis]
        members = tf.pad(tf.cast(memberships, tf.float32), [[0, 0], [0, 1]], constant_values=1.0)
        return members[:, :, tf.newaxis] * by_label[:, tf.newaxis, :]

    def _cost_table(self, constraints: Sequence[LinearConstraint]) -> NDArray[np.float64]:
        """(groups + 1, 3 denominators, 2 labels, 1 + m, 2 signs); the objective comes first."""
        place = {group: index for index, group in enumerate(self.groups)}
        everyone = len(self.groups)
        table = np.zeros((everyone + 1, len(_DENOMINATORS), 2, 1 + len(constraints), 2))
        columns = [[("ERR", None, 1.0)]] + [
            [(rate.rate, rate.group, factor) for rate, factor in constraint.coefficients]
            for constraint in constraints
        ]
        for column, terms in enumerate(columns):
            for name, group, factor in terms:
                if group is not None and group not in place:
                    raise ValueError(
                        f"constraint '{constraints[column - 1]}' needs the group {group}; "
                        f"the groups are {[str(known) for known in self.groups]}"
                    )
                row = everyone if group is None else place[group]
                definition = RATES[name]
                kind = _DENOMINATORS.index(definition.denominator)
                costs = np.array([definition.positive_costs, definition.negative_costs])
                table[row, kind, :, column, :] += factor * costs
        return table
