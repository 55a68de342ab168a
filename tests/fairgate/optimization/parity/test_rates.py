"""Rates, contexts, denominators and expressions against the reference implementation."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from fairgate.optimization import problems as co
from tests.fairgate.optimization.parity.cases import (
    BINARY_RATES,
    Case,
    Data,
    cases,
    check_values,
    check_variables,
    close,
    loss,
    parameters,
)


def check_rates(make, expected: Case) -> None:
    """`rate <= 0` for every rate and every loss that was recorded, all in one problem."""
    constraints, wanted = [], []
    for name, values in expected.items():
        for key, value in values.items():
            side, _, loss_name = key.partition("_")
            spec = (
                ["hinge", float(loss_name[6:])] if loss_name.startswith("hinge_") else [loss_name]
            )
            constraints.append(make(name, **{f"{side}_loss": loss(spec)}) <= 0)
            wanted.append((side == "penalty", value))
    problem = co.RateMinimizationProblem(co.wrap_rate(0.0), constraints)
    problem.update()
    values = problem.components()
    penalty = np.array([is_penalty for is_penalty, _ in wanted])
    actual = np.where(penalty, values.proxy_constraints, values.constraints)
    close(actual, [value for _, value in wanted])


@pytest.mark.parametrize("case", parameters("2.binary_rates", "2.empty"))
def test_binary_rates_are_those_of_the_reference(case: Case) -> None:
    context = Data(case["inputs"]).contexts[case["inputs"]["context"]]
    assert set(case["expected"]) == set(BINARY_RATES)
    check_rates(lambda name, **a: getattr(co, name)(context, **a), case["expected"])


@pytest.mark.parametrize("case", parameters("2.penalty_gradients"))
def test_gradients_of_penalties_are_those_of_the_reference(case: Case) -> None:
    data = Data(case["inputs"])
    problem = data.problem(case["inputs"])
    problem.update()
    with tf.GradientTape() as tape:
        objective = problem.objective()
    close(objective, case["expected"]["objective"])
    close(tape.gradient(objective, data.scores), case["expected"]["gradient"])


@pytest.mark.parametrize("case", parameters("2.split_context"))
def test_split_contexts_are_those_of_the_reference(case: Case) -> None:
    halves = {
        name: {key: np.asarray(value, np.float32) for key, value in half.items()}
        for name, half in case["inputs"].items()
    }
    penalty, constraint = halves["penalty"], halves["constraint"]
    whole = co.split_rate_context(
        tf.Variable(penalty["scores"]),
        tf.Variable(constraint["scores"]),
        penalty["labels"],
        constraint["labels"],
        penalty["weights"],
        constraint["weights"],
    )
    contexts = {
        "whole": whole,
        "subset": whole.subset(penalty["predicate"], constraint["predicate"]),
    }
    assert whole.is_split
    for where, rates in case["expected"].items():
        check_rates(lambda name, where=where, **a: getattr(co, name)(contexts[where], **a), rates)


def test_before_any_update_the_denominators_are_one() -> None:
    (case,) = cases("2.before_any_update")
    check_values(Data(case["inputs"]).problem(case["inputs"]), case["expected"])


@pytest.mark.parametrize("case", parameters("3.running"))
def test_running_denominators_are_those_of_the_reference(case: Case) -> None:
    inputs = case["inputs"]
    fields = ("scores", "labels", "weights", "hard", "soft")
    whole = co.rate_context(
        lambda batch: batch["scores"], lambda batch: batch["labels"], lambda batch: batch["weights"]
    )
    data = Data(inputs["batches"][0])
    data.contexts = {
        "whole": whole,
        "hard": whole.subset(lambda batch: batch["hard"]),
        "soft": whole.subset(lambda batch: batch["soft"]),
    }
    problem = data.problem(inputs)
    for batch, expected in zip(inputs["batches"], case["expected"]["steps"], strict=True):
        tensors = {field: tf.constant(batch[field], tf.float32) for field in fields}
        problem.update(tensors)
        values = problem.components(tensors)
        close(values.objective, expected["objective"])
        close(values.constraints, expected["constraints"])
        close(values.proxy_constraints, expected["proxy_constraints"])
        running = {tuple(np.round(entry["value"], 4)) for entry in expected["variables"]}
        pairs = zip(
            problem.denominators.sums.numpy(), problem.denominators.rows.numpy(), strict=True
        )
        assert {tuple(np.round(pair, 4)) for pair in pairs} >= running


@pytest.mark.parametrize("case", parameters("4.multiclass"))
def test_multiclass_rates_are_those_of_the_reference(case: Case) -> None:
    inputs = case["inputs"]
    weights = inputs.get("weights")
    context = co.multiclass_rate_context(
        inputs["num_classes"],
        tf.Variable(np.asarray(inputs["scores"], np.float32)),
        np.asarray(inputs["labels"], np.float32),
        None if weights is None else np.asarray(weights, np.float32),
    )
    where = inputs["context"]
    if where != "whole":
        context = context.subset(np.asarray(inputs[where], np.float32))
    for key, positive in inputs["positive_class"].items():

        def make(name, positive=positive, **losses):
            own = {} if name in ("error_rate", "accuracy_rate") else {"positive_class": positive}
            return getattr(co, name)(context, **own, **losses)

        check_rates(make, case["expected"][key])


@pytest.mark.parametrize("case", parameters("4.general"))
def test_general_rates_on_binary_contexts_are_those_of_the_reference(case: Case) -> None:
    context = Data(case["inputs"]).contexts[case["inputs"]["context"]]

    def make(name, **losses):
        own = {} if name in ("error_rate", "accuracy_rate") else {"positive_class": None}
        return getattr(co, name)(context, **own, **losses)

    check_rates(make, case["expected"]["rates"])
    scores = tf.Variable(tf.zeros([4, 3]))
    multiclass = co.multiclass_rate_context(3, scores, np.eye(4, 3, dtype=np.float32))
    attempts = {
        "binary context with positive_class=1": lambda: co.recall(context, 1),
        "multiclass context without positive_class": lambda: co.recall(multiclass),
        "multiclass context, positive_class=3 of 3 classes": lambda: co.recall(multiclass, 3),
        "rate that needs labels on a context without": lambda: co.recall(
            co.rate_context(tf.Variable([0.0]))
        ),
    }
    assert attempts.keys() == case["expected"]["raises"].keys()
    for name, attempt in attempts.items():
        assert case["expected"]["raises"][name] == "ValueError"
        with pytest.raises(ValueError):
            attempt()


@pytest.mark.parametrize("case", parameters("5.expressions"))
def test_expressions_are_those_of_the_reference(case: Case) -> None:
    problem = Data(case["inputs"]).problem(case["inputs"])
    assert problem.num_constraints == case["expected"]["num_constraints"]
    problem.update()
    check_values(problem, case["expected"])


def test_what_the_reference_refuses_is_refused() -> None:
    (case,) = cases("5.refusals")
    context = co.rate_context(tf.Variable([1.0]), np.array([1.0]))
    rate = co.recall(context)
    attempts = {
        "rate * rate": lambda: rate * rate,
        "rate / rate": lambda: rate / rate,
        "number / rate": lambda: 1.0 / rate,
        "wrap_rate(rate)": lambda: co.wrap_rate(rate),
        "objective with a zero-one penalty": lambda: co.RateMinimizationProblem(
            co.error_rate(context, penalty_loss=co.ZeroOneLoss())
        ),
        "negative denominator_lower_bound": lambda: co.RateMinimizationProblem(
            rate, denominator_lower_bound=-1.0
        ),
    }
    assert attempts.keys() == case["expected"].keys()
    errors = {"TypeError": TypeError, "ValueError": ValueError}
    for name, attempt in attempts.items():
        with pytest.raises(errors[case["expected"][name]]):
            attempt()


def assign(problem: co.RateMinimizationProblem, entries: list[Case]) -> None:
    for variable, entry in zip(problem.slacks, entries, strict=True):
        assert variable.name.split(":")[0] == entry["name"].removeprefix("tfco_")
        variable.assign(entry["value"])


@pytest.mark.parametrize("case", parameters("6.ratio_rates"))
def test_ratios_are_those_of_the_reference(case: Case) -> None:
    expected = case["expected"]
    if "raises" in expected or "initial" not in expected:
        pytest.fail(f"not read: {expected}")
    problem = Data(case["inputs"]).problem(case["inputs"])
    assert problem.num_constraints == expected["num_constraints"]
    check_variables(problem, expected["initial"]["variables_before_update"])
    problem.update()
    check_values(problem, expected["initial"])
    for setting in expected["at_set_slack"]:
        assign(problem, setting["set"])
        check_values(problem, setting)
    for clamped in expected["clamped_by_update_ops"]:
        for variable in problem.slacks:
            variable.assign(clamped["assigned"])
        problem.update()
        close([variable.numpy() for variable in problem.slacks], clamped["after_update_ops"])


@pytest.mark.parametrize("case", parameters("7.threshold_rates"))
def test_rates_at_thresholds_are_those_of_the_reference(case: Case) -> None:
    expected = case["expected"]
    if "num_constraints" not in expected:
        return check_refusals(expected)
    problem = Data(case["inputs"]).problem(case["inputs"])
    assert problem.num_constraints == expected["num_constraints"]
    check_variables(problem, expected["initial"]["variables"])
    problem.update()
    check_values(problem, expected["initial"])
    for setting in expected["at_set_variables"]:
        assign(problem, setting["set"])
        check_values(problem, setting)
    for variable, entry in zip(problem.slacks, expected["projections"], strict=True):
        variable.assign(entry["value"])
        problem.project()
        close(variable, entry["value"] if entry["projected"] is None else entry["projected"])
    return None


def check_refusals(expected: Case) -> None:
    pytest.fail(f"not read: {expected}")


@pytest.mark.parametrize("case", parameters("8.bounds"))
def test_bounds_are_those_of_the_reference(case: Case) -> None:
    expected = case["expected"]
    data = Data(case["inputs"])
    if "raises" in expected:
        assert expected["raises"] == "RuntimeError"
        with pytest.raises(RuntimeError):
            data.problem(case["inputs"])
        return
    problem = data.problem(case["inputs"])
    assert problem.num_constraints == expected["num_constraints"]
    check_variables(problem, expected["initial"]["variables"])
    problem.update()
    check_values(problem, expected["initial"])
    for setting in expected["at_set_slack"]:
        assign(problem, setting["set"])
        check_values(problem, setting)
