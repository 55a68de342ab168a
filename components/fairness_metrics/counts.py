"""Confusion counts of every group, in one pass over the overall slice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis.metrics import metric_types

from components.fairness_metrics import rows
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
        self._model_name = model_name
        self._output_name = output_name

    def create_accumulator(self) -> np.ndarray:
        return np.zeros((1 + len(self._groups), _CHANGES + len(fields(Changes))))

    def add_input(
        self, accumulator: np.ndarray, element: metric_types.StandardMetricInputs
    ) -> np.ndarray:
        increments, members = self._increments(element)
        for row, of_group in zip(accumulator, members, strict=True):
            row += increments[of_group].sum(axis=0)
        return accumulator

    def _increments(
        self, element: metric_types.StandardMetricInputs
    ) -> tuple[np.ndarray, np.ndarray]:
        """(what each example adds, float64 (examples, 8); who is where, bool (1 + groups, examples))."""
        examples = rows.count(element, self._model_name)
        label = rows.numbers(self._own(element.label), examples)
        prediction = rows.numbers(self._own(element.prediction), examples)
        other = rows.numbers(self._baseline(element.prediction), examples)
        positive, said_yes = label > 0.5, prediction > DECISION_THRESHOLD
        cell = np.where(positive, np.where(said_yes, _TP, _FN), np.where(said_yes, _FP, _TN))
        change = _CHANGES + 2 * ~positive + ~said_yes
        increments = np.zeros((examples, _CHANGES + len(fields(Changes))))
        each = np.arange(examples)
        increments[each, cell] = 1
        increments[each, change] = said_yes != (other > DECISION_THRESHOLD)
        increments[np.isnan(other), _CHANGES:] = np.nan
        # An example without an answer makes every rate it belongs to unknown, not smaller.
        increments[np.isnan(prediction) | np.isnan(label)] = np.nan
        return increments, rows.members(element, self._model_name, self._groups, examples)

    def _own(self, value: Any) -> Any:
        return rows.of_model(value, self._model_name, self._output_name)

    def _baseline(self, predictions: Any) -> Any:
        """What the baseline says; nothing where there is none."""
        known = isinstance(predictions, Mapping) and BASELINE in predictions
        return rows.of_model(predictions[BASELINE], "", self._output_name) if known else ()

    def merge_accumulators(self, accumulators: Iterable[np.ndarray]) -> np.ndarray:
        return np.sum(list(accumulators), axis=0)

    def extract_output(self, accumulator: np.ndarray) -> dict[metric_types.MetricKey, Any]:
        whom = [None, *self._groups]
        return self._output(
            {group: _counts(row) for group, row in zip(whom, accumulator, strict=True)}
        )

    def _output(
        self, counts: Measured, cells: np.ndarray | None = None
    ) -> dict[metric_types.MetricKey, Any]:
        none = np.zeros((0, 1 + len(self._groups), _CHANGES + len(fields(Changes))))
        return dict(zip(self._keys, (counts, none if cells is None else cells), strict=True))


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
        increments, members = self._increments(element)
        parts = np.where(members.T[:, :, None], increments[:, None, :], 0.0)
        if self._units.weight is not None:
            weights = self._weights(element, self._units.weight, len(parts))
            heavy = parts * weights[:, None, None]
            parts = np.concatenate([heavy, parts[:, :, :_CHANGES]], axis=2)
        names = rows.column(element, self._model_name, self._units.column, len(parts))
        for name, part in zip(rows.texts(names[:, 0]), parts, strict=True):
            self._put(accumulator, name, [part])
        return accumulator

    def _weights(
        self, element: metric_types.StandardMetricInputs, name: str, examples: int
    ) -> np.ndarray:
        """(examples,) what each counts; NaN where nobody knows."""
        found = rows.numbers(rows.column(element, self._model_name, name, examples), examples)
        # Over it by the rounding of float32 alone: ImportExampleGen has seen every record.
        most = np.minimum(found, self._units.largest_weight or np.inf)
        weights: np.ndarray = np.where((found < 0) | np.isinf(found), np.nan, most)
        return weights

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
        whom = [None, *self._groups]
        if not accumulator:
            return self._output(dict.fromkeys(whom, NOBODY))
        named = [(name, part) for name in sorted(accumulator) for part in accumulator[name]]
        parts = np.stack([part for _, part in named])
        cells = np.empty_like(parts)
        cells[order([name for name, _ in named])] = parts
        return self._output(self._units.outcomes(cells, whom), cells)


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
