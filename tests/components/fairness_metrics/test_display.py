"""What TFMA shows of a slice is the same whether its examples come one by one or many at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pytest
from fairness_indicators.fairness_indicators_metrics import FairnessIndicators
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_model_analysis.metrics import (
    confusion_matrix_metrics,
    example_count,
    metric_types,
)

from components.fairness_metrics import display
from components.fairness_metrics.gate import COUNTS, DISPLAY_THRESHOLDS

Row = tuple[float, float, float]  # label, score, weight

ON_THRESHOLDS = [
    float(np.nextafter(np.float32(threshold), np.float32(side)))
    for threshold in DISPLAY_THRESHOLDS
    for side in (0, threshold, 1)
]
scores = st.one_of(st.floats(0, 1, width=32), st.sampled_from(ON_THRESHOLDS), st.just(float("nan")))
rows_of = st.lists(
    st.tuples(st.sampled_from([0.0, 1.0]), scores, st.sampled_from([0.0, 0.25, 1.0, 3.5])),
    min_size=1,
    max_size=30,
)


def element(rows: Sequence[Row]) -> metric_types.StandardMetricInputs:
    """Rows as one element: of one row as TFMA's own extractors have it."""
    labels, probabilities, weights = np.array(rows, np.float32).T
    return metric_types.StandardMetricInputs(
        {
            "labels": {"m": labels},
            "predictions": {"m": probabilities if len(rows) == 1 else probabilities[:, None]},
            "example_weights": {"m": weights},
        }
    )


def results(
    metric: metric_types.Metric,
    elements: Sequence[metric_types.StandardMetricInputs],
    weighted: bool,
) -> dict[metric_types.MetricKey, float]:
    """All that is shown, through the metric's own combiners and derivations."""
    found: dict[metric_types.MetricKey, float] = {}
    for each in metric.computations(model_names=["m"], example_weighted=weighted):
        if isinstance(each, metric_types.MetricComputation):
            sums = each.combiner.create_accumulator()
            for one in elements:
                sums = each.combiner.add_input(sums, one)
            found |= each.combiner.extract_output(each.combiner.merge_accumulators([sums]))
        else:
            found |= each.result(found)
    return {key: value for key, value in found.items() if not key.name.startswith("_")}


def pairs() -> Iterator[tuple[metric_types.Metric, metric_types.Metric]]:
    """TFMA's metric, and the one that takes its place."""
    yield example_count.ExampleCount(), display.NumberOfExamples()
    thresholds = list(DISPLAY_THRESHOLDS)
    yield (
        FairnessIndicators(thresholds=thresholds),
        display.AtThresholds("FairnessIndicators", thresholds),
    )
    for name in COUNTS:
        yield (
            getattr(confusion_matrix_metrics, name)(thresholds=[0.5]),
            display.AtThresholds(name, [0.5]),
        )


def require_equal(
    found: Mapping[metric_types.MetricKey, float], expected: Mapping[metric_types.MetricKey, float]
) -> None:
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, rel=1e-12, abs=0, nan_ok=True), key


@settings(deadline=None)
@given(rows_of, st.integers(1, 29), st.booleans())
def test_all_figures_are_tfmas_however_many_examples_come_at_once(rows, place, weighted):
    one_by_one = [element([row]) for row in rows]
    in_parts = [element(part) for part in (rows[:place], rows[place:]) if part]
    for standard, own in pairs():
        expected = results(standard, one_by_one, weighted)
        assert expected
        require_equal(results(own, one_by_one, weighted), expected)
        require_equal(results(own, in_parts, weighted), expected)
        if not weighted:  # counts are whole numbers, of which no sum is rounded
            assert repr(results(own, in_parts, weighted)) == repr(expected)


@pytest.mark.parametrize("label", [float("nan"), -1.0, 2.0])
def test_a_label_that_tfma_refuses_is_refused_among_many_too(label):
    rows = [(1.0, 0.9, 1.0), (label, 0.3, 1.0), (0.0, 0.4, 1.0)]
    for standard, own in list(pairs())[1:]:
        for metric, elements in (
            (standard, [element([row]) for row in rows]),
            (own, [element(rows)]),
        ):
            with pytest.raises(ValueError, match=r"within \[0, 1\]"):
                results(metric, elements, weighted=False)
