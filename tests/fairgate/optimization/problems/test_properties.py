"""Properties of expressions, contexts and problems that hold for any data."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings

from fairgate.constraints.rates import RATES, count_outcomes
from fairgate.optimization import problems as co

NAMES = [row.long_name for row in RATES.values() if "predicted" not in row.denominator]
SHORT = {row.long_name: row.name for row in RATES.values()}
numbers = st.floats(-3, 3, width=32)
rows = st.integers(2, 30)
# Each example evaluates a problem in eager mode: few of them, and no deadline.
few = settings(max_examples=10, deadline=None)


def data(seed: int, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    scores = random.normal(size=size).astype(np.float32)
    labels = (random.random(size) < 0.5).astype(np.float32)
    labels[:2] = 0, 1
    members = random.random(size) < 0.5
    members[:2] = True
    return scores, labels, members, random.random(size).astype(np.float32) + 0.1


def values(expressions: list[co.Expression]) -> tuple[np.ndarray, np.ndarray]:
    """(constraint halves, penalty halves) of expressions, used from above, on their own minibatch."""
    problem = co.RateMinimizationProblem(co.wrap_rate(0.0), [e <= 0 for e in expressions])
    problem.update()
    measured = problem.components()
    return measured.constraints.numpy(), measured.proxy_constraints.numpy()


@few
@given(st.integers(0, 10_000), rows)
def test_rates_on_a_minibatch_are_those_of_counting(seed: int, size: int) -> None:
    scores, labels, members, weights = data(seed, size)
    context = co.rate_context(tf.Variable(scores), labels, weights).subset(members)
    counts = count_outcomes(scores > 0, labels, members, weights)
    ours, _ = values([getattr(co, name)(context) for name in NAMES])
    np.testing.assert_allclose(ours, [counts.rate(SHORT[n]) for n in NAMES], atol=2e-5)


@few
@given(st.integers(0, 10_000), rows, numbers, numbers, numbers)
def test_expressions_are_linear_in_their_constraint_halves(seed, size, a, b, c) -> None:
    scores, labels, members, _ = data(seed, size)
    context = co.rate_context(tf.Variable(scores), labels)
    first, second = co.error_rate(context), co.recall(context.subset(members))
    (sum_of, one, other), _ = values([a * first - b * second + c, first, second])
    assert sum_of == pytest.approx(a * one - b * other + c, abs=1e-4)


@few
@given(st.integers(0, 10_000), rows, numbers, numbers)
def test_the_hinge_bounds_every_combination_of_rates_from_above(seed, size, a, b) -> None:
    scores, labels, members, _ = data(seed, size)
    context = co.rate_context(tf.Variable(scores), labels)
    group = context.subset(members)
    measured, surrogate = values(
        [a * co.false_positive_rate(group) + b * co.recall(context), -co.error_rate(group)]
    )
    assert (surrogate >= measured - 1e-5).all()


@few
@given(st.integers(0, 10_000), rows)
def test_complements_are_constants_and_differences_with_oneself_nothing(seed, size) -> None:
    scores, labels, _, _ = data(seed, size)
    context = co.rate_context(tf.Variable(scores), labels)
    rate = co.recall(context)
    both = values([rate + co.false_negative_rate(context), rate - co.recall(context)])
    np.testing.assert_allclose(both, [[1, 0], [1, 0]], atol=1e-5)


@few
@given(st.integers(0, 10_000), rows)
def test_a_group_and_the_rest_are_the_whole(seed, size) -> None:
    scores, labels, members, _ = data(seed, size)
    context = co.rate_context(tf.Variable(scores), labels)
    group = context.subset(members)
    whole, union, none, inside, outside = values(
        [
            co.positive_prediction_rate(each)
            for each in (context, group | ~group, group & ~group, group, ~group)
        ]
    )[0]
    share = members.mean()
    assert union == pytest.approx(whole, abs=1e-5)
    assert none == 0
    assert whole == pytest.approx(share * inside + (1 - share) * outside, abs=1e-5)


@few
@given(st.integers(0, 10_000), st.integers(2, 12), st.integers(2, 5))
def test_two_classes_of_opposite_scores_are_the_binary_case(seed, size, beta) -> None:
    scores, labels, _, _ = data(seed, size)
    binary = co.rate_context(tf.Variable(scores), labels)
    halves = tf.Variable(np.stack([-scores / 2, scores / 2], axis=1))
    multiclass = co.multiclass_rate_context(2, halves, labels)
    pairs = [
        (co.error_rate(binary), co.error_rate(multiclass)),
        (co.recall(binary), co.recall(multiclass, 1)),
        (co.f_score(binary, beta), co.f_score(multiclass, beta, 1)),
    ]
    for left, right in pairs:
        for ours, theirs in zip(values([left]), values([right]), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-4)


def bounded(context: co.Context) -> dict[str, co.Expression]:
    return {
        "precision": co.precision(context),
        "f_score": co.f_score(context),
        "recall_at_precision": co.recall_at_precision(context, 0.7),
        "precision_at_recall": co.precision_at_recall(context, 0.7),
        "roc_auc": co.roc_auc(context, 3),
        "pr_auc": co.pr_auc(context, 3),
    }


@pytest.mark.parametrize("name", bounded(co.rate_context(tf.Variable([0.0]), [1.0])))
def test_bounded_expressions_survive_every_operation(name: str) -> None:
    """The reference raises AttributeError where one is divided by a ratio's slack."""
    scores, labels, members, _ = data(0, 40)
    context = co.rate_context(tf.Variable(scores), labels)
    e = bounded(context)[name]
    other = bounded(context.subset(members))[name]
    plain = co.error_rate(context)
    combinations = [
        e + other,
        e - other,
        -e / 2 + 3 * plain - 1,
        1 - e,
        co.ratio(e, other),
        -co.ratio(plain, 0.5 * e),
        co.upper_bound([e - other, other - e]),
        -co.lower_bound([e, co.ratio(other, plain)]),
        co.ratio(co.upper_bound([e, other]), plain),
    ]
    for combination in combinations:
        measured, surrogate = values([combination])
        assert np.isfinite(measured).all() and np.isfinite(surrogate).all()
    # The same part with both signs cancels, with its slack variables.
    assert not co.RateMinimizationProblem(plain + e - e).slacks
    with pytest.raises(co.UnboundedError, match="as small as one likes"):
        co.RateMinimizationProblem(co.ratio(co.lower_bound([e]), plain))


def test_multiclass_cross_entropy_of_one_example_keeps_its_shape() -> None:
    """The reference returns a scalar for a batch of one."""
    loss = co.SoftmaxCrossEntropyLoss()
    assert loss.multiclass(tf.zeros([1, 3]), tf.constant([[1.0, 0.0, 1.0]])).shape == (1,)


def test_a_chained_comparison_is_refused_instead_of_halved() -> None:
    rate = co.error_rate(co.rate_context(tf.Variable([0.0]), [1.0]))
    with pytest.raises(TypeError, match="write two constraints"):
        _ = 0.1 <= rate <= 0.3


def test_an_own_loss_needs_a_few_lines() -> None:
    class Squared(co.Loss):
        is_differentiable = True

        def binary(self, scores: tf.Tensor, costs: tf.Tensor) -> tf.Tensor:
            plus, minus = tf.unstack(costs, axis=-1)
            least = tf.minimum(plus, minus)
            above, below = tf.nn.relu(1 + scores) ** 2, tf.nn.relu(1 - scores) ** 2
            return least + (plus - least) * above + (minus - least) * below

    context = co.rate_context(tf.Variable([0.5, -2.0]))
    _, surrogate = values([co.positive_prediction_rate(context, penalty_loss=Squared())])
    assert surrogate[0] == pytest.approx((1.5**2 + 0) / 2)
