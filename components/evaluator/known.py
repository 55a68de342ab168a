"""What is known of a judgement before the test split is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tensorflow_model_analysis.proto import config_pb2
from tfx import types

from components.example_gen.splits import SIZES, TEST, TEST_SIZES
from components.model_properties import VALIDATION
from fairgate.bounds import clopper_pearson_upper
from fairgate.constraints import classes, language
from fairgate.constraints.rates import Counts, Group
from fairgate.gate import requirements


def out_of_reach(
    config: config_pb2.EvalConfig,
    examples: types.Artifact,
    model: types.Artifact,
    confidence: float,
) -> str:
    """Why the model cannot pass, in words; empty where that is not known.

    Args:
      config: the gate, see `fairness_metrics.gate`.
      examples: with the numbers of examples of the test split (`test_sizes`), as ImportExampleGen
        writes them: these are denominators, and say nothing of any model.
      model: with its error rate on the validation split, as the trainer writes it.
      confidence: of the gate.
    """
    asked = {metric.class_name: metric for metric in _metrics(config)}
    said = [
        *_too_few(
            asked.get("FewestNegatives"),
            examples.get_string_custom_property(TEST_SIZES),
            examples.get_string_custom_property(SIZES),
        ),
        *_too_inaccurate(
            asked.get("AccuracyBound"), model.get_string_custom_property(VALIDATION), confidence
        ),
    ]
    return "; ".join(said)


def _too_few(metric: config_pb2.MetricConfig | None, sizes: str, of_splits: str) -> Iterator[str]:
    if metric is None or not sizes:
        return
    arguments = json.loads(metric.config)
    constraints = [language.parse(line, arguments["groups"]) for line in arguments["constraints"]]
    names = classes.classes_of(arguments["groups"])
    counts: dict[Group | None, Counts] = {}
    if names:
        everybody = json.loads(of_splits)[TEST]["everybody"]
        for seen, positives, negatives in classes.sizes(None, everybody, names):
            counts[seen] = Counts(tp=positives, fp=0, tn=negatives, fn=0)
    for feature, members in json.loads(sizes).items():
        for name, by_label in members.items():
            group = Group(feature, name)
            if not names:
                counts[group] = Counts(tp=by_label[1], fp=0, tn=by_label[0], fn=0)
                continue
            for seen, positives, negatives in classes.sizes(group, by_label, names):
                counts[seen] = Counts(tp=positives, fp=0, tn=negatives, fn=0)
    minimum = int(_threshold(metric))
    for row in requirements.enough_examples(minimum, constraints, arguments["groups"], counts):
        if not row.passed:
            yield row.reason


def _too_inaccurate(
    metric: config_pb2.MetricConfig | None, validation: str, confidence: float
) -> Iterator[str]:
    if metric is None or not validation:
        return
    found: dict[str, Any] = json.loads(validation)
    n, floor = found["examples"], _threshold(metric)
    right = round(n * (1 - found["error_rate"]))
    most = clopper_pearson_upper(right, n, round(1 - confidence, 12))
    if most < floor:
        yield (
            f"gate.minimum_accuracy = {floor:g} is out of reach: the validation split, on which the "
            f"model was chosen, shows an accuracy of at most {most:.4f} ({right:,} of {n:,} right)"
        )


def _threshold(metric: config_pb2.MetricConfig) -> float:
    [per_slice] = metric.per_slice_thresholds
    return per_slice.threshold.value_threshold.lower_bound.value


def _metrics(config: config_pb2.EvalConfig) -> Iterator[config_pb2.MetricConfig]:
    for specs in config.metrics_specs:
        yield from specs.metrics
