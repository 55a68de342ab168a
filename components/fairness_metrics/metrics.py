"""FairGate's metrics for TensorFlow Model Analysis: what the gate decides on.

Each is a number of the overall slice, so that the standard Evaluator can hold a threshold against it.
All are derived from the same counts (`counts.group_counts`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from tensorflow_model_analysis.metrics import metric_types

from components.fairness_metrics.counts import Units, group_counts
from fairgate.constraints import expressions, language
from fairgate.constraints.rates import Measured
from fairgate.gate import checks, prediction, requirements
from fairgate.gate.config import BetterThan

Groups = Mapping[str, Sequence[str]]
UnitArguments = Mapping[str, Any] | None
"""As `counts.Units.as_arguments` says; None: every example is a draw of its own."""


class ConstraintValue(metric_types.Metric):
    """The measured value of a constraint's left side; NaN when a group it needs is missing."""

    def __init__(
        self,
        constraint: str,
        groups: Groups,
        name: str,
        code: str = "",
        units: UnitArguments = None,
    ):
        """Args:
        constraint: a line of the constraint language.
        groups: display name of each group feature -> the names of its groups.
        name: key of the metric in evaluation results.
        units: how examples fall to units.
        code: hash of this package's source; only makes a change of it a change of configuration.
        """
        super().__init__(
            _computations(_constraint_value),
            constraint=constraint,
            groups=groups,
            name=name,
            code=code,
            units=units,
        )


class ConstraintBound(metric_types.Metric):
    """The confidence bound of a constraint's left side, on the side that could break the limit.

    An upper bound for `<=`, a lower bound for `>=`; with probability at least `confidence` over the
    draw of the test split the true value is on the safe side of it (see
    `fairgate.bounds`). NaN when a group it needs is missing.
    """

    def __init__(
        self,
        constraint: str,
        groups: Groups,
        confidence: float,
        name: str,
        code: str = "",
        units: UnitArguments = None,
    ):
        """Args: as for `ConstraintValue`; confidence: of the one-sided bound, in (0, 1)."""
        super().__init__(
            _computations(_constraint_bound),
            constraint=constraint,
            groups=groups,
            confidence=confidence,
            name=name,
            code=code,
            units=units,
        )


class AccuracyBound(ConstraintBound):
    """The lower confidence bound of the accuracy; a class of its own, for it is no constraint."""


class Useful(metric_types.Metric):
    """1 where the model is shown to be of some use (`fairgate.gate.requirements`), else 0."""

    def __init__(
        self,
        constraints: Sequence[str],
        groups: Groups,
        better_than: BetterThan,
        confidence: float,
        name: str,
        code: str = "",
        units: UnitArguments = None,
    ):
        """Args: as for `ConstraintBound`; constraints: all of the gate; better_than: what is asked."""
        super().__init__(
            _computations(_useful),
            constraints=constraints,
            groups=groups,
            better_than=better_than,
            confidence=confidence,
            name=name,
            code=code,
            units=units,
        )


class Changed(metric_types.Metric):
    """How many answers differ from the baseline's, of one field of `Changes`; NaN without a baseline."""

    def __init__(self, field: str, groups: Groups, name: str, code: str = ""):
        """Args: as for `ConstraintValue`; field: of `Changes`."""
        super().__init__(_computations(_changed), field=field, groups=groups, name=name, code=code)


class FewestNegatives(metric_types.Metric):
    """Fewest negatives of a group that a constraint needs negatives of; 0 when one is missing."""

    def __init__(
        self,
        constraints: Sequence[str],
        groups: Groups,
        name: str,
        code: str = "",
        units: UnitArguments = None,
    ):
        """Args: as for `ConstraintValue`; constraints: all of the gate."""
        super().__init__(
            _computations(_fewest_negatives),
            constraints=constraints,
            groups=groups,
            name=name,
            code=code,
            units=units,
        )


class DistinctDecisions(metric_types.Metric):
    """How many different answers the model gives: 1 for a model that always says No (or Yes)."""

    def __init__(self, groups: Groups, name: str, code: str = "", units: UnitArguments = None):
        """Args: as for `ConstraintValue`."""
        super().__init__(
            _computations(_distinct_decisions), groups=groups, name=name, code=code, units=units
        )


class UnitOutcomes(metric_types.Metric):
    """The outcomes of every unit, float64 (units, 1 + groups, 8 or 12): what all bounds rest on.

    So that whoever reads an evaluation can take any other bound of the same outcomes. The order of units
    is that of `constraints.units.order`; row 0 is everybody. `counts.Units.outcomes` reads it, and says
    what the columns are.
    """

    def __init__(self, groups: Groups, name: str, code: str = "", units: UnitArguments = None):
        """Args: as for `ConstraintValue`."""
        super().__init__(
            _computations(_unit_outcomes, of=1), groups=groups, name=name, code=code, units=units
        )


class ClassOutcomes(metric_types.Metric):
    """Labels by answers, of everybody and of each group: what all bounds rest on with several classes.

    float64 (1 + groups, ...); `class_counts.outcomes` reads it.
    """

    def __init__(self, groups: Groups, name: str, code: str = ""):
        """Args: as for `ConstraintValue`."""
        super().__init__(_computations(_unit_outcomes, of=1), groups=groups, name=name, code=code)


for _metric in (
    ConstraintValue,
    ConstraintBound,
    AccuracyBound,
    Useful,
    Changed,
    FewestNegatives,
    DistinctDecisions,
    UnitOutcomes,
    ClassOutcomes,
):
    metric_types.register_metric(_metric)


def _constraint_value(counts: Measured, constraint: str, groups: Groups) -> float:
    return expressions.evaluate(language.parse(constraint, groups).expression, counts)


def _constraint_bound(
    counts: Measured, constraint: str, groups: Groups, confidence: float
) -> float:
    return prediction.bound_of(language.parse(constraint, groups), counts, 1.0 - confidence)


def _useful(
    counts: Measured,
    constraints: Sequence[str],
    groups: Groups,
    better_than: BetterThan,
    confidence: float,
) -> float:
    asked = [language.parse(line, groups) for line in constraints]
    return float(requirements.is_useful(better_than, asked, counts, confidence))


def _changed(counts: Measured, field: str, groups: Groups) -> float:
    del groups
    against = counts[None].against
    return math.nan if against is None else float(getattr(against, field))


def _fewest_negatives(counts: Measured, constraints: Sequence[str], groups: Groups) -> float:
    asked = [language.parse(line, groups) for line in constraints]
    return checks.fewest_negatives(counts, requirements.groups_needed(asked, "negatives"))


def _unit_outcomes(cells: np.ndarray, groups: Groups) -> np.ndarray:
    del groups
    return cells


def _distinct_decisions(counts: Measured, groups: Groups) -> float:
    del groups
    return float(checks.distinct_decisions(counts))


def _computations(
    number: Callable[..., float | np.ndarray], of: int = 0
) -> Callable[..., metric_types.MetricComputations]:
    """A TFMA computations function for a number that is derived from the counts.

    Args:
      number: what is derived.
      of: which of the keys of `group_counts` it is derived from.
    """

    def computations(
        groups: Groups,
        name: str,
        code: str = "",
        units: UnitArguments = None,
        model_names: Sequence[str] | None = None,
        output_names: Sequence[str] | None = None,
        example_weighted: bool = False,
        **arguments: Any,
    ) -> metric_types.MetricComputations:
        del code
        result: metric_types.MetricComputations = []
        for model_name in model_names or [""]:
            for output_name in output_names or [""]:
                falling = None if units is None else Units(**units)
                counts = group_counts(groups, model_name, output_name, falling)
                key = metric_types.MetricKey(
                    name=name,
                    model_name=model_name,
                    output_name=output_name,
                    example_weighted=example_weighted,
                )

                def derive(
                    metrics: Mapping[metric_types.MetricKey, Any],
                    counts_key: metric_types.MetricKey = counts.keys[of],
                    key: metric_types.MetricKey = key,
                ) -> dict[metric_types.MetricKey, float | np.ndarray]:
                    return {key: number(metrics[counts_key], groups=groups, **arguments)}

                result += [counts, metric_types.DerivedMetricComputation([key], derive)]
        return result

    return computations
