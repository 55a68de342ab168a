"""The constraint language over contexts: the same values as counting, whatever the constraint."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from components.constrained_optimization import language, linear
from components.constrained_optimization import problems as co
from components.constrained_optimization.errors import ConstraintError, NotTrainableError
from components.constrained_optimization.problems.from_language import from_language
from components.constrained_optimization.rates import Group, count_outcomes

GROUPS = {"G": ["a", "b"]}
A, B = Group("G", "a"), Group("G", "b")
RANDOM = np.random.default_rng(4)
SCORES = RANDOM.normal(size=300).astype(np.float32)
LABELS = (RANDOM.random(300) < 0.4).astype(np.float32)
IN_A = RANDOM.random(300) < 0.3
COUNTS = {
    None: count_outcomes(SCORES > 0, LABELS),
    A: count_outcomes(SCORES > 0, LABELS, IN_A),
    B: count_outcomes(SCORES > 0, LABELS, ~IN_A),
}


def problem_of(text: str) -> co.RateMinimizationProblem:
    context = co.rate_context(tf.Variable(SCORES), LABELS)
    made = from_language(language.parse(text, GROUPS), context, {A: IN_A, B: ~IN_A})
    problem = co.RateMinimizationProblem(co.error_rate(context), made)
    problem.update()
    return problem


@pytest.mark.parametrize(
    "text",
    [
        "FPR | [a] <= 0.1",
        "max_gap(TPR, [G]) <= 0.05",
        "precision >= 0.8",
        "PPV | [b] >= 0.7",
        "0.9 - FDR | [a] >= 0.2",
        "f1 | [a] >= 0.6",
        "min(ACC | [a] / ACC | [b], ACC | [b] / ACC | [a]) >= 0.8",
    ],
)
def test_constraints_that_are_linear_have_the_values_of_the_counts(text: str) -> None:
    problem = problem_of(text)
    assert not problem.slacks
    expected = linear.values(linear.linearize(language.parse(text, GROUPS)), COUNTS)
    np.testing.assert_allclose(problem.constraints(), expected, atol=1e-5)


@pytest.mark.parametrize(
    "text",
    [
        "max_gap(PPV, [G]) <= 0.05",
        "max_gap(F1, [G]) <= 0.05",
        "PPV | [a] + FPR | [b] <= 0.9",
        "precision - max(FPR | [a], FPR | [b]) >= 0.5",
    ],
)
def test_other_constraints_hold_where_slacks_are_tight_exactly_if_they_do(text: str) -> None:
    """The slacks at their best values, found by descent on the largest constraint."""
    constraint = language.parse(text, GROUPS)
    with pytest.raises(NotTrainableError):
        linear.linearize(constraint)
    tight = constraint.value(COUNTS)
    for margin, feasible in ((0.02, True), (-0.02, False)):
        limit = tight + margin if constraint.sense == "<=" else tight - margin
        context = co.rate_context(tf.Variable(SCORES), LABELS)
        made = from_language(constraint.with_limit(limit), context, {A: IN_A, B: ~IN_A})
        problem = co.RateMinimizationProblem(co.error_rate(context), made)
        problem.update()

        best = float(least_violation(problem))
        assert best < 0.0 if feasible else best > 0.0


def least_violation(problem: co.RateMinimizationProblem) -> tf.Tensor:
    """min over the slacks of the largest true constraint, by descent with decaying steps."""

    @tf.function(autograph=False, jit_compile=True)
    def descend() -> tf.Tensor:
        def step(i: tf.Tensor, best: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            with tf.GradientTape() as tape:
                # True rates: the slacks alone move, and they have gradients.
                value = tf.reduce_max(_true(problem))
            gradients = tape.gradient(value, problem.slacks, unconnected_gradients="zero")
            for slack, gradient in zip(problem.slacks, gradients, strict=True):
                slack.assign_sub(0.3 / (1.0 + tf.cast(i, tf.float32) / 20.0) * gradient)
            problem.project()
            return i + 1, tf.minimum(best, value)

        start = (tf.constant(0), tf.constant(np.inf, tf.float32))
        return tf.while_loop(lambda i, _: i < 5000, step, start)[1]

    return descend()


def _true(problem: co.RateMinimizationProblem) -> tf.Tensor:
    from components.constrained_optimization.problems.values import evaluate

    forms = problem._forms.value[2::2]
    return tf.stack(evaluate(forms, problem._evaluation(None)))


def test_what_cannot_be_trained_on_is_refused_in_words() -> None:
    with pytest.raises(NotTrainableError, match="could be made as small"):
        problem_of("min(FPR | [a], FPR | [b]) <= 0.1")
    context = co.rate_context(tf.Variable(SCORES), LABELS)
    with pytest.raises(ValueError, match="no members of the group G=b"):
        from_language(language.parse("FPR | [b] <= 0.1", GROUPS), context, {A: IN_A})
    with pytest.raises(ConstraintError, match="did you mean 'precision'"):
        language.parse("precison >= 0.8", GROUPS)
