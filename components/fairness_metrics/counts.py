"""Confusion counts of every group, in one pass over the overall slice."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.utils import util

from components.fairness_metrics.class_counts import ClassesCombiner
from fairgate.constraints.classes import classes_of, features_of
from fairgate.constraints.paired import Changes
from fairgate.constraints.rates import Counts, Group, Measured
from fairgate.constraints.units import UnitCounts, UnitMethod, UnitTable, order
from fairgate.gate.judgement import BASELINE

# A served probability above this is a Yes: sigmoid(score) > 0.5 where score > 0, the decision the
# constraints were trained at.
DECISION_THRESHOLD = 0.5

_TP, _FP, _TN, _FN, _CHANGES = range(5)
NOBODY = Counts(0, 0, 0, 0)


@dataclass(frozen=True)
class Units:
    """How examples fall to units, and what they count.

    Attributes:
      column: of the preprocessing signature; it says whose example a record is.
      method: how units are bounded.
      largest: the most examples of a unit; None: as many as the largest has here.
      weight: column of that signature that says what a record counts; None: one.
      largest_weight: what no weight of the population is over.
      apart: each record is a unit of its own, and `column` tells their order alone.
    """

    column: str
    method: UnitMethod = "betting"
    largest: int | None = None
    weight: str | None = None
    largest_weight: float | None = None
    apart: bool = False

    @property
    def columns(self) -> list[str]:
        """Those that are read."""
        return [self.column, *([] if self.weight is None else [self.weight])]

    def outcomes(self, cells: np.ndarray, groups: Sequence[Group | None]) -> UnitCounts:
        """What bounds are taken of.

        Args:
          cells: float64 (units, len(groups), 8) in the order of units: tp, fp, tn, fn, and the examples
            that are decided otherwise than by the baseline, as in `Changes`; with weights
            (units, len(groups), 12): the sums of these, and tp, fp, tn, fn in numbers. NaN where an
            answer was none.
          groups: the groups, None for everybody, who come first.
        """
        of_numbers = slice(-_CHANGES, None) if self.weight is not None else slice(0, _CHANGES)
        examples = float(np.nansum(cells[:, 0, of_numbers], axis=1).max(initial=0.0))
        largest = 1 if self.apart else self.largest or examples
        tables = {group: _table(cells[:, row, :_CHANGES]) for row, group in enumerate(groups)}
        changes = cells[:, :, _CHANGES : _CHANGES + len(fields(Changes))]
        against = None
        if np.all(np.isfinite(changes)):
            against = {group: UnitTable.of(changes[:, row]) for row, group in enumerate(groups)}
        numbers = None
        if self.weight is not None:
            numbers = {
                group: _table(cells[:, row, of_numbers])
                if len(tables[group].places)
                else UnitTable.none()
                for row, group in enumerate(groups)
            }
        return UnitCounts(
            len(cells),
            tables,
            largest * (self.largest_weight or 1.0),
            self.method,
            numbers,
            against,
        )

    def as_arguments(self) -> dict[str, Any]:
        """For a metric's configuration; `Units(**arguments)` is the inverse."""
        return asdict(self)


def group_counts(
    groups: Mapping[str, Sequence[str]],
    model_name: str,
    output_name: str,
    units: Units | None = None,
) -> metric_types.MetricComputation:
    """The computation that all metrics of this package are derived from.

    TFMA keeps one of several equal computations, so however many constraints a gate has, the
    examples are counted once.

    Args:
      groups: display name of each group feature -> the names of its groups; and the label's classes,
        where it has more than two (see `class_counts`).
      model_name: model whose predictions are counted.
      output_name: output of that model.
      units: how examples fall to units; None: each is a draw of its own.

    Returns:
      A computation with two private keys. The value of the first is a `Measured`: every group, and None
      for all examples; with units, `UnitCounts`. A group without examples has counts of zero. That of the
      second are the outcomes of each unit as `Units.outcomes` takes them; of none without units; or what
      `class_counts.outcomes` takes.
    """
    several = bool(classes_of(groups))
    key, cells = (
        metric_types.MetricKey(
            # Where some metrics count examples and others units, both are there.
            name=f"_fairgate_{name}_{sorted(groups)}_{units}",
            model_name=model_name,
            output_name=output_name,
        )
        for name in ("counts", "cells")
    )
    return metric_types.MetricComputation(
        keys=[key, cells],
        preprocessors=[
            metric_types.CombinedFeaturePreprocessor(
                feature_keys=[*features_of(groups), *(units.columns if units else [])],
                model_names=[model_name] if model_name else None,
            )
        ],
        combiner=(
            ClassesCombiner((key, cells), groups, model_name, output_name)
            if several
            else _CountsCombiner((key, cells), groups, model_name, output_name)
            if units is None
            else _UnitsCombiner((key, cells), groups, model_name, output_name, units)
        ),
    )


class _CountsCombiner(beam.CombineFn):
    """Accumulator: float64 (1 + number of groups, 8); row 0 is everybody.

    Its columns are tp, fp, tn, fn, and how many answers differ from the baseline's, as in `Changes`.
    """

    def __init__(
        self,
        keys: tuple[metric_types.MetricKey, metric_types.MetricKey],
        groups: Mapping[str, Sequence[str]],
        model_name: str,
        output_name: str,
    ):
        self._keys = keys
        self._groups = [Group(feature, name) for feature, names in groups.items() for name in names]
        self._rows = {group: row + 1 for row, group in enumerate(self._groups)}
        self._features = list(groups)
        self._model_name = model_name
        self._output_name = output_name

    def create_accumulator(self) -> np.ndarray:
        return np.zeros((1 + len(self._groups), _CHANGES + len(fields(Changes))))

    def add_input(
        self, accumulator: np.ndarray, element: metric_types.StandardMetricInputs
    ) -> np.ndarray:
        accumulator += self._increments(element)
        return accumulator

    def _increments(self, element: metric_types.StandardMetricInputs) -> np.ndarray:
        """What one example adds to an accumulator."""
        label = self._scalar(element.label)
        prediction = self._scalar(element.prediction)
        positive = label > 0.5
        said_yes = prediction > DECISION_THRESHOLD
        increment = np.zeros(_CHANGES + len(fields(Changes)))
        if np.isnan(prediction) or np.isnan(label):
            # An example without an answer makes every rate it belongs to unknown, not smaller.
            increment[:] = np.nan
        else:
            increment[(_TP if said_yes else _FN) if positive else (_FP if said_yes else _TN)] = 1
            other = self._baseline(element.prediction)
            if np.isnan(other):
                increment[_CHANGES:] = np.nan
            elif said_yes != (other > DECISION_THRESHOLD):
                increment[_CHANGES + 2 * (not positive) + (not said_yes)] = 1
        found = np.zeros((1 + len(self._groups), len(increment)))
        found[0] = increment
        for feature in self._features:
            for name in self._texts(element, feature):
                row = self._rows.get(Group(feature, name))
                if row is not None:
                    found[row] = increment
        return found

    def _baseline(self, predictions: Any) -> float:
        """What the baseline says; NaN where there is none."""
        if not (isinstance(predictions, Mapping) and BASELINE in predictions):
            return float("nan")
        return self._scalar(predictions[BASELINE])

    def merge_accumulators(self, accumulators: Iterable[np.ndarray]) -> np.ndarray:
        return np.sum(list(accumulators), axis=0)

    def extract_output(self, accumulator: np.ndarray) -> dict[metric_types.MetricKey, Any]:
        rows = [None, *self._groups]
        return self._output(
            {group: _counts(row) for group, row in zip(rows, accumulator, strict=True)}
        )

    def _output(
        self, counts: Measured, cells: np.ndarray | None = None
    ) -> dict[metric_types.MetricKey, Any]:
        none = np.zeros((0, 1 + len(self._groups), _CHANGES + len(fields(Changes))))
        return dict(zip(self._keys, (counts, none if cells is None else cells), strict=True))

    def _scalar(self, value: Any) -> float:
        for name in (self._model_name, self._output_name):
            if isinstance(value, Mapping):
                value = util.get_by_keys(value, [name]) if name in value else value
        if isinstance(value, Mapping):
            value = next(iter(value.values()))
        values = np.asarray(value, dtype=np.float64).reshape(-1)
        return float(values[0]) if values.size else float("nan")

    def _texts(self, element: metric_types.StandardMetricInputs, feature: str) -> list[str]:
        """The one group that the example is in, or several, in any order and number."""
        features = element.get_transformed_features(self._model_name) or element.get_features()
        values = np.asarray(features[feature]).reshape(-1)
        return [value.decode() if isinstance(value, bytes) else str(value) for value in values]

    def _value(self, element: metric_types.StandardMetricInputs, feature: str) -> Any:
        features = element.get_transformed_features(self._model_name) or element.get_features()
        return np.asarray(features[feature]).reshape(-1)[0]


class _UnitsCombiner(_CountsCombiner):
    """Accumulator: unit -> parts of it, (1 + number of groups, 8 or 12), as `Units.outcomes` has them.

    Memory grows with the units of the split. Each has one part; where records are `apart`, those that
    have one digest are as many units.
    """

    def __init__(
        self,
        keys: tuple[metric_types.MetricKey, metric_types.MetricKey],
        groups: Mapping[str, Sequence[str]],
        model_name: str,
        output_name: str,
        units: Units,
    ):
        super().__init__(keys, groups, model_name, output_name)
        self._units = units

    def create_accumulator(self) -> dict[str, list[np.ndarray]]:
        return {}

    def add_input(
        self, accumulator: dict[str, list[np.ndarray]], element: metric_types.StandardMetricInputs
    ) -> dict[str, list[np.ndarray]]:
        part = self._increments(element)
        if self._units.weight is not None:
            part = np.concatenate([part * self._weight(element), part[:, :_CHANGES]], axis=1)
        self._put(accumulator, self._texts(element, self._units.column)[0], [part])
        return accumulator

    def _weight(self, element: metric_types.StandardMetricInputs) -> float:
        assert self._units.weight is not None
        weight = float(self._value(element, self._units.weight))
        if weight < 0 or math.isinf(weight):
            return math.nan  # the example counts nobody knows what
        # Over it by the rounding of float32 alone: ImportExampleGen has seen every record.
        return weight if math.isnan(weight) else min(weight, self._units.largest_weight or weight)

    def _put(
        self, accumulator: dict[str, list[np.ndarray]], name: str, parts: list[np.ndarray]
    ) -> None:
        known = accumulator.get(name, [])
        if known and not self._units.apart:
            accumulator[name] = [known[0] + parts[0]]
        else:
            accumulator[name] = known + parts

    def merge_accumulators(
        self, accumulators: Iterable[dict[str, list[np.ndarray]]]
    ) -> dict[str, list[np.ndarray]]:
        merged: dict[str, list[np.ndarray]] = {}
        for accumulator in accumulators:
            for name, parts in accumulator.items():
                self._put(merged, name, parts)
        return merged

    def extract_output(
        self, accumulator: dict[str, list[np.ndarray]]
    ) -> dict[metric_types.MetricKey, Any]:
        rows = [None, *self._groups]
        if not accumulator:
            return self._output(dict.fromkeys(rows, NOBODY))
        named = [(name, part) for name in sorted(accumulator) for part in accumulator[name]]
        parts = np.stack([part for _, part in named])
        cells = np.empty_like(parts)
        cells[order([name for name, _ in named])] = parts
        return self._output(self._units.outcomes(cells, rows), cells)


def _table(cells: np.ndarray) -> UnitTable:
    """Of the units that have examples; of none where an answer was NaN, as `_counts`."""
    if not np.all(np.isfinite(cells)):
        return UnitTable.none()
    return UnitTable.of(cells)


def _counts(row: np.ndarray) -> Counts:
    """Counts of one row; of nobody where an answer was NaN, so that every rate over it is NaN."""
    own, changes = row[:_CHANGES], row[_CHANGES:]
    if not np.all(np.isfinite(own)):
        return Counts(0, 0, 0, 0)
    against = Changes(*map(int, changes)) if np.all(np.isfinite(changes)) else None
    return Counts(int(own[_TP]), int(own[_FP]), int(own[_TN]), int(own[_FN]), against=against)
