"""Outcomes of every group where the label has several classes, in one pass over the overall slice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
from numpy.typing import NDArray
from tensorflow_model_analysis.metrics import metric_types

from components.fairness_metrics import rows
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
        self._groups = [Group(feature, name) for feature in features for name in features[feature]]
        self._model_name = model_name
        self._output_name = output_name

    def create_accumulator(self) -> np.ndarray:
        size = len(self._classes)
        return np.zeros((1 + len(self._groups), size * size + (1 + size) * _KINDS))

    def add_input(
        self, accumulator: np.ndarray, element: metric_types.StandardMetricInputs
    ) -> np.ndarray:
        examples = rows.count(element, self._model_name)
        labels = rows.numbers(self._of_model(element.label), examples)
        said = self._places_of(self._of_model(element.prediction), examples)
        known = isinstance(element.prediction, Mapping) and BASELINE in element.prediction
        other = self._places_of(element.prediction[BASELINE] if known else (), examples)
        members = rows.members(element, self._model_name, self._groups, examples)
        for row, of_group in zip(accumulator, members, strict=True):
            row += self._table(labels[of_group], said[of_group], other[of_group])
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[np.ndarray]) -> np.ndarray:
        return np.sum(list(accumulators), axis=0)

    def extract_output(self, accumulator: np.ndarray) -> dict[metric_types.MetricKey, Any]:
        found = outcomes(accumulator, [None, *self._groups], self._classes)
        return dict(zip(self._keys, (found, accumulator), strict=True))

    def _table(
        self, labels: NDArray[np.float64], said: NDArray[np.int64], other: NDArray[np.int64]
    ) -> np.ndarray:
        """What examples add; NaN where one has no label, or no answer, so that no rate is known.

        Args:
          labels: (n,) places of classes.
          said: (n,) the same of the model's answers; -1 where it names no class.
          other: (n,) the same of the baseline's.
        """
        size = len(self._classes)
        changed = np.full((1 + size, _KINDS), np.nan)
        if not np.all((labels >= 0) & (labels < size) & (said >= 0)):
            return np.full(size * size + changed.size, np.nan)
        if np.all(other >= 0):
            changed = classes.changes(labels, said, other, size).astype(np.float64)
        return np.concatenate([classes.confusion(labels, said, size).ravel(), changed.ravel()])

    def _of_model(self, value: Any) -> Any:
        return rows.of_model(value, self._model_name, self._output_name)

    def _places_of(self, answers: Any, examples: int) -> NDArray[np.int64]:
        """(examples,) the class that a model names; -1 where it names none."""
        named = answers[CLASS] if isinstance(answers, Mapping) and CLASS in answers else ()
        places = [self._places.get(name, -1) for name in rows.texts(np.asarray(named))]
        return np.array(places or [-1] * examples)


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
