"""The reference implementation's printed numbers, and how its notation reads in ours.

`parity.json.gz` holds 669 cases made by running google-research's library at its newest
commit (Python 3.9, TF 2.10.1, numpy 1.23.5); its key `how_to_read` explains the notation.
"""

from __future__ import annotations

import functools
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fairgate.optimization import problems as co

Case = dict[str, Any]

BINARY_RATES = (
    "positive_prediction_rate",
    "negative_prediction_rate",
    "error_rate",
    "accuracy_rate",
    "true_positive_rate",
    "false_negative_rate",
    "false_positive_rate",
    "true_negative_rate",
    "true_positive_proportion",
    "false_negative_proportion",
    "false_positive_proportion",
    "true_negative_proportion",
)


@functools.cache
def load() -> list[Case]:
    path = Path(__file__).with_name("parity.json.gz")
    return json.loads(gzip.decompress(path.read_bytes()))["cases"]


def cases(prefix: str) -> list[Case]:
    """The cases whose id starts with `prefix`; never none."""
    found = [case for case in load() if case["id"].startswith(prefix)]
    assert found, prefix
    return found


def parameters(*prefixes: str) -> list[Any]:
    """The same as test parameters; those of further random data are slow (in sum)."""
    found = [case for prefix in prefixes for case in cases(prefix)]
    return [
        pytest.param(
            case,
            id=case["id"],
            marks=() if ".set0" in case["id"] or ".set" not in case["id"] else pytest.mark.slow,
        )
        for case in found
    ]


def close(actual: Any, expected: Any, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(
        np.asarray(actual), np.asarray(expected), atol=tolerance, rtol=tolerance
    )


def loss(spec: list[Any]) -> co.Loss:
    makers = {
        "zero_one": co.ZeroOneLoss,
        "hinge": co.HingeLoss,
        "softmax": co.SoftmaxLoss,
        "softmax_cross_entropy": co.SoftmaxCrossEntropyLoss,
    }
    return makers[spec[0]](*spec[1:])


class Data:
    """One minibatch of a case, its contexts, and expressions over them."""

    def __init__(self, inputs: Case, scores: Any = None) -> None:
        values = tf.constant(inputs.get("scores", []), tf.float32)
        self.scores = tf.Variable(values)
        predictions = self.scores if scores is None else scores
        weights = inputs.get("weights")
        labels = np.asarray(inputs["labels"], np.float32)
        weights = None if weights is None else np.asarray(weights, np.float32)
        if "num_classes" in inputs:
            size = inputs["num_classes"]
            whole = co.multiclass_rate_context(size, predictions, labels, weights)
        else:
            probabilities = inputs.get("labels_are_probabilities", False)
            whole = co.rate_context(predictions, labels, weights, probabilities)
        self.contexts = {"whole": whole}
        if "hard" in inputs:
            mask = np.asarray(inputs["hard"]) > 0
            self.contexts["hard"] = whole.subset(mask)
            self.contexts["not_hard"] = whole.subset(~mask)
        if "soft" in inputs:
            self.contexts["soft"] = whole.subset(np.asarray(inputs["soft"], np.float32))
        if "hard" in inputs and "soft" in inputs:
            hard, soft = self.contexts["hard"], self.contexts["soft"]
            self.contexts["hard_and_soft"] = hard & soft
            self.contexts["hard_or_soft"] = hard | soft
            self.contexts["nested"] = hard.subset(np.asarray(inputs["soft"], np.float32))

    def expression(self, tree: list[Any]) -> Any:
        kind, *rest = tree
        if kind in ("rate", "ratio_part"):
            return self._rate(kind, rest)
        if kind == "const":
            return rest[0]
        if kind == "wrap":
            return co.wrap_rate(*rest)
        if kind in ("upper_bound", "lower_bound", "sum"):
            parts = [self.expression(part) for part in rest[0]]
            return sum(parts) if kind == "sum" else getattr(co, kind)(parts)
        if kind == "neg":
            return -self.expression(rest[0])
        left, right = (self.expression(x) if isinstance(x, list) else x for x in rest)
        return {
            "add": lambda: left + right,
            "sub": lambda: left - right,
            "mul": lambda: left * right,
            "rmul": lambda: left * right,
            "div": lambda: left / right,
            "le": lambda: left <= right,
            "ge": lambda: left >= right,
        }[kind]()

    def _rate(self, kind: str, rest: list[Any]) -> Any:
        name, *rest = rest
        part = rest.pop(0) if kind == "ratio_part" else None
        context = self.contexts[rest[0]]
        arguments = dict(rest[1]) if len(rest) > 1 else {}
        for key in ("penalty_loss", "constraint_loss"):
            if key in arguments:
                arguments[key] = loss(arguments[key])
        made = getattr(co, name)(context, **arguments)
        return made if part is None else made[part]

    def problem(self, inputs: Case, lower_bound: float = 1e-3) -> co.RateMinimizationProblem:
        return co.RateMinimizationProblem(
            self.expression(inputs["objective"]),
            [self.expression(tree) for tree in inputs.get("constraints", [])],
            inputs.get("denominator_lower_bound", lower_bound),
        )


def check_values(problem: co.ConstrainedProblem, expected: Case) -> None:
    values = problem.components()
    close(values.objective, expected["objective"])
    close(values.constraints, expected["constraints"])
    close(values.proxy_constraints, expected["proxy_constraints"])


def check_variables(problem: co.RateMinimizationProblem, expected: list[Case]) -> None:
    """Names (ours have no prefix), order and values of the trainable variables."""
    wanted = [entry for entry in expected if entry["trainable"]]
    ours = [variable.name.split(":")[0] for variable in problem.slacks]
    assert ours == [entry["name"].removeprefix("tfco_") for entry in wanted]
    for variable, entry in zip(problem.slacks, wanted, strict=True):
        close(variable, entry["value"])
