"""The numbers the gate decides on, against closed forms."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from tensorflow_model_analysis.metrics import metric_types

from components.fairness_metrics import counts as counting
from components.fairness_metrics import metrics
from fairgate import bounds
from fairgate.constraints.rates import Counts, Group

TWO = {"Young": ["Young", "Not Young"]}
THREE = {"Age": ["Young", "Middle", "Old"]}
DELTA = 0.05

Row = tuple[float, float, str]  # label, probability, group


def inputs(rows: Sequence[Row], feature: str, model: str = "", as_bytes: bool = True):
    """Rows as TFMA hands them to a combiner."""
    for label, probability, group in rows:
        name = np.array([group.encode() if as_bytes else group])
        prediction, labels = np.array([probability], np.float32), np.array([label], np.float32)
        features = {feature: name}
        yield metric_types.StandardMetricInputs(
            {
                "labels": {model: labels} if model else labels,
                "predictions": {model: prediction} if model else prediction,
                "features": features,
                "transformed_features": {model: features} if model else features,
            }
        )


def measure(metric: metric_types.Metric, rows: Sequence[Row], model: str = "") -> float:
    """The metric's value on `rows`, through its own combiner (in two halves) and derivation."""
    [feature] = metric.kwargs["groups"]
    count, derive = metric.computations(model_names=[model] if model else None)
    combiner = count.combiner
    elements = list(inputs(rows, feature, model))
    halves = []
    for half in (elements[::2], elements[1::2]):
        accumulator = combiner.create_accumulator()
        for element in half:
            accumulator = combiner.add_input(accumulator, element)
        halves.append(accumulator)
    merged = combiner.extract_output(combiner.merge_accumulators(halves))
    [(key, value)] = derive.result(merged).items()
    assert key == derive.keys[0] and key.model_name == model
    return value


def value(line: str, rows: Sequence[Row], groups=TWO, model: str = "") -> float:
    return measure(metrics.ConstraintValue(line, groups, name="value"), rows, model)


def bound(line: str, rows: Sequence[Row], groups=TWO, confidence: float = 1 - DELTA) -> float:
    return measure(metrics.ConstraintBound(line, groups, confidence, name="bound"), rows)


def outcomes(group: str, tp: int = 0, fp: int = 0, tn: int = 0, fn: int = 0) -> list[Row]:
    """Rows of one group with these outcomes."""
    return [
        *[(1.0, 0.9, group)] * tp,
        *[(0.0, 0.8, group)] * fp,
        *[(0.0, 0.2, group)] * tn,
        *[(1.0, 0.1, group)] * fn,
    ]


UNEVEN = outcomes("Young", 40, 6, 94, 10) + outcomes("Not Young", 15, 9, 41, 5)


# Values and bounds.


def test_the_gap_is_the_difference_of_the_rates():
    assert value("max_gap(FPR, [Young]) <= 0.05", UNEVEN) == pytest.approx(9 / 50 - 6 / 100)
    assert value("FPR | [Not Young] <= 0.05", UNEVEN) == pytest.approx(9 / 50)
    assert value("ACC >= 0.5", UNEVEN) == pytest.approx((40 + 94 + 15 + 41) / 220)


def test_the_bound_of_one_rate_is_clopper_and_pearsons():
    exact = stats.binomtest(9, 50, alternative="less").proportion_ci(1 - DELTA, "exact").high
    assert bound("FPR | [Not Young] <= 0.05", UNEVEN) == pytest.approx(exact)
    exact = stats.binomtest(9, 50, alternative="greater").proportion_ci(1 - DELTA, "exact").low
    assert bound("FPR | [Not Young] >= 0.05", UNEVEN) == pytest.approx(exact)


def bound_of_difference(k: int, n: int, j: int, m: int) -> float:
    return bounds.upper_bound_of_two(
        bounds.Linear(1, -1), bounds.Trials(k, n), bounds.Trials(j, m), DELTA
    )


def test_the_bound_of_the_gap_is_that_of_both_rates_together():
    found = bound("max_gap(FPR, [Young]) <= 0.05", UNEVEN)
    assert found == pytest.approx(bound_of_difference(9, 50, 6, 100))
    # Below what Clopper and Pearson promise of each rate with half of delta.
    plain = stats.beta.ppf(1 - DELTA / 2, 10, 41) - stats.beta.ppf(DELTA / 2, 6, 95)
    assert value("max_gap(FPR, [Young]) <= 0.05", UNEVEN) < found < plain - 0.03


def test_of_three_groups_the_largest_difference_counts():
    rows = (
        outcomes("Young", 1, 5, 95, 1)
        + outcomes("Middle", 1, 20, 80, 1)
        + outcomes("Old", 1, 12, 88, 1)
    )
    line = "max_gap(FPR, [Age]) <= 0.05"
    assert value(line, rows, THREE) == pytest.approx(0.15)
    assert bound(line, rows, THREE) == pytest.approx(bound_of_difference(20, 100, 5, 100))


group_outcomes = st.tuples(*[st.integers(0, 12)] * 4)


@settings(deadline=None)
@given(st.lists(group_outcomes, min_size=2, max_size=2), st.randoms(use_true_random=False))
def test_value_and_bound_are_those_of_counts_by_numpy_for_any_outcomes(cells, order):
    rows = [
        row for name, cell in zip(TWO["Young"], cells, strict=True) for row in outcomes(name, *cell)
    ]
    order.shuffle(rows)
    labels, answers = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    names = np.array([r[2] for r in rows])
    trials = []
    for name in TWO["Young"]:
        negatives = (names == name) & (labels == 0) if len(rows) else np.zeros(0, bool)
        n, k = int(negatives.sum()), int((answers[negatives] > 0.5).sum())
        trials.append((k, n))
    line = "max_gap(FPR, [Young]) <= 0.05"
    if not all(n for _, n in trials):
        assert math.isnan(value(line, rows)) and math.isnan(bound(line, rows))
        return
    assert value(line, rows) == pytest.approx(
        abs(trials[0][0] / trials[0][1] - trials[1][0] / trials[1][1])
    )
    expected = max(
        bound_of_difference(*trials[0], *trials[1]), bound_of_difference(*trials[1], *trials[0])
    )
    # The second direction's bound is not searched for where the first one's holds for it, too.
    assert expected * (1 - 1e-3) <= bound(line, rows) <= expected + 1e-12
    assert bound(line, rows) >= value(line, rows) - 1e-12


def test_more_confidence_moves_the_bound_away_from_the_value():
    line = "max_gap(FPR, [Young]) <= 0.05"
    bounds = [bound(line, UNEVEN, confidence=c) for c in (0.8, 0.95, 0.999)]
    assert value(line, UNEVEN) < bounds[0] < bounds[1] < bounds[2]


# The decision.


@pytest.mark.parametrize(
    ("probability", "yes"),
    [(0.5, False), (np.nextafter(np.float32(0.5), np.float32(1)), True), (0.0, False), (1.0, True)],
)
def test_a_yes_is_a_probability_above_one_half(probability, yes):
    # sigmoid(0) = 0.5 and a score of 0 is a No in training.
    rows = [(0.0, probability, "Young"), (0.0, 0.1, "Not Young")]
    assert value("FPR | [Young] <= 0.5", rows) == float(yes)


@pytest.mark.parametrize("model", ["", "constrained"])
def test_the_model_is_found_by_its_name(model):
    assert value("FPR | [Young] <= 0.5", UNEVEN, model=model) == pytest.approx(0.06)


# What must block.


def test_a_missing_group_makes_everything_it_belongs_to_unknown():
    rows = outcomes("Young", 5, 2, 8, 5)
    for line in ("max_gap(FPR, [Young]) <= 0.5", "FPR | [Not Young] <= 0.5"):
        assert math.isnan(value(line, rows)) and math.isnan(bound(line, rows))
    assert value("FPR | [Young] <= 0.5", rows) == pytest.approx(0.2)
    assert (
        measure(metrics.FewestNegatives(["max_gap(FPR, [Young]) <= 1"], TWO, name="n"), rows) == 0
    )


def test_no_examples_at_all_are_unknown_too():
    assert math.isnan(value("ACC >= 0.1", []))
    assert math.isnan(bound("max_gap(FPR, [Young]) <= 0.5", []))
    assert measure(metrics.DistinctDecisions(TWO, name="n"), []) == 0


@pytest.mark.parametrize("broken", [(0.0, math.nan, "Young"), (math.nan, 0.3, "Young")])
def test_one_answer_that_is_no_number_makes_its_rates_unknown(broken):
    rows = [*UNEVEN, broken]
    line = "max_gap(FPR, [Young]) <= 0.5"
    assert math.isnan(value(line, rows)) and math.isnan(bound(line, rows))
    assert math.isnan(value("ACC >= 0.1", rows))
    assert math.isnan(value("FPR | [Young] <= 0.5", rows))
    assert value("FPR | [Not Young] <= 0.5", rows) == pytest.approx(9 / 50)
    assert (
        measure(metrics.FewestNegatives(["max_gap(FPR, [Young]) <= 1"], TWO, name="n"), rows) == 0
    )
    assert measure(metrics.DistinctDecisions(TWO, name="n"), rows) < 2


def test_a_group_that_no_setting_names_counts_for_everybody_alone():
    rows = [*UNEVEN, *outcomes("(unknown)", fp=10)]
    assert value("FPR | [Young] <= 0.5", rows) == pytest.approx(6 / 100)
    assert value("FPR <= 0.5", rows) == pytest.approx(25 / 160)


def test_the_fewest_negatives_are_those_of_the_smallest_group():
    assert (
        measure(metrics.FewestNegatives(["max_gap(FPR, [Young]) <= 1"], TWO, name="n"), UNEVEN)
        == 50
    )
    positives_only = outcomes("Young", 5, 2, 8, 5) + outcomes("Not Young", tp=9)
    assert (
        measure(
            metrics.FewestNegatives(["max_gap(FPR, [Young]) <= 1"], TWO, name="n"), positives_only
        )
        == 0
    )


@pytest.mark.parametrize(
    ("rows", "better_than", "useful"),
    [
        (UNEVEN, "commonest", 1),
        (UNEVEN, "nothing", 1),
        (outcomes("Young", 10, 10, 10, 10) * 2, "chance", 0),
        (outcomes("Young", 20, 30, 200, 10), "commonest", 0),  # more false alarms than hits
        (outcomes("Young", 20, 30, 200, 10), "chance", 1),
        (outcomes("Young", 40, 6, 94, 10) + outcomes("Not Young", 9, 9, 9, 9), "chance", 0),
    ],
)
def test_a_model_is_useful_where_that_is_shown(rows, better_than, useful):
    line = "max_gap(FPR, [Young]) <= 1"
    found = metrics.Useful([line], TWO, better_than, confidence=1 - DELTA, name="u")
    assert measure(found, rows) == useful


@pytest.mark.parametrize(
    ("rows", "distinct"),
    [
        (UNEVEN, 2),
        (outcomes("Young", tn=9, fn=3) + outcomes("Not Young", tn=2), 1),
        (outcomes("Young", tp=9, fp=3) + outcomes("Not Young", tp=2), 1),
        (outcomes("Young", tn=9) + outcomes("Not Young", fp=1), 2),
    ],
    ids=["both", "always No", "always Yes", "one Yes"],
)
def test_a_model_that_always_gives_one_answer_has_one_decision(rows, distinct):
    assert measure(metrics.DistinctDecisions(TWO, name="n"), rows) == distinct


# Inside.


def test_equal_counts_are_counted_once():
    first = metrics.ConstraintValue("ACC >= 0.5", TWO, name="a").computations(model_names=["m"])
    second = metrics.FewestNegatives(["max_gap(FPR, [Young]) <= 1"], TWO, name="b").computations(
        model_names=["m"]
    )
    assert first[0] == second[0] and first[0].keys == second[0].keys
    other = metrics.FewestNegatives(["max_gap(FPR, [Age]) <= 1"], THREE, name="b").computations(
        model_names=["m"]
    )
    assert first[0].keys != other[0].keys


def test_groups_given_as_text_or_bytes_are_counted_alike():
    computation = counting.group_counts(TWO, "", "")
    results = []
    for as_bytes in (True, False):
        accumulator = computation.combiner.create_accumulator()
        for element in inputs(UNEVEN, "Young", as_bytes=as_bytes):
            accumulator = computation.combiner.add_input(accumulator, element)
        counts = computation.combiner.extract_output(accumulator)[computation.keys[0]]
        results.append(counts)
    assert results[0] == results[1]
    assert results[0][Group("Young", "Young")] == Counts(40, 6, 94, 10)
    assert results[0][None] == Counts(55, 15, 135, 15)
