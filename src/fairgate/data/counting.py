"""Outcomes of each group, counted batch by batch: memory grows with the groups, not with the rows."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairgate import vocabulary
from fairgate.constraints.rates import Counts, Group
from fairgate.data import answers
from fairgate.data.columns import MISSING, Batch, Column
from fairgate.errors import DataError, SettingsError

MOST_GROUPS = 500
_MOST_ANSWERS = 50


@dataclass(frozen=True)
class Question:
    """Which columns hold what.

    Attributes:
      label: what is right.
      prediction: what the model said: decisions, or scores where there is a threshold.
      groups: what divides the examples into groups.
      baseline: what another model said, to compare with.
      threshold: scores above it are a Yes; None: the columns hold decisions.
      positive: the label's value that is a Yes; None: 1, true or yes.

    Raises:
      SettingsError: the threshold is no finite number.
    """

    label: str
    prediction: str
    groups: Sequence[str]
    baseline: str | None = None
    threshold: float | None = None
    positive: str | None = None

    def __post_init__(self) -> None:
        threshold = self.threshold
        if threshold is not None and not (
            isinstance(threshold, int | float) and math.isfinite(threshold)
        ):
            raise SettingsError(f"threshold = {threshold!r}: expected a finite number")

    @property
    def decisions(self) -> list[str]:
        """The columns of what models said."""
        return [self.prediction] if self.baseline is None else [self.prediction, self.baseline]

    @property
    def names(self) -> list[str]:
        """Columns to be read as names."""
        said = self.decisions if self.threshold is None else []
        return [self.label, *said, *self.groups]

    @property
    def numbers(self) -> list[str]:
        """Columns to be read as numbers."""
        return [] if self.threshold is None else self.decisions


class Tally:
    """Counts outcomes.

    Args:
      question: which columns hold what.
      digesting: whether to keep digests of the examples and of the answers, for a ledger.
    """

    def __init__(self, question: Question, digesting: bool = False) -> None:
        self.question = question
        self.rows = 0
        self._label = answers.Labels(question.label, question.positive)
        self._models = [_Model(name, question.groups) for name in question.decisions]
        self._groups: dict[str, dict[str, int]] = {name: {} for name in question.groups}
        self._missing: dict[str, int] = {}
        columns = (question.label, question.prediction) if digesting else ()
        self._digests = {name: hashlib.blake2b(digest_size=16) for name in columns}

    def add(self, batch: Batch) -> None:
        """Counts the rows of a batch.

        Raises:
          DataError: a label is neither Yes nor No, or a column holds too many different values.
        """
        question = self.question
        labels = self._label.read(batch.names[question.label])
        said = [self._said(batch, name) for name in question.decisions]
        complete = self._present(question.label, labels)
        for name, column in zip(question.decisions, said, strict=True):
            complete &= self._present(name, column.codes)
        for name in question.groups:
            complete &= self._present(name, batch.names[name].codes)
        self.rows += len(complete)
        if not complete.all():
            return  # what is missing has been counted: nothing will be judged
        groups = {name: self._numbered(name, batch.names[name]) for name in question.groups}
        for model, column in zip(self._models, said, strict=True):
            model.add(labels, column, batch.names, groups)
        if self._digests:
            self._digests[question.label].update(labels.tobytes())
            marks = [hashlib.blake2b(v.encode(), digest_size=4).digest() for v in said[0].values]
            rows = np.frombuffer(b"".join(marks), np.uint32)[said[0].codes]
            self._digests[question.prediction].update(rows.tobytes())

    def _said(self, batch: Batch, name: str) -> Column:
        threshold = self.question.threshold
        if threshold is None:
            return batch.names[name]
        scores = batch.numbers[name]
        codes = np.where(np.isnan(scores), MISSING, scores > threshold).astype(np.int32)
        return Column(("0", "1"), codes)

    def _present(self, name: str, codes: NDArray[np.int8] | NDArray[np.int32]) -> NDArray[np.bool_]:
        there: NDArray[np.bool_] = codes != MISSING
        absent = len(there) - int(np.count_nonzero(there))
        if absent:
            self._missing[name] = self._missing.get(name, 0) + absent
        return there

    def _numbered(self, name: str, column: Column) -> NDArray[np.int64]:
        """The numbers of a batch's groups among all that were seen."""
        numbers = self._groups[name]
        found = [numbers.setdefault(value, len(numbers)) for value in column.values]
        if len(numbers) > MOST_GROUPS:
            raise DataError(
                f"column {name!r} holds more than {MOST_GROUPS} different values: groups are expected, "
                "by name. Put numbers into ranges, and rare values together, before"
            )
        return np.array(found, np.int64)

    def check(self) -> None:
        """Raises DataError where nothing can be judged: no rows, no value in some, or no meaning."""
        if not self.rows:
            raise DataError("there are no rows, so there is nothing to judge")
        for name, absent in self._missing.items():
            raise DataError(
                f"column {name!r} has no value in {absent:,} of {self.rows:,} rows. The gate leaves no "
                "row out by itself: give these rows a value (for a group, such as 'unknown'), or take "
                "them out before, and say that you did"
            )
        self._label.check()
        for model in self._models:
            self._meanings(model)

    def _meanings(self, model: _Model) -> NDArray[np.bool_]:
        """Which of a model's answers are a Yes."""
        if self.question.threshold is not None:
            return np.array([value == "1" for value in model.answers])
        return answers.meanings(model.name, list(model.answers), self._label)

    @property
    def groups(self) -> dict[str, list[str]]:
        """Feature -> the names of its groups, sorted."""
        return {name: sorted(numbers) for name, numbers in self._groups.items()}

    def outcomes(self, baseline: bool = False) -> dict[Group | None, Counts]:
        """What was counted of the model, or of the baseline: of each group, and at None of everybody."""
        model = self._models[int(baseline)]
        yes = self._meanings(model)
        measured: dict[Group | None, Counts] = {None: _counts(model.everybody, yes)}
        for name, numbers in self._groups.items():
            for value in sorted(numbers):
                cells = model.of_groups[name][numbers[value]]
                measured[Group(name, value)] = _counts(cells, yes)
        return measured

    def digest_of_examples(self) -> str:
        """32 hex digits over the labels, row by row.

        The same examples in the same order are known again whatever groups are asked about. Two test
        sets with the same sequence of labels are taken for one, which is on the safe side.
        """
        return self._digests[self.question.label].hexdigest()

    def digest_of_answers(self) -> str:
        """32 hex digits over what the model said, row by row."""
        return self._digests[self.question.prediction].hexdigest()


class _Model:
    """How often a model gave each of its answers, by label: in all, and in each group.

    Args:
      name: of the column of its answers.
      features: names of the group features.

    Attributes:
      answers: each different answer -> its number.
      everybody: (2, answers) examples by label and answer.
      of_groups: feature -> (groups, 2, answers).
    """

    def __init__(self, name: str, features: Sequence[str]) -> None:
        self.name = name
        self.answers: dict[str, int] = {}
        self.everybody = np.zeros((2, 0), np.int64)
        self.of_groups = {feature: np.zeros((0, 2, 0), np.int64) for feature in features}

    def add(
        self,
        labels: NDArray[np.int8],
        said: Column,
        names: Mapping[str, Column],
        groups: Mapping[str, NDArray[np.int64]],
    ) -> None:
        """Counts complete rows; `groups` are the numbers of the values of each feature's column."""
        places = [self.answers.setdefault(v, len(self.answers)) for v in said.values]
        if len(self.answers) > _MOST_ANSWERS:
            raise DataError(
                f"column {self.name!r} holds more than {_MOST_ANSWERS} different values: expected "
                f"decisions, or scores with a threshold ({vocabulary.now().value('threshold', 'NUMBER')})"
            )
        width = len(said.values)
        outcomes = labels * np.int32(width) + said.codes
        self.everybody = _grown(self.everybody, (2, len(self.answers)))
        cells = np.bincount(outcomes, minlength=2 * width)
        self.everybody[:, places] += cells.reshape(2, width)
        for feature, found in groups.items():
            rows = len(found)
            cells = np.bincount(
                names[feature].codes * (2 * width) + outcomes, minlength=rows * 2 * width
            )
            of_groups = self.of_groups[feature]
            size = max(len(of_groups), int(found.max(initial=-1)) + 1)
            of_groups = _grown(of_groups, (size, 2, len(self.answers)))
            of_groups[np.ix_(found, np.arange(2), np.array(places))] += cells.reshape(
                rows, 2, width
            )
            self.of_groups[feature] = of_groups


def _grown(cells: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """The same counts in a table of at least this shape; what is new is zero."""
    if cells.shape == shape:
        return cells
    larger = np.zeros(shape, np.int64)
    larger[tuple(slice(0, size) for size in cells.shape)] = cells
    return larger


def _counts(cells: NDArray[np.int64], yes: NDArray[np.bool_]) -> Counts:
    """Of (2, answers) examples by label and answer."""
    said_yes, said_no = cells[:, yes].sum(axis=1), cells[:, ~yes].sum(axis=1)
    return Counts(tp=int(said_yes[1]), fp=int(said_yes[0]), tn=int(said_no[0]), fn=int(said_no[1]))
