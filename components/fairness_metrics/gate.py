"""The gate as a TFMA EvalConfig: what is shown, what is decided, and against which limits."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from tensorflow_model_analysis.proto import config_pb2

from components.fairness_metrics.counts import Units
from components.features import PROBABILITY, Features
from components.fingerprint import code_fingerprint
from fairgate.constraints.classes import classes_of, features_of
from fairgate.constraints.paired import Changes
from fairgate.gate.checks import (
    ACCURACY,
    ACCURACY_BOUND,
    CHANGED,
    CLASS_OUTCOMES,
    DISTINCT_DECISIONS,
    FEWEST_NEGATIVES,
    UNIT_OUTCOMES,
    USEFUL,
    checks,
)
from fairgate.gate.config import GateConfig
from fairgate.gate.judgement import BASELINE, CONSTRAINED
from fairgate.gate.requirements import groups_needed

PREPROCESSING_SIGNATURE = "slices"
PREDICTION_SIGNATURE = "serving_default"
DISPLAY_THRESHOLDS = (0.22, 0.5, 0.75)

COUNTS = ("TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives")

_MODULE = "components.fairness_metrics.metrics"
_DISPLAY = "components.fairness_metrics.display"


def eval_config(
    gate: GateConfig,
    groups: Mapping[str, Sequence[str]],
    label: str,
    over: Units | None = None,
) -> config_pb2.EvalConfig:
    """The configuration of the standard Evaluator.

    FairnessIndicators, the number of examples and the confusion counts are for display, per slice. The
    decision rests on thresholds on the overall slice: each constraint's confidence bound, that of the
    accuracy, the number of negatives of the smallest group that needs them, and that the model is of some
    use.

    Args:
      gate: the gate's settings.
      groups: display name of each group feature -> the names of its groups; and the label's classes,
        where it has more than two: their outcomes then stand in the place of what is for display.
      label: column of the preprocessing signature that holds the label.
      over: how records fall to units, and what they count; None: each is its own, and counts one.
    """
    units = {} if over is None else {"units": over.as_arguments()}
    decision = []
    asked = checks(gate, groups)
    for check in asked:
        decision.append(
            _metric(
                "ConstraintValue",
                check.value_metric,
                groups,
                constraint=str(check.constraint),
                **units,
            )
        )
        side = "upper_bound" if check.constraint.sense == "<=" else "lower_bound"
        decision.append(
            _metric(
                "ConstraintBound",
                check.bound_metric,
                groups,
                threshold={side: check.constraint.limit},
                constraint=str(check.constraint),
                confidence=gate.confidence,
                **units,
            )
        )
    lines = [str(check.constraint) for check in asked]
    floor = f"ACC >= {gate.minimum_accuracy}"
    decision += [
        _metric(
            "ConstraintValue",
            ACCURACY,
            groups,
            threshold={"lower_bound": 0},
            constraint=floor,
            **units,
        ),
        _metric(
            "AccuracyBound",
            ACCURACY_BOUND,
            groups,
            threshold={"lower_bound": gate.minimum_accuracy},
            constraint=floor,
            confidence=gate.confidence,
            **units,
        ),
        _metric(
            "DistinctDecisions", DISTINCT_DECISIONS, groups, threshold={"lower_bound": 2}, **units
        ),
        _metric(
            "Useful",
            USEFUL,
            groups,
            threshold={"lower_bound": 1},
            constraints=lines,
            better_than=gate.better_than,
            confidence=gate.confidence,
            **units,
        ),
    ]
    if groups_needed([check.constraint for check in asked], "negatives"):
        decision.append(
            _metric(
                "FewestNegatives",
                FEWEST_NEGATIVES,
                groups,
                threshold={"lower_bound": gate.minimum_negatives},
                constraints=lines,
                **units,
            )
        )
    if units:
        decision.append(_metric("UnitOutcomes", UNIT_OUTCOMES, groups, **units))
    several = bool(classes_of(groups))
    if several:
        decision.append(_metric("ClassOutcomes", CLASS_OUTCOMES, groups))
    binary = [
        _shown("AtThresholds", metric="FairnessIndicators", thresholds=DISPLAY_THRESHOLDS),
        *(
            _metric("Changed", f"{CHANGED}{field.name}", groups, field=field.name)
            for field in fields(Changes)
        ),
        *(_shown("AtThresholds", metric=name, thresholds=[0.5]) for name in COUNTS),
    ]
    display = [_shown("NumberOfExamples"), *([] if several else binary)]
    return config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(
                name=name,
                is_baseline=name == BASELINE,
                label_key=label,
                prediction_key=PROBABILITY if several else "",
                signature_name=PREDICTION_SIGNATURE,
                preprocessing_function_names=[PREPROCESSING_SIGNATURE],
                example_weight_key=over.weight if over is not None else None,
            )
            for name in (CONSTRAINED, BASELINE)
        ],
        slicing_specs=[
            config_pb2.SlicingSpec(),
            *(config_pb2.SlicingSpec(feature_keys=[feature]) for feature in features_of(groups)),
        ],
        metrics_specs=_specs(display, decision, over is not None and over.weight is not None),
    )


def _specs(
    display: Sequence[config_pb2.MetricConfig],
    decision: Sequence[config_pb2.MetricConfig],
    weighted: bool,
) -> list[config_pb2.MetricsSpec]:
    if not weighted:
        return [config_pb2.MetricsSpec(metrics=[*display, *decision])]
    # What decides weighs the examples itself, since it needs their numbers, too.
    own = config_pb2.ExampleWeightOptions(unweighted=True)
    return [
        config_pb2.MetricsSpec(metrics=display),
        config_pb2.MetricsSpec(metrics=decision, example_weights=own),
    ]


def units_of(features: Features, gate: GateConfig) -> Units | None:
    """How the records of a test split fall to units, and what they count, as the settings say it."""
    if features.slices_unit is None:
        return None
    return Units(
        features.slices_unit,
        gate.units,
        features.largest_unit,
        features.slices_weight,
        features.largest_weight,
        apart=features.unit is None,
    )


def _shown(class_name: str, **arguments: Any) -> config_pb2.MetricConfig:
    return config_pb2.MetricConfig(
        class_name=class_name, module=_DISPLAY, config=json.dumps(arguments, sort_keys=True)
    )


def _metric(
    class_name: str,
    name: str,
    groups: Mapping[str, Sequence[str]],
    threshold: Mapping[str, float] | None = None,
    **arguments: Any,
) -> config_pb2.MetricConfig:
    code = code_fingerprint(
        "components.fairness_metrics",
        "fairgate.constraints",
        "fairgate.bounds",
        "fairgate.gate.checks",
        "fairgate.gate.prediction",
        "fairgate.gate.requirements",
    )
    config = {"name": name, "groups": groups, "code": code, **arguments}
    metric = config_pb2.MetricConfig(
        class_name=class_name, module=_MODULE, config=json.dumps(config, sort_keys=True)
    )
    if threshold:
        # Held against the overall slice alone: a group's own slice has no gap.
        per_slice = metric.per_slice_thresholds.add(slicing_specs=[config_pb2.SlicingSpec()])
        for side, value in threshold.items():
            getattr(per_slice.threshold.value_threshold, side).value = value
    return metric
