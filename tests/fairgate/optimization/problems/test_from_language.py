"""The constraint language over contexts: the same values as counting, whatever the constraint."""

from __future__ import annotations

from statistics import NormalDist

import keras
import numpy as np
import pytest
import tensorflow as tf

from fairgate.constraints import classes, language, linear
from fairgate.constraints.curves import Scored, scored_groups
from fairgate.constraints.errors import ConstraintError, NotTrainableError
from fairgate.constraints.expressions import violations
from fairgate.constraints.rates import Group, count_outcomes
from fairgate.optimization import problems as co
from fairgate.optimization import trainable
from fairgate.optimization.games import Lagrangian
from fairgate.optimization.problems.from_language import from_language
from fairgate.optimization.training import ConstrainedOptimizer

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
    expected = violations(trainable.pieces(language.parse(text, GROUPS)), COUNTS)
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
    for margin, feasible in ((0.02, True), (-0.01, False)):  # of a gap, no limit is under 0
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
    from fairgate.optimization.problems.values import evaluate

    forms = problem._forms.value[2::2]
    return tf.stack(evaluate(forms, problem._evaluation(None)))


@pytest.mark.parametrize(
    "text",
    [
        "min(FPR | [a], FPR | [b]) <= 0.1",
        "max(TPR | [a], TPR | [b]) >= 0.9",
        "max(FPR | [a], FPR | [b]) - max(FNR, ACC | [a]) >= -0.3",
        "0.3 + min(FPR | [a], 2 * FNR) - FPR <= 0.4",
        "abs(FPR | [a] - FPR | [b]) >= 0.1",
    ],
)
def test_one_of_several_suffices_where_the_constraint_says_so(text: str) -> None:
    """min kept low, max kept high: the value of the counts, but for slacks of what is kept in."""
    constraint = language.parse(text, GROUPS)
    problem = problem_of(text)
    values = problem.components()
    # The penalty side bounds it from above, and can be followed.
    assert values.proxy_constraints[0] >= values.constraints[0] - 1e-5
    if not problem.slacks:
        expected = constraint.violation(constraint.value(COUNTS))
        np.testing.assert_allclose(values.constraints, [expected], atol=1e-5)
    else:
        assert problem.num_constraints == 3
    assert problem.constraint_names[0] == text


@pytest.mark.parametrize(
    ("measure", "sense"),
    [
        ("AUC", ">="),
        ("AUC", "<="),
        ("recall_at_precision(0.8)", ">="),
        ("precision_at_recall(0.6)", ">="),
        ("precision_at_recall(0.6)", "<="),
    ],
)
def test_curves_at_their_best_thresholds_have_the_values_of_the_scores(measure, sense) -> None:
    """Of all thresholds at which the extra constraints hold, the best one has the measured value."""
    quantiles = NormalDist()
    scores = [quantiles.inv_cdf((i + 0.5) / 100) + shift for shift in (1, -1) for i in range(100)]
    scores, labels = np.array(scores, np.float32), np.repeat([1.0, 0.0], 100)
    constraint = language.parse(f"{measure} {sense} 0.5", {})
    measured = Scored(scores, labels).curve(*curve_of(constraint))
    context = co.rate_context(tf.Variable(scores), labels)
    problem = co.RateMinimizationProblem(
        co.error_rate(context), from_language(constraint, context, {})
    )
    problem.update()
    (thresholds,) = [slack for slack in problem.slacks if "threshold" in slack.name]
    others = [slack for slack in problem.slacks if "threshold" not in slack.name]
    if measure == "AUC":  # all of them at once, each at its false positive rate
        rates = (np.arange(20) + 0.5) / 20
        tried = [np.quantile(scores[100:], 1 - rates)]
    else:
        tried = np.linspace(-2, 3, 51)
    found = []
    for threshold in tried:
        thresholds.assign(threshold)
        for slack in others:
            slack.assign((scores[100:] > threshold).mean())
        values = problem.constraints().numpy()
        if (values[1:] <= 0.01).all():
            found.append(0.5 - values[0] if sense == ">=" else values[0] + 0.5)
    best = max(found) if sense == ">=" else min(found)
    assert best == pytest.approx(measured, abs=0.05)


def curve_of(constraint) -> tuple[str, float | None]:
    return constraint.expression.measure, constraint.expression.target


def test_a_constraint_on_an_area_trains_a_model_that_keeps_it() -> None:
    """Ranking group a by the second feature costs accuracy elsewhere: without, its AUC is 0.5."""
    random = np.random.default_rng(2)
    features = random.normal(size=(600, 2)).astype(np.float32)
    in_a = np.arange(600) < 150
    labels = (features[np.arange(600), in_a.astype(int)] > 0).astype(np.float32)
    w = tf.Variable([1.0, 0.0])
    context = co.rate_context(lambda: tf.reduce_sum(features * w, axis=1), labels)
    constraint = language.parse("AUC | [a] >= 0.75", GROUPS)
    problem = co.RateMinimizationProblem(
        co.error_rate(context), from_language(constraint, context, {A: in_a}, bins=5)
    )

    def decaying(rate: float) -> keras.optimizers.schedules.LearningRateSchedule:
        return keras.optimizers.schedules.InverseTimeDecay(rate, 500, 1)

    game = Lagrangian(problem.num_constraints, optimizer=keras.optimizers.SGD(decaying(0.1)))
    players = ConstrainedOptimizer(problem, game, keras.optimizers.Adam(decaying(0.02)), [w])

    @tf.function(autograph=False, jit_compile=True)
    def train() -> None:
        def step(i: tf.Tensor) -> tuple[tf.Tensor]:
            players.minimize()
            return (i + 1,)

        tf.while_loop(lambda i: i < 4000, step, (tf.constant(0),))

    def area() -> float:
        split = scored_groups(features @ w.numpy(), labels, {A: in_a})
        return constraint.value(split)

    assert area() < 0.55
    train()
    assert area() == pytest.approx(0.75, abs=0.02)
    assert (labels == (features @ w.numpy() > 0)).mean() > 0.75


def test_what_cannot_be_trained_on_is_refused_in_words() -> None:
    with pytest.raises(NotTrainableError, match="a divisor must never be negative"):
        problem_of("max(FPR / (TPR - FNR), 0) + ACC <= 1")
    with pytest.raises(NotTrainableError, match="no classifier can meet it"):
        problem_of("max(FPR, FNR) >= 2")
    context = co.rate_context(tf.Variable(SCORES), LABELS)
    with pytest.raises(ValueError, match="no members of the group G=b"):
        from_language(language.parse("FPR | [b] <= 0.1", GROUPS), context, {A: IN_A})
    with pytest.raises(ConstraintError, match="did you mean 'precision'"):
        language.parse("precison >= 0.8", GROUPS)


def test_rates_of_classes_have_the_values_of_the_counts() -> None:
    names = ["low", "mid", "high"]
    scores = RANDOM.normal(size=(300, 3)).astype(np.float32)
    labels = RANDOM.integers(3, size=300)
    said = scores.argmax(axis=1)
    members = {None: np.ones(300, bool), A: IN_A, B: ~IN_A}
    tables = {group: classes.confusion(labels[m], said[m], 3) for group, m in members.items()}
    counts = classes.outcomes(tables, names)
    groups = GROUPS | {classes.CLASSES: names}
    context = co.multiclass_rate_context(3, tf.Variable(scores), labels.astype(np.float32))
    for text in (
        "max_gap(TPR(high), [G]) <= 0.01",
        "max_gap(ERR, [G]) <= 0.001",
        "ACC >= 0.9",
        "ACC(mid) | [a] >= 0.99",
        "ERR(low) <= 0.01",
        "FPR(low) | [b] <= 0.1",
        "PPR(mid) - PPR(high) <= -0.5",
        "PPV(high) >= 0.8",
    ):
        constraint = language.parse(text, groups)
        made = from_language(constraint, context, {A: IN_A, B: ~IN_A}, classes=names)
        problem = co.RateMinimizationProblem(co.error_rate(context), made)
        problem.update()
        expected = violations(trainable.pieces(constraint), counts)
        np.testing.assert_allclose(problem.constraints(), expected, atol=1e-5)
    with pytest.raises(ValueError, match="no class 'high'"):
        from_language(language.parse("TPR(high) >= 0.5", groups), context, {}, classes=["low"])
