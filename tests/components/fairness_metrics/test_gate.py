"""The gate in TFMA: the validation turns exactly where the bound meets the limit."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
import tensorflow_model_analysis as tfma
from apache_beam.options.pipeline_options import PipelineOptions

from components.fairness_metrics import gate
from fairgate import bounds
from fairgate.constraints import language
from fairgate.constraints.paired import Changes
from fairgate.constraints.rates import Group, count_outcomes
from fairgate.gate import checks
from fairgate.gate.config import GateConfig
from fairgate.gate.judgement import BASELINE, CONSTRAINED
from pipeline.settings import Settings

THREE = {"Age": ["Young", "Middle", "Old"]}
GAP = "max_gap(FPR, [Age]) <= 0.3"


class People:
    """Labels, groups and two models' probabilities of a test split."""

    def __init__(self, n: int = 600, seed: int = 0, groups: Sequence[str] = THREE["Age"]):
        rng = np.random.default_rng(seed)
        self.labels = rng.integers(0, 2, n).astype(np.float32)
        self.groups = np.array(groups)[rng.integers(0, len(groups), n)]
        noise = rng.normal(scale=0.25, size=n)
        self.probabilities = np.clip(0.2 + 0.6 * self.labels + noise, 0, 1).astype(np.float32)
        old = self.groups == "Old"
        self.baseline = np.clip(self.probabilities + 0.2 * old, 0, 1).astype(np.float32)

    def counts(self, probabilities: np.ndarray):
        yes = probabilities > 0.5
        return {None: count_outcomes(yes, self.labels)} | {
            Group("Age", name): count_outcomes(yes, self.labels, self.groups == name)
            for name in THREE["Age"]
        }

    def bound(self, line: str = GAP, confidence: float = 0.95) -> float:
        constraint = language.parse(line, THREE)
        side = bounds.upper_bound if constraint.sense == "<=" else bounds.lower_bound
        return side(constraint.expression, self.counts(self.probabilities), 1 - confidence)


class Evaluation:
    """What a TFMA run left: metrics of each slice and model, and the validation."""

    def __init__(self, folder: str):
        self.validation = tfma.load_validation_result(folder)
        self.results = {
            model: tfma.load_eval_result(folder, model_name=model)
            for model in (CONSTRAINED, BASELINE)
        }

    @property
    def passed(self) -> bool:
        return self.validation.validation_ok

    def overall(self, model: str = CONSTRAINED) -> Mapping[str, float]:
        return self.slice((), model)

    def slice(self, key: tuple, model: str = CONSTRAINED) -> Mapping[str, float]:
        [metrics] = [m for k, m in self.results[model].slicing_metrics if tuple(k) == key]
        return {
            name: float(value["doubleValue"])
            for name, value in metrics[""][""].items()
            if "doubleValue" in value
        }

    @property
    def failures(self) -> set[str]:
        return {
            failure.metric_key.name
            for part in self.validation.metric_validations_per_slice
            for failure in part.failures
        }


@pytest.fixture
def evaluate(tmp_path):
    """Runs TFMA, as Evaluator does, over predictions that are already there."""

    def run(people: People, config: GateConfig, only: set[str] | None = None) -> Evaluation:
        folder = str(tmp_path / f"run-{len(list(tmp_path.iterdir()))}")
        eval_config = gate.eval_config(config, THREE, "label")
        for spec in eval_config.model_specs:
            spec.prediction_key = spec.name
            spec.ClearField("signature_name")
            spec.ClearField("preprocessing_function_names")
        [specs] = eval_config.metrics_specs
        if only is not None:
            kept = [m for m in specs.metrics if m.class_name in only]
            del specs.metrics[:]
            specs.metrics.extend(kept)
        batch = pa.RecordBatch.from_pydict(
            {
                "label": [[x] for x in people.labels.tolist()],
                "Age": [[name.encode()] for name in people.groups],
                CONSTRAINED: [[x] for x in people.probabilities.tolist()],
                BASELINE: [[x] for x in people.baseline.tolist()],
            }
        )
        extractors = tfma.default_extractors(eval_config=eval_config)
        extractors.insert(1, tfma.extractors.Extractor("Groups", beam.Map(_as_preprocessed)))
        with beam.Pipeline(options=PipelineOptions(list(Settings().beam_arguments))) as pipeline:
            _ = (
                pipeline
                | beam.Create([batch])
                | tfma.ExtractEvaluateAndWriteResults(
                    eval_config=eval_config, output_path=folder, extractors=extractors
                )
            )
        return Evaluation(folder)

    return run


def _as_preprocessed(extracts: tfma.Extracts) -> tfma.Extracts:
    """Puts the groups where the model's own signature would: among each model's features."""
    groups = {"Age": extracts["features"]["Age"]}
    models = (CONSTRAINED, BASELINE)
    return extracts | {"transformed_features": {model: groups for model in models}}


DECISIONS = {
    "ConstraintValue",
    "ConstraintBound",
    "AccuracyBound",
    "Useful",
    "FewestNegatives",
    "DistinctDecisions",
}
LENIENT = {"minimum_accuracy": 0.5, "minimum_negatives": 1}


def lenient(*lines: str, **changes) -> GateConfig:
    return GateConfig(**({"constraints": lines or (GAP,)} | LENIENT | changes))


def test_the_whole_configuration_gives_every_number_that_is_shown_and_decided_on(evaluate):
    people = People()
    result = evaluate(people, lenient())
    assert result.passed
    for model, probabilities in (
        (CONSTRAINED, people.probabilities),
        (BASELINE, people.baseline),
    ):
        counts, overall = people.counts(probabilities), result.overall(model)
        rates = [counts[Group("Age", name)].rate("FPR") for name in THREE["Age"]]
        assert overall["fairgate/0/value"] == pytest.approx(max(rates) - min(rates))
        assert overall[checks.ACCURACY] == pytest.approx(counts[None].rate("ACC"))
        assert overall[checks.DISTINCT_DECISIONS] == 2
        fewest = min(counts[Group("Age", name)].negatives for name in THREE["Age"])
        assert overall[checks.FEWEST_NEGATIVES] == fewest
        for name in THREE["Age"]:
            count, of_slice = counts[Group("Age", name)], result.slice((("Age", name),), model)
            assert of_slice["example_count"] == count.examples
            assert of_slice["false_positives"] == count.fp
            assert of_slice["true_negatives"] == count.tn
            for threshold in ("0.22", "0.50", "0.75"):
                key = f"fairness_indicators_metrics/false_positive_rate@{threshold}"
                assert 0 <= of_slice[key] <= 1
            assert of_slice[
                "fairness_indicators_metrics/false_positive_rate@0.50"
            ] == pytest.approx(count.rate("FPR"))
    expected = people.bound()
    assert result.overall()["fairgate/0/bound"] == pytest.approx(expected)


def test_the_decision_turns_exactly_where_a_bound_meets_its_limit(evaluate):
    people = People()
    people.baseline[:] = 0.9  # whatever the baseline does
    above, below, tiny = people.bound(), people.bound("TPR | [Old] >= 0.5"), 1e-6
    lines = (
        f"max_gap(FPR, [Age]) <= {above + tiny:.9f}",
        f"max_gap(FPR, [Age]) <= {above - tiny:.9f}",
        f"TPR | [Old] >= {below - tiny:.9f}",
        f"TPR | [Old] >= {below + tiny:.9f}",
    )
    result = evaluate(people, lenient(*lines), only=DECISIONS)
    assert not result.passed
    assert result.failures == {"fairgate/1/bound", "fairgate/3/bound"}
    overall = result.overall()
    assert overall["fairgate/0/bound"] == overall["fairgate/1/bound"] == pytest.approx(above)
    assert overall["fairgate/2/bound"] == pytest.approx(below)
    assert overall["fairgate/2/value"] > below


def test_every_other_demand_blocks_by_itself(evaluate):
    # The gap's own limit holds: at this confidence alone it does not.
    config = lenient(minimum_accuracy=0.99, minimum_negatives=1000, confidence=0.999999, limit=0.2)
    people = People()
    assert people.bound(confidence=0.95) < 0.2 < people.bound(confidence=0.999999)
    result = evaluate(people, config, only=DECISIONS)
    assert result.failures == {
        checks.ACCURACY_BOUND,
        checks.FEWEST_NEGATIVES,
        "fairgate/0/bound",
    }
    assert not result.passed


def test_a_missing_group_blocks(evaluate):
    people = People(groups=["Young", "Middle"])
    result = evaluate(people, lenient(limit=1.0), only=DECISIONS)
    assert not result.passed
    assert math.isnan(result.overall()["fairgate/0/bound"])
    assert result.failures == {"fairgate/0/bound", checks.FEWEST_NEGATIVES}


def test_one_prediction_that_is_no_number_blocks(evaluate):
    people = People()
    people.probabilities[7] = math.nan
    result = evaluate(people, lenient(limit=1.0, minimum_accuracy=0.0), only=DECISIONS)
    assert not result.passed
    assert result.failures >= {"fairgate/0/bound", checks.ACCURACY, checks.DISTINCT_DECISIONS}


def test_a_model_that_always_says_no_blocks(evaluate):
    people = People()
    people.probabilities[:] = 0.1
    config = lenient(limit=1.0, minimum_accuracy=0.0)
    result = evaluate(people, config, only=DECISIONS)
    assert not result.passed and result.failures == {checks.DISTINCT_DECISIONS, checks.USEFUL}
    assert result.overall()["fairgate/0/bound"] < 0.1  # its gap alone would pass


def test_a_model_that_guesses_is_blocked_by_a_bound_of_its_use(evaluate):
    people = People()
    people.probabilities = np.random.default_rng(3).random(600).astype(np.float32)
    for better_than, failures in (
        ("commonest", {checks.USEFUL}),
        ("chance", {checks.USEFUL}),
        ("nothing", set()),
    ):
        config = lenient(limit=1.0, minimum_accuracy=0.0, better_than=better_than)
        assert evaluate(people, config, only=DECISIONS).failures == failures


def test_a_change_against_the_baseline_is_bounded_over_the_answers_that_differ(evaluate):
    people = People()
    old = Group("Age", "Old")
    own, other = people.probabilities > 0.5, people.baseline > 0.5
    yes, of_old = people.labels == 1, people.groups == "Old"
    counts = people.counts(people.probabilities)
    changes = Changes(
        *(int((a & b & of_old).sum()) for b in (yes, ~yes) for a in (own & ~other, other & ~own))
    )
    counts[old] = dataclasses.replace(counts[old], against=changes)
    line = "FNR | [Old] <= baseline + 0.5"
    constraint = language.parse(line, THREE)
    upper = bounds.upper_bound(constraint.expression, counts, 0.05)
    assert changes.lost_tp > 0 < upper  # the baseline says Yes to the old more often
    for limit, failures in ((upper + 1e-6, set()), (upper - 1e-6, {"fairgate/0/bound"})):
        result = evaluate(people, lenient(f"FNR | [Old] <= baseline + {limit:.9f}"))
        assert result.failures == failures
        overall = result.overall()
        assert overall["fairgate/0/bound"] == pytest.approx(upper)
        assert overall["fairgate/0/value"] == pytest.approx(constraint.value(counts))
        of_slice = result.slice((("Age", "Old"),))
        for field in dataclasses.fields(Changes):
            assert of_slice[f"{checks.CHANGED}{field.name}"] == getattr(changes, field.name)


def test_an_accuracy_floor_is_held_by_its_bound(evaluate):
    people = People()
    right, n = people.counts(people.probabilities)[None].trials("ACC")
    lower = bounds.clopper_pearson_lower(right, n, 0.05)
    for floor, failures in ((lower + 1e-6, {checks.ACCURACY_BOUND}), (lower - 1e-6, set())):
        config = lenient(limit=1.0, minimum_accuracy=floor)
        assert evaluate(people, config, only=DECISIONS).failures == failures


def test_negatives_are_counted_where_a_constraint_needs_them(evaluate):
    config = lenient("max_gap(TPR, [Age]) <= 1", minimum_negatives=1000)
    assert evaluate(People(), config, only=DECISIONS).passed


def test_a_gate_without_constraints_cannot_be_made():
    with pytest.raises(ValueError, match="no constraint is given"):
        GateConfig(constraints=())
