"""The rate problem: minimise an expression of rates subject to constraints on such expressions.

    problem = RateMinimizationProblem(
        error_rate(context),
        [false_positive_rate(context.subset(young)) <= 0.05],
    )

In every step: `update(batch)`, then `components(batch)` with the same minibatch, then, after the
players have moved, `project()`. All of it runs in eager mode, in tf.function, under jit_compile
and in the replica context of a tf.distribute strategy (running sums are of all replicas, values of
the local rows).

Source: Cotter et al., JMLR 20 (2019); Narasimhan, Cotter and Gupta, NeurIPS 2019.
"""

from __future__ import annotations

from collections.abc import Iterable

import tensorflow as tf

from fairgate.optimization.problems.denominators import Denominators
from fairgate.optimization.problems.expression import Constraint, Expression, Resolved
from fairgate.optimization.problems.forms import Form
from fairgate.optimization.problems.interface import ConstrainedProblem, ProblemValues
from fairgate.optimization.problems.sources import Batch, Evaluation, Hidden
from fairgate.optimization.problems.values import evaluate

# Constraints that bring constraints that ...: a problem that never closes is an accident.
MAX_CONSTRAINTS = 100_000


class RateMinimizationProblem(ConstrainedProblem):
    """See the top of this file.

    Args:
        objective: minimised; its penalty half is what the model follows.
        constraints: in order, each once. Constraints that the objective brings along come after
            them, then those that the constraints bring along, and so on until nothing is added.
        denominator_lower_bound: see `denominators`.

    Attributes:
        slacks: the slack variables, in the order in which the objective and the constraints use
            them.

    Raises:
        TypeError: if the objective or a constraint is something else.
        ValueError: for a negative lower bound, or a penalty loss without a gradient.
        UnboundedError: if a bound is used in the wrong direction.
    """

    def __init__(
        self,
        objective: Expression,
        constraints: Iterable[Constraint] | Constraint | None = None,
        denominator_lower_bound: float = 1e-3,
        name: str = "rate_minimization_problem",
    ) -> None:
        super().__init__(name=name)
        if not isinstance(objective, Expression):
            raise TypeError(f"the objective must be an expression of rates, got {objective!r}")
        if not denominator_lower_bound >= 0:
            raise ValueError(
                f"denominator_lower_bound must be >= 0, got {denominator_lower_bound!r}"
            )
        self._lower_bound = denominator_lower_bound
        resolved = objective.resolve()
        named, pairs = _closure(resolved, _listed(constraints))
        # In the order in which their variables are made: the objective, then pair by pair.
        forms = [resolved.penalty]
        for pair in pairs:
            forms += [pair.penalty, pair.constraint]
        self._forms = Hidden(forms)
        self._names = Hidden(named)
        self.num_constraints = len(pairs)
        _require_differentiable([forms[0], *forms[1::2]])
        slacks = list(dict.fromkeys(slack for form in forms for slack in form.slacks()))
        self.slacks = [slack.variable() for slack in slacks]
        self._slack_of = Hidden(dict(zip(slacks, self.slacks, strict=True)))
        keys = (key for form in forms for key in form.denominators())
        self.denominators = Denominators(keys, denominator_lower_bound)

    @property
    def constraint_names(self) -> tuple[str, ...]:
        return self._names.value

    def components(self, batch: Batch = None) -> ProblemValues:
        """Objective, proxies and constraints; every input is read at most once."""
        values = evaluate(self._forms.value, self._evaluation(batch))
        # Stacked, not sliced: XLA gets the gradient of an empty strided slice wrong.
        empty = tf.zeros([0])
        return ProblemValues(
            objective=values[0],
            proxy_constraints=tf.stack(values[1::2]) if self.num_constraints else empty,
            constraints=tf.stop_gradient(tf.stack(values[2::2]) if self.num_constraints else empty),
        )

    def penalties(self, batch: Batch = None) -> tuple[tf.Tensor, tf.Tensor]:
        """Objective and proxies alone: of a split context only the penalty half is read."""
        values = evaluate(self._forms.value[:1] + self._forms.value[1::2], self._evaluation(batch))
        return values[0], tf.stack(values[1:]) if self.num_constraints else tf.zeros([0])

    def objective(self, batch: Batch = None) -> tf.Tensor:
        return evaluate(self._forms.value[:1], self._evaluation(batch))[0]

    def constraints(self, batch: Batch = None) -> tf.Tensor:
        """The true constraints alone: of a split context only the constraint half is read."""
        values = evaluate(self._forms.value[2::2], self._evaluation(batch))
        return tf.stop_gradient(tf.stack(values)) if values else tf.zeros([0])

    def proxy_constraints(self, batch: Batch = None) -> tf.Tensor:
        return self.penalties(batch)[1]

    def update(self, batch: Batch = None) -> None:
        """Projects the slacks and counts the minibatch into the denominators."""
        self.project()
        self.denominators.update(Evaluation(batch))

    def project(self) -> None:
        for slack, variable in self._slack_of.value.items():
            if slack.project is not None:
                variable.assign(slack.project(tf.convert_to_tensor(variable), self._lower_bound))

    def count(self, batches: Iterable[Batch]) -> None:
        """Fixes the denominators to those of whole data, for rare groups (see `denominators`).

        Args:
            batches: one pass over the data, in minibatches.
        """
        self.denominators.count(batches)

    def _evaluation(self, batch: Batch) -> Evaluation:
        known = self.denominators.values()
        return Evaluation(
            batch, self._slack_of.value, lambda key: self.denominators.value(key, known)
        )


def _listed(constraints: Iterable[Constraint] | Constraint | None) -> list[Constraint]:
    if constraints is None:
        return []
    listed = [constraints] if isinstance(constraints, Constraint) else list(constraints)
    for constraint in listed:
        if not isinstance(constraint, Constraint):
            raise TypeError(
                f"a constraint compares expressions, like recall(context) >= 0.9; got {constraint!r}"
            )
    return listed


def _closure(
    objective: Resolved, listed: list[Constraint]
) -> tuple[tuple[str, ...], list[Resolved]]:
    """Names and halves of the listed constraints and of all that they bring, breadth first."""
    queue = list(dict.fromkeys([*listed, *objective.extras]))
    user = set(listed)
    known = set(queue)
    names: list[str] = []
    pairs: list[Resolved] = []
    for constraint in queue:
        resolved = constraint.expression.resolve()
        pairs.append(resolved)
        kind = "constraint" if constraint in user else "extra"
        names.append(constraint.name or f"{kind}_{len(names)}")
        added = [extra for extra in dict.fromkeys(resolved.extras) if extra not in known]
        known.update(added)
        queue += added
        if len(queue) > MAX_CONSTRAINTS:
            raise ValueError(f"over {MAX_CONSTRAINTS} constraints")
    return tuple(names), pairs


def _require_differentiable(forms: Iterable[Form]) -> None:
    for form in forms:
        for loss in form.losses():
            if not loss.is_differentiable:
                raise ValueError(
                    f"{loss} has no gradient that a model could follow: give the rates a "
                    "differentiable penalty_loss, like HingeLoss()"
                )
