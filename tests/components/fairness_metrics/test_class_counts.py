"""What the gate counts where the label has several classes."""

from __future__ import annotations

import numpy as np
import pytest
from tensorflow_model_analysis.metrics import metric_types

from components.fairness_metrics import class_counts, metrics
from components.fairness_metrics.gate import eval_config
from components.features import SLICES_LABEL
from fairgate.constraints.classes import CLASSES, changes, confusion, outcomes
from fairgate.constraints.rates import Counts, Group
from fairgate.gate import checks
from fairgate.gate.config import GateConfig

NAMES = ["low", "mid", "high"]
GROUPS = {"Sex": ["F", "M"], CLASSES: NAMES}
WOMEN, MEN = Group("Sex", "F"), Group("Sex", "M")
RANDOM = np.random.default_rng(0)
LABELS, SAID, OTHER = (RANDOM.integers(3, size=400) for _ in range(3))
IS_MAN = RANDOM.random(400) < 0.3


def element(label, said, other, man):
    def answers(name):
        if name is None:
            return {"probability": np.full(3, 1 / 3), "class": np.array([b"?"])}
        return {"probability": np.full(3, 1 / 3), "class": np.array([NAMES[name].encode()])}

    features = {"Sex": np.array([b"M" if man else b"F"])}
    return metric_types.StandardMetricInputs(
        {
            "labels": {"constrained": np.array([label], np.float32)},
            "predictions": {"constrained": answers(said)}
            | ({} if other is None else {"baseline": answers(other)}),
            "features": features,
            "transformed_features": {"constrained": features},
        }
    )


def measured(metric, elements):
    """Through the metric's own combiner, in two halves, and its derivation."""
    count, derive = metric.computations(model_names=["constrained"])
    halves = []
    for half in (elements[::2], elements[1::2]):
        accumulator = count.combiner.create_accumulator()
        for each in half:
            accumulator = count.combiner.add_input(accumulator, each)
        halves.append(accumulator)
    merged = count.combiner.extract_output(count.combiner.merge_accumulators(halves))
    [(_, value)] = derive.result(merged).items()
    return merged[count.keys[0]], value


def expected():
    members = {None: np.ones(400, bool), WOMEN: ~IS_MAN, MEN: IS_MAN}
    tables = {group: confusion(LABELS[m], SAID[m], 3) for group, m in members.items()}
    moved = {group: changes(LABELS[m], SAID[m], OTHER[m], 3) for group, m in members.items()}
    return outcomes(tables, NAMES, moved)


def rows():
    return [element(*row) for row in zip(LABELS, SAID, OTHER, IS_MAN, strict=True)]


def test_everybody_and_each_group_is_counted_by_class():
    line = "max_gap(TPR(high), [Sex]) <= 0.1"
    found, value = measured(metrics.ConstraintValue(line, GROUPS, "value"), rows())
    assert found == expected()
    assert {group: of.against for group, of in found.items()} == {
        group: of.against for group, of in expected().items()
    }
    by_sex = [expected()[Group("Sex", name, "high")].rate("TPR") for name in "FM"]
    assert value == pytest.approx(abs(by_sex[0] - by_sex[1]))


def test_the_outcomes_come_back_from_what_is_kept():
    _, kept = measured(metrics.ClassOutcomes(GROUPS, "outcomes"), rows())
    assert class_counts.outcomes(kept, [None, WOMEN, MEN], NAMES) == expected()


def test_an_answer_that_is_no_class_makes_all_unknown():
    found, value = measured(
        metrics.ConstraintValue("ACC >= 0", GROUPS, "value"), [*rows(), element(1, None, 0, True)]
    )
    assert np.isnan(value) and found[None] == Counts(0, 0, 0, 0)
    assert found[WOMEN].examples == (~IS_MAN).sum()  # who did not meet it


def test_without_a_baseline_no_change_is_known():
    few = [
        element(int(label), int(said), None, False)
        for label, said in zip(LABELS, SAID, strict=True)
    ]
    _, value = measured(metrics.ConstraintValue("change(FNR(low)) <= 0", GROUPS, "value"), few)
    assert np.isnan(value)


def test_the_gate_asks_of_classes_and_shows_no_binary_metric():
    gate = GateConfig(constraints=["max_gap(TPR(high), [Sex]) <= 0.1"])
    config = eval_config(gate, GROUPS, SLICES_LABEL)
    names = [metric.class_name for specs in config.metrics_specs for metric in specs.metrics]
    assert "ClassOutcomes" in names and "AtThresholds" not in names
    assert [list(spec.feature_keys) for spec in config.slicing_specs] == [[], ["Sex"]]
    assert {spec.prediction_key for spec in config.model_specs} == {"probability"}
    binary = eval_config(GateConfig(constraints=["FPR <= 0.1"]), {"Sex": ["F", "M"]}, SLICES_LABEL)
    assert {spec.prediction_key for spec in binary.model_specs} == {""}


def test_a_model_that_always_says_one_class_has_one_answer():
    same = [element(int(label), 1, 1, bool(man)) for label, man in zip(LABELS, IS_MAN, strict=True)]
    found, value = measured(metrics.DistinctDecisions(GROUPS, "answers"), same)
    assert value == 1 and checks.distinct_decisions(found) == 1
