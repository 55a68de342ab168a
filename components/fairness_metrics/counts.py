"""Confusion counts of every group, in one pass over the overall slice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.utils import util

from fairgate.constraints.paired import Changes
from fairgate.constraints.rates import Counts, Group, Measured
from fairgate.constraints.units import UnitCounts, UnitMethod, UnitTable, order
from fairgate.gate.judgement import BASELINE

# A served probability above this is a Yes: sigmoid(score) > 0.5 where score > 0, the decision the
# constraints were trained at.
DECISION_THRESHOLD = 0.5

_TP, _FP, _TN, _FN, _CHANGES = range(5)


@dataclass(frozen=True)
class Units:
    """How examples fall to units.

    Attributes:
      column: of the preprocessing signature; it says whose example a record is.
      method: how units are bounded.
      largest: the most examples of a unit; None: as many as the largest has here.
    """

    column: str
    method: UnitMethod = "betting"
    largest: int | None = None

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
      groups: display name of each group feature -> the names of its groups.
      model_name: model whose predictions are counted.
      output_name: output of that model.
      units: how examples fall to units; None: each is a draw of its own.

    Returns:
      A computation with one private key whose value is a `Measured`: every group, and None for
      all examples; with units, `UnitCounts`. A group without examples has counts of zero.
    """
    key = metric_types.MetricKey(
        name=f"_fairgate_counts_{sorted(groups)}", model_name=model_name, output_name=output_name
    )
    return metric_types.MetricComputation(
        keys=[key],
        preprocessors=[
            metric_types.CombinedFeaturePreprocessor(
                feature_keys=[*groups, *([units.column] if units else [])],
                model_names=[model_name] if model_name else None,
            )
        ],
        combiner=(
            _CountsCombiner(key, groups, model_name, output_name)
            if units is None
            else _UnitsCombiner(key, groups, model_name, output_name, units)
        ),
    )


class _CountsCombiner(beam.CombineFn):
    """Accumulator: float64 (1 + number of groups, 8); row 0 is everybody.

    Its columns are tp, fp, tn, fn, and how many answers differ from the baseline's, as in `Changes`.
    """

    def __init__(
        self,
        key: metric_types.MetricKey,
        groups: Mapping[str, Sequence[str]],
        model_name: str,
        output_name: str,
    ):
        self._key = key
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
        self._add(accumulator, element)
        return accumulator

    def _add(self, accumulator: np.ndarray, element: metric_types.StandardMetricInputs) -> None:
        label = self._scalar(element.label)
        prediction = self._scalar(element.prediction)
        positive = label > 0.5
        said_yes = prediction > DECISION_THRESHOLD
        increment = np.zeros(accumulator.shape[1])
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
        accumulator[0] += increment
        for feature in self._features:
            row = self._rows.get(Group(feature, self._group_name(element, feature)))
            if row is not None:
                accumulator[row] += increment

    def _baseline(self, predictions: Any) -> float:
        """What the baseline says; NaN where there is none."""
        if not (isinstance(predictions, Mapping) and BASELINE in predictions):
            return float("nan")
        return self._scalar(predictions[BASELINE])

    def merge_accumulators(self, accumulators: Iterable[np.ndarray]) -> np.ndarray:
        return np.sum(list(accumulators), axis=0)

    def extract_output(
        self, accumulator: np.ndarray
    ) -> dict[metric_types.MetricKey, dict[Group | None, Counts]]:
        rows = [None, *self._groups]
        return {
            self._key: {group: _counts(row) for group, row in zip(rows, accumulator, strict=True)}
        }

    def _scalar(self, value: Any) -> float:
        for name in (self._model_name, self._output_name):
            if isinstance(value, Mapping):
                value = util.get_by_keys(value, [name]) if name in value else value
        if isinstance(value, Mapping):
            value = next(iter(value.values()))
        values = np.asarray(value, dtype=np.float64).reshape(-1)
        return float(values[0]) if values.size else float("nan")

    def _group_name(self, element: metric_types.StandardMetricInputs, feature: str) -> str:
        features = element.get_transformed_features(self._model_name) or element.get_features()
        value = np.asarray(features[feature]).reshape(-1)[0]
        return value.decode() if isinstance(value, bytes) else str(value)


class _UnitsCombiner(_CountsCombiner):
    """Accumulator: unit -> as above; memory grows with the units of the split."""

    def __init__(
        self,
        key: metric_types.MetricKey,
        groups: Mapping[str, Sequence[str]],
        model_name: str,
        output_name: str,
        units: Units,
    ):
        super().__init__(key, groups, model_name, output_name)
        self._units = units

    def create_accumulator(self) -> dict[str, np.ndarray]:
        return {}

    def add_input(
        self, accumulator: dict[str, np.ndarray], element: metric_types.StandardMetricInputs
    ) -> dict[str, np.ndarray]:
        name = self._group_name(element, self._units.column)
        if name not in accumulator:
            accumulator[name] = super().create_accumulator()
        self._add(accumulator[name], element)
        return accumulator

    def merge_accumulators(
        self, accumulators: Iterable[dict[str, np.ndarray]]
    ) -> dict[str, np.ndarray]:
        merged: dict[str, np.ndarray] = {}
        for accumulator in accumulators:
            for name, cells in accumulator.items():
                merged[name] = merged[name] + cells if name in merged else cells
        return merged

    def extract_output(
        self, accumulator: dict[str, np.ndarray]
    ) -> dict[metric_types.MetricKey, Measured]:
        rows = [None, *self._groups]
        if not accumulator:
            return {self._key: dict.fromkeys(rows, Counts(0, 0, 0, 0))}
        names = sorted(accumulator)
        places = order(names)
        cells = np.empty((len(names), len(rows), _CHANGES))
        cells[places] = np.stack([accumulator[name][:, :_CHANGES] for name in names])
        tables = {group: _table(cells[:, row]) for row, group in enumerate(rows)}
        largest = self._units.largest or float(np.nansum(cells[:, 0], axis=1).max())
        return {self._key: UnitCounts(len(names), tables, largest, self._units.method)}


def _table(cells: np.ndarray) -> UnitTable:
    """Of the units that have examples; of none where an answer was NaN, as `_counts`."""
    if not np.all(np.isfinite(cells)):
        return UnitTable(np.zeros(0, np.int64), np.zeros((0, 4)))
    return UnitTable.of(cells)


def _counts(row: np.ndarray) -> Counts:
    """Counts of one row; of nobody where an answer was NaN, so that every rate over it is NaN."""
    own, changes = row[:_CHANGES], row[_CHANGES:]
    if not np.all(np.isfinite(own)):
        return Counts(0, 0, 0, 0)
    against = Changes(*map(int, changes)) if np.all(np.isfinite(changes)) else None
    return Counts(int(own[_TP]), int(own[_FP]), int(own[_TN]), int(own[_FN]), against=against)
