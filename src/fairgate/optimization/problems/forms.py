"""One half of an expression, ready to be evaluated: costs of predictions, other terms, a constant.

    value = sum over (scores, loss) of  mean_i loss(scores_i; costs_i)  +  sum of other terms  + constant
    costs[i, j] = sum over the rates of  factor c_j w_i u_i / D

with c_j the cost of predicting class j, w the weights, u the numerator set and D the running mean
of w times the denominator set. The costs of all rates over the same scores and loss are added up
before the loss is applied once: the sum of surrogates would be looser (TPR + FNR is a constant
this way). `values` evaluates all forms of a problem together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import tensorflow as tf

from fairgate.optimization.problems.losses import Loss
from fairgate.optimization.problems.predicates import Predicate
from fairgate.optimization.problems.slacks import Slack
from fairgate.optimization.problems.sources import Evaluation, Source


@dataclass(frozen=True)
class DenominatorKey:
    """The set that a rate is an average over: weights and memberships."""

    weights: Source
    members: Predicate

    def rows(self, evaluation: Evaluation) -> tf.Tensor:
        """(n,) or (1,) float32: weight * membership on the minibatch."""
        return evaluation.once(self, lambda: self._compute(evaluation))

    def _compute(self, evaluation: Evaluation) -> tf.Tensor:
        weights = tf.reshape(evaluation.floats(self.weights), [-1])
        return weights * self.members.members(evaluation)


@dataclass(frozen=True)
class Scores:
    """Predictions, with a trained threshold if there is one (entry `index` of a vector of them)."""

    predictions: Source
    num_classes: int | None = None
    threshold: Slack | None = None
    index: int | None = None

    def without_threshold(self) -> Scores:
        """The predictions themselves."""
        return Scores(self.predictions, self.num_classes)

    def value(self, evaluation: Evaluation) -> tf.Tensor:
        """The predictions: (n,) float32; (n, k) if multiclass. ValueError for another shape."""
        return evaluation.once(self, lambda: self._compute(evaluation))

    def _compute(self, evaluation: Evaluation) -> tf.Tensor:
        scores = evaluation.floats(self.predictions)
        if self.num_classes is not None:
            if scores.shape.rank != 2 or scores.shape[1] != self.num_classes:
                raise ValueError(
                    f"predictions must be (n, {self.num_classes}), got shape {scores.shape}"
                )
            return scores
        if scores.shape.rank == 2 and scores.shape[1] == 1:
            scores = tf.squeeze(scores, axis=1)
        if scores.shape.rank != 1:
            raise ValueError(f"binary predictions must be (n,) or (n, 1), got {scores.shape}")
        return scores


@dataclass(frozen=True)
class Cost:
    """factor * c_j w_i u_i / D, of one rate.

    Attributes:
        per_class: c: (cost of "+", cost of "-"), or one cost per class.
        numerator: u, and the weights.
        denominator: what D is the mean of.
    """

    per_class: tuple[float, ...]
    numerator: DenominatorKey
    denominator: DenominatorKey
    factor: float = 1.0


class Scalar:
    """Base of the terms that are one number as they stand."""

    def value(self, evaluation: Evaluation) -> tf.Tensor:
        """() float32."""
        raise NotImplementedError

    def slacks(self) -> Iterator[Slack]:
        """The slack variables in it."""
        return iter(())

    def denominators(self) -> Iterator[DenominatorKey]:
        """The denominators in it."""
        return iter(())

    def forms(self) -> Iterator[Form]:
        """The forms whose values must be known before."""
        return iter(())


@dataclass(frozen=True)
class Wrapped(Scalar):
    """A number from outside."""

    source: Source

    def value(self, evaluation: Evaluation) -> tf.Tensor:
        value = evaluation.floats(self.source)
        if value.shape.rank not in (0, None):
            raise ValueError(f"a wrapped value must be a scalar, got shape {value.shape}")
        return value


@dataclass(frozen=True)
class OfSlack(Scalar):
    """function(slack)."""

    slack: Slack
    function: Callable[[tf.Tensor], tf.Tensor] = tf.identity

    def value(self, evaluation: Evaluation) -> tf.Tensor:
        return self.function(evaluation.slack(self.slack))

    def slacks(self) -> Iterator[Slack]:
        yield self.slack


@dataclass(frozen=True, eq=False)
class Form:
    """See the top of this file. Forms add up, and scale by numbers."""

    costs: Mapping[tuple[Scores, Loss], tuple[Cost, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    scalars: tuple[tuple[float, Scalar], ...] = ()
    constant: float = 0.0

    def plus(self, other: Form, factor: float = 1.0) -> Form:
        """self + factor * other."""
        costs = dict(self.costs)
        for key, added in other.costs.items():
            scaled = tuple(replace(cost, factor=factor * cost.factor) for cost in added)
            costs[key] = costs.get(key, ()) + scaled
        scalars = tuple((factor * by, scalar) for by, scalar in other.scalars)
        constant = self.constant + factor * other.constant
        return Form(costs, self.scalars + scalars, constant)

    def slacks(self) -> Iterator[Slack]:
        """The slack variables in it, in order of use, possibly repeated."""
        for scores, _ in self.costs:
            if scores.threshold is not None:
                yield scores.threshold
        for _, scalar in self.scalars:
            yield from scalar.slacks()

    def denominators(self) -> Iterator[DenominatorKey]:
        """The denominators in it, possibly repeated."""
        for costs in self.costs.values():
            yield from (cost.denominator for cost in costs)
        for _, scalar in self.scalars:
            yield from scalar.denominators()

    def losses(self) -> Iterator[Loss]:
        """The losses in it, possibly repeated."""
        for form in self.within():
            yield from (loss for _, loss in form.costs)

    def within(self) -> Iterator[Form]:
        """The forms inside its terms, innermost first, then the form itself."""
        for _, scalar in self.scalars:
            for inner in scalar.forms():
                yield from inner.within()
        yield self


@dataclass(frozen=True)
class Quotient(Scalar):
    """numerator / slack; the value of the numerator is known before (see `values`)."""

    numerator: Form
    denominator: Slack

    def value(self, evaluation: Evaluation) -> tf.Tensor:
        return evaluation.known(self.numerator) / evaluation.slack(self.denominator)

    def slacks(self) -> Iterator[Slack]:
        yield from self.numerator.slacks()
        yield self.denominator

    def denominators(self) -> Iterator[DenominatorKey]:
        yield from self.numerator.denominators()

    def forms(self) -> Iterator[Form]:
        yield self.numerator


@dataclass(frozen=True)
class Least(Scalar):
    """min of forms, whose values are known before."""

    among: tuple[Form, ...]

    def value(self, evaluation: Evaluation) -> tf.Tensor:
        return tf.reduce_min(tf.stack([evaluation.known(form) for form in self.among]))

    def slacks(self) -> Iterator[Slack]:
        for form in self.among:
            yield from form.slacks()

    def denominators(self) -> Iterator[DenominatorKey]:
        for form in self.among:
            yield from form.denominators()

    def forms(self) -> Iterator[Form]:
        yield from self.among
