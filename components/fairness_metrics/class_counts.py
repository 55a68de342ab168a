"""Outcomes of every group where the label has several classes, in one pass over the overall slice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
from numpy.typing import NDArray
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.utils import util

from components.features import CLASS
from fairgate.constraints import classes
from fairgate.constraints.rates import Counts, Group
from fairgate.gate.judgement import BASELINE

_KINDS = 4  # of changes


class ClassesCombiner(beam.CombineFn):
    """Accumulator: float64 (1 + groups, k * k + (1 + k) * 4); row 0 is everybody.

    Its columns are a table of labels by answers, and then the examples that the baseline decides
    otherwise, as `classes.confusion` and `classes.changes` have them. What is decided is the class that
    the model names: what is served is what is counted.

    Args:
      keys: of the outcomes, and of the accumulator as it stands.
      groups: display name of each group feature -> the names of its groups; and the classes.
      model_name: model whose answers are counted.
      output_name: output of that model.
    """

    def __init__(
        self,
        keys: tuple[metric_types.MetricKey, metric_types.MetricKey],
        groups: Mapping[str, Sequence[str]],
        model_name: str,
        output_name: str,
    ):
        self._keys = keys
        self._classes = list(classes.classes_of(groups))
        self._places = {name: place for place, name in enumerate(self._classes)}
        features = classes.features_of(groups)
        self._features = list(features)
        self._groups = [Group(feature, name) for feature in features for name in features[feature]]
        self._rows = {group: row + 1 for row, group in enumerate(self._groups)}
        self._model_name = model_name
        self._output_name = output_name

    def create_accumulator(self) -> np.ndarray:
        size = len(self._classes)
        return np.zeros((1 + len(self._groups), size * size + (1 + size) * _KINDS))

    def add_input(
        self, accumulator: np.ndarray, element: metric_types.StandardMetricInputs
    ) -> np.ndarray:
        increment = self._increment(element)
        rows = {0}
        features = element.get_transformed_features(self._model_name) or element.get_features()
        for feature in self._features:
            for value in np.asarray(features[feature]).reshape(-1):
                name = value.decode() if isinstance(value, bytes) else str(value)
                rows.add(self._rows.get(Group(feature, name), 0))
        accumulator[list(rows)] += increment
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[np.ndarray]) -> np.ndarray:
        return np.sum(list(accumulators), axis=0)

    def extract_output(self, accumulator: np.ndarray) -> dict[metric_types.MetricKey, Any]:
        found = outcomes(accumulator, [None, *self._groups], self._classes)
        return dict(zip(self._keys, (found, accumulator), strict=True))

    def _increment(self, element: metric_types.StandardMetricInputs) -> np.ndarray:
        """What one example adds; NaN where it has no label, or no answer, so that no rate is known."""
        size = len(self._classes)
        label = _first(self._of_model(element.label))
        said = self._place(self._of_model(element.prediction))
        if said is None or label is None or not 0 <= float(label) < size:
            return np.full(size * size + (1 + size) * _KINDS, np.nan)
        labels, told = [int(label)], [said]
        changed = np.full((1 + size, _KINDS), np.nan)
        if isinstance(element.prediction, Mapping) and BASELINE in element.prediction:
            other = self._place(element.prediction[BASELINE])
            if other is not None:
                changed = classes.changes(labels, told, [other], size).astype(np.float64)
        table = classes.confusion(labels, told, size)
        return np.concatenate([table.ravel(), changed.ravel()])

    def _of_model(self, value: Any) -> Any:
        for name in (self._model_name, self._output_name):
            if isinstance(value, Mapping) and name in value:
                value = util.get_by_keys(value, [name])
        return value

    def _place(self, answers: Any) -> int | None:
        """The class that a model names."""
        named = (
            _first(answers[CLASS]) if isinstance(answers, Mapping) and CLASS in answers else None
        )
        return self._places.get(named.decode() if isinstance(named, bytes) else named)


def outcomes(
    cells: NDArray[np.float64], groups: Sequence[Group | None], names: Sequence[str]
) -> dict[Group | None, Counts]:
    """What an accumulator comes to; of nobody where an answer was none.

    Args:
      cells: (groups, ...) as `ClassesCombiner` has them.
      groups: whose rows they are.
      names: of the classes.
    """
    size = len(names)
    own, moved = cells[:, : size * size], cells[:, size * size :]
    own = np.where(np.isfinite(own).all(axis=1, keepdims=True), own, 0)
    tables = {
        group: row.reshape(size, size).astype(np.int64)
        for group, row in zip(groups, own, strict=True)
    }
    against = None
    if np.all(np.isfinite(moved)):
        against = {
            group: row.reshape(1 + size, _KINDS).astype(np.int64)
            for group, row in zip(groups, moved, strict=True)
        }
    return classes.outcomes(tables, names, against)


def _first(value: Any) -> Any:
    """The value, alone or the first of an array; None where there is none, or it is NaN."""
    values = np.asarray(value).reshape(-1)
    if not values.size or values[0] is None or values[0] != values[0]:
        return None
    return values[0].item() if hasattr(values[0], "item") else values[0]
