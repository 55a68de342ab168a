"""Rates on minibatches, with running denominators."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from components.constrained_optimization.expressions import RateOf
from components.constrained_optimization.language import parse
from components.constrained_optimization.linear import LinearConstraint, linearize, values
from components.constrained_optimization.rate_problem import RateProblem
from components.constrained_optimization.rates import ALIASES, Group, count_outcomes

A, B = Group("F", "a"), Group("F", "b")
GROUPS = {"F": ["a", "b"]}


def constant(values):
    return tf.constant(values, tf.float32)


def single(*rates):
    """One constraint 'rate <= 0' per rate."""
    return [LinearConstraint(((rate, 1.0),), 0.0) for rate in rates]


def weights_of(case):
    return None if case["weights"] is None else constant(case["weights"])


def minibatch(n=64, seed=0):
    rng = np.random.default_rng(seed)
    members = np.eye(2)[rng.integers(0, 2, n)]
    return [constant(a) for a in (rng.normal(size=n), rng.integers(0, 2, n), members)]


def test_true_constraints_on_one_batch_are_the_values_on_its_counts():
    constraints = linearize(parse("max_gap(FPR, [F]) <= 0.05", GROUPS))
    constraints += linearize(parse("ACC | [a] / PPR >= 0.8", GROUPS))
    scores, labels, members = minibatch()
    problem = RateProblem(constraints, [A, B])
    problem.update_denominators(labels, members)
    decided, y, m = scores.numpy() > 0, labels.numpy(), members.numpy()
    counts = {None: count_outcomes(decided, y)}
    counts |= {g: count_outcomes(decided, y, m[:, i]) for i, g in enumerate([A, B])}
    measured = problem(scores, labels, members)
    np.testing.assert_allclose(measured.constraints, values(constraints, counts), atol=1e-6)


def test_costs_are_added_up_before_the_loss():
    # TPR + FNR is 1 whatever the scores, so nothing may be left for the hinge to follow.
    problem = RateProblem(
        [LinearConstraint(((RateOf("TPR"), 1.0), (RateOf("FNR"), 1.0)), -1.0)], [A, B]
    )
    scores, labels, members = minibatch()
    problem.update_denominators(labels, members)
    with tf.GradientTape() as tape:
        tape.watch(scores)
        proxy = problem(scores, labels, members).proxy_constraints
    np.testing.assert_allclose(proxy, [0.0], atol=1e-6)
    np.testing.assert_allclose(tape.gradient(proxy, scores), np.zeros(64), atol=1e-7)


def test_the_objective_is_the_log_loss():
    problem = RateProblem([], [], objective="cross_entropy")
    scores, labels, members = minibatch()
    problem.update_denominators(labels, members[:, :0])
    expected = tf.nn.sigmoid_cross_entropy_with_logits(labels, scores)
    result = problem(scores, labels, members[:, :0])
    np.testing.assert_allclose(result.objective, tf.reduce_mean(expected), rtol=1e-6)
    assert result.constraints.shape == result.proxy_constraints.shape == (0,)


def test_denominators_are_averaged_over_all_batches():
    problem = RateProblem(single(RateOf("FPR", A)), [A])
    labels, everyone = constant([0, 0, 1, 0]), tf.ones((4, 1))
    problem.update_denominators(labels, everyone)
    np.testing.assert_allclose(problem.denominators, [[1, 0.25, 0.75]] * 2)
    problem.update_denominators(constant([1, 1, 1, 1]), tf.zeros((4, 1)))
    np.testing.assert_allclose(
        problem.denominators, [[0.5, 0.125, 0.375], [1, 0.625, 0.375]], rtol=1e-6
    )


def test_rows_of_weight_zero_are_padding():
    constraints = linearize(parse("max_gap(FPR, [F]) <= 0.05", GROUPS))
    plain, padded = (RateProblem(constraints, [A, B]) for _ in range(2))
    scores, labels, members = minibatch(48)
    plain.update_denominators(labels, members)
    expected = plain(scores, labels, members)
    more = [tf.concat([a, a[:16]], axis=0) for a in (scores, labels, members)]
    weights = tf.concat([tf.ones(48), tf.zeros(16)], axis=0)
    padded.update_denominators(*more[1:], weights)
    for ours, theirs in zip(padded(*more, weights), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_a_lower_bound_of_zero_survives_a_group_that_was_never_seen():
    problem = RateProblem(single(RateOf("FPR", A)), [A], denominator_lower_bound=0)
    labels, nobody = constant([0, 1]), tf.zeros((2, 1))
    problem.update_denominators(labels, nobody)
    result = problem(constant([1, -1]), labels, nobody)
    np.testing.assert_array_equal(result.constraints, [0.0])
    np.testing.assert_allclose(result.objective, 2.0)


def test_compiled_and_plain_graphs_agree_with_eager():
    constraints = linearize(parse("max_gap(FPR, [F]) <= 0.05", GROUPS))
    batches = [minibatch(seed=seed) for seed in range(2)]
    results = []
    for wrap in (lambda f: f, tf.function, lambda f: tf.function(f, jit_compile=True)):
        problem = RateProblem(constraints, [A, B])

        def step(scores, labels, members, problem=problem):
            problem.update_denominators(labels, members)
            return problem(scores, labels, members)

        run = wrap(step)
        results.append([np.concatenate([np.ravel(v) for v in run(*b)]) for b in batches])
    np.testing.assert_allclose(results[1], results[0], atol=1e-6)
    np.testing.assert_allclose(results[2], results[0], atol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RateProblem(single(RateOf("FPR", B)), [A]), "needs the group F=b"),
        (lambda: RateProblem([], [A, A]), "twice"),
        (lambda: RateProblem([], [A], objective="mse"), "objective"),
        (lambda: RateProblem([], [A], denominator_lower_bound=-1), "denominator_lower_bound"),
        (lambda: RateProblem([], [A])(tf.zeros((2, 1)), tf.zeros(2), tf.zeros((2, 1))), "squeeze"),
        (lambda: RateProblem([], [A])(tf.zeros(2), tf.zeros(2), tf.zeros((2, 2))), "F=a"),
        (lambda: RateProblem([], [])(tf.zeros(2), tf.zeros((2, 1)), tf.zeros((2, 0))), "labels"),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_rates_are_those_of_the_reference(reference):
    for case in reference["rates"]:
        names = list(case["expected"])
        problem = RateProblem(single(*(RateOf(ALIASES[name], A) for name in names)), [A])
        labels, members = constant(case["labels"]), constant(case["members"])[:, tf.newaxis]
        problem.update_denominators(labels, members, weights_of(case))
        result = problem(constant(case["scores"]), labels, members, weights_of(case))
        ours = np.stack([result.constraints, result.proxy_constraints], axis=1)
        theirs = [case["expected"][name] for name in names]
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5, err_msg=case["id"])


def test_gradients_are_those_of_the_reference(reference):
    for case in reference["gradients"]:
        problem = RateProblem(single(RateOf(ALIASES[case["rate"]], A)), [A])
        scores, labels = constant(case["scores"]), constant(case["labels"])
        members = constant(case["members"])[:, tf.newaxis]
        problem.update_denominators(labels, members, weights_of(case))
        with tf.GradientTape() as tape:
            tape.watch(scores)
            proxy = problem(scores, labels, members, weights_of(case)).proxy_constraints[0]
        np.testing.assert_allclose(proxy, case["objective"], rtol=1e-5)
        np.testing.assert_allclose(
            tape.gradient(proxy, scores), case["gradient"], rtol=1e-5, atol=1e-5
        )


def test_before_any_update_denominators_are_one(reference):
    case = reference["before_any_update"]
    problem = RateProblem(single(RateOf("FPR", A)), [A])
    result = problem(
        constant(case["scores"]),
        constant(case["labels"]),
        constant(case["hard"])[:, tf.newaxis],
        weights_of(case),
    )
    for ours, name in zip(result, ("objective", "proxy_constraints", "constraints"), strict=True):
        np.testing.assert_allclose(ours, case[name], rtol=1e-5)


def test_running_denominators_are_those_of_the_reference(reference):
    for case in reference["running"]:
        problem = RateProblem(
            single(RateOf("FPR", A), RateOf("TPR", B)),
            [A, B],
            denominator_lower_bound=case["denominator_lower_bound"],
        )
        for batch, expected in zip(case["batches"], case["steps"], strict=True):
            scores, labels = constant(batch["scores"]), constant(batch["labels"])
            members = constant(np.clip(np.stack([batch["hard"], batch["soft"]], 1), 0, 1))
            problem.update_denominators(labels, members, weights_of(batch))
            result = problem(scores, labels, members, weights_of(batch))
            for name, theirs in expected.items():
                ours = getattr(result, name)
                np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5, err_msg=case["id"])
