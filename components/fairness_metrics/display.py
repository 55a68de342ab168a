"""What TFMA shows of slices, counted for many examples at once: its own metrics, under its own names.

TFMA's metrics call Python some ten times for each example, slice and model. Here a call adds all of an
element's examples (see `rows`), and what is derived of the sums is TFMA's.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
from fairness_indicators.fairness_indicators_metrics import FairnessIndicators
from numpy.typing import NDArray
from tensorflow_model_analysis.metrics import (
    binary_confusion_matrices,
    confusion_matrix_metrics,
    metric_types,
    metric_util,
)
from tensorflow_model_analysis.proto import config_pb2

EXAMPLE_COUNT = "example_count"
_STANDARD = {
    "FairnessIndicators": FairnessIndicators,
    "TruePositives": confusion_matrix_metrics.TruePositives,
    "FalsePositives": confusion_matrix_metrics.FalsePositives,
    "TrueNegatives": confusion_matrix_metrics.TrueNegatives,
    "FalseNegatives": confusion_matrix_metrics.FalseNegatives,
}


class AtThresholds(metric_types.Metric):
    """One of TFMA's metrics that are derived from confusion matrices."""

    def __init__(self, metric: str, thresholds: Sequence[float]):
        """Args:
        metric: name of TFMA's class.
        thresholds: of the scores; above is a Yes.
        """
        super().__init__(_at_thresholds, metric=metric, thresholds=thresholds)


class NumberOfExamples(metric_types.Metric):
    """TFMA's `example_count`: the examples, or the sum of their weights."""

    def __init__(self, name: str = EXAMPLE_COUNT):
        """Args: name: key of the metric in evaluation results."""
        super().__init__(_number_of_examples, name=name)


for _metric in (AtThresholds, NumberOfExamples):
    metric_types.register_metric(_metric)


def _at_thresholds(
    metric: str,
    thresholds: Sequence[float],
    eval_config: config_pb2.EvalConfig | None = None,
    model_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    example_weighted: bool = False,
) -> metric_types.MetricComputations:
    standard = _STANDARD[metric](thresholds=list(thresholds)).computations(
        eval_config=eval_config,
        model_names=model_names,
        output_names=output_names,
        example_weighted=example_weighted,
    )
    counted = [
        computation
        for model_name in model_names or [""]
        for output_name in output_names or [""]
        for computation in binary_confusion_matrices.binary_confusion_matrices(
            thresholds=list(thresholds),
            eval_config=eval_config,
            model_name=model_name,
            output_name=output_name,
            example_weighted=example_weighted,
            extract_label_prediction_and_weight=functools.partial(
                _totals, thresholds=tuple(thresholds)
            ),
        )
    ]
    # The sums are under the names that the standard metric derives its figures from.
    return [
        *(c for c in counted if isinstance(c, metric_types.MetricComputation)),
        *(c for c in standard if isinstance(c, metric_types.DerivedMetricComputation)),
    ]


def _totals(
    inputs: metric_types.StandardMetricInputs, thresholds: Sequence[float], **arguments: Any
) -> Iterator[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]:
    """Label, prediction and weight, each (1,), of all examples alike: one label, between two thresholds.

    Raises:
      ValueError: a label is none of a binary metric, as TFMA says of one example.
    """
    label, prediction, weight = _arrays(inputs, **arguments)
    strange = label[~((label >= 0) & (label <= 1))]
    if strange.size:
        raise ValueError(
            f"{strange.size} of {label.size} labels, {strange[0]} among them, are not within [0, 1]: "
            "binary metrics know no other. Let the model's signature `slices` give a label of 0 or 1"
        )
    # A prediction that is no number is above none, as in comparisons.
    above = (prediction[:, np.newaxis] > np.array(thresholds)).sum(axis=1)
    places, first = np.unique(above, return_index=True)
    # TFMA's labels may be anything from 0 to 1, and count for both then.
    for positive, share in ((0.0, 1.0 - label), (1.0, label)):
        totals = np.bincount(above, weight * share, len(thresholds) + 1)
        for place, row in zip(places, first, strict=True):
            if totals[place] != 0:
                yield np.array([positive]), prediction[[row]], totals[[place]]


def _arrays(
    inputs: metric_types.StandardMetricInputs, **arguments: Any
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """(examples,) labels, predictions (the first of several) and weights, as TFMA looks them up."""
    whole = {"flatten": False, "squeeze": False, "fractional_labels": False}
    [found] = metric_util.to_label_prediction_example_weight(inputs, **arguments | whole)
    label, prediction, weight = (np.asarray(each, np.float64) for each in found)
    first = prediction.reshape(label.size, -1)[:, 0]
    return label.ravel(), first, np.broadcast_to(weight.ravel(), label.size)


def _number_of_examples(
    name: str,
    eval_config: config_pb2.EvalConfig | None = None,
    model_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    example_weighted: bool = False,
) -> metric_types.MetricComputations:
    keys = [
        metric_types.MetricKey(
            name=name,
            model_name=model_name,
            output_name=output_name,
            example_weighted=example_weighted,
        )
        for model_name in model_names or [""]
        for output_name in output_names or [""]
    ]
    return [
        metric_types.MetricComputation(
            keys=[key], preprocessors=None, combiner=_SumOfWeights(key, eval_config)
        )
        for key in keys
    ]


class _SumOfWeights(beam.CombineFn):
    """Accumulator: a float."""

    def __init__(self, key: metric_types.MetricKey, eval_config: config_pb2.EvalConfig | None):
        self._key = key
        self._eval_config = eval_config

    def create_accumulator(self) -> float:
        return 0.0

    def add_input(self, accumulator: float, element: metric_types.StandardMetricInputs) -> float:
        _, _, weights = _arrays(
            element,
            eval_config=self._eval_config,
            model_name=self._key.model_name,
            output_name=self._key.output_name,
            example_weighted=self._key.example_weighted,
        )
        return accumulator + float(weights.sum())

    def merge_accumulators(self, accumulators: Iterable[float]) -> float:
        return sum(accumulators)

    def extract_output(self, accumulator: float) -> dict[metric_types.MetricKey, float]:
        return {self._key: accumulator}
