"""Outcomes of each group, counted batch by batch: memory grows with the groups, not with the rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fairgate import vocabulary
from fairgate.constraints.classes import CLASSES, changes, outcomes
from fairgate.constraints.paired import Changes
from fairgate.constraints.rates import Counts, Group, Measured
from fairgate.constraints.units import UnitMethod
from fairgate.data import answers
from fairgate.data.columns import MISSING, Batch, Column
from fairgate.data.fingerprints import Fingerprints
from fairgate.data.grouping import Grouping, names_in
from fairgate.data.question import MOST_CLASSES, Question
from fairgate.data.units import UnitTally
from fairgate.errors import DataError

MOST_GROUPS = 500
_MOST_ANSWERS = 50
_BETWEEN = "\0"  # which no column of names holds


class Tally:
    """Counts outcomes.

    Args:
      question: which columns hold what.
      digesting: whether to keep digests of the examples and of the answers, for a ledger.
    """

    def __init__(self, question: Question, digesting: bool = False) -> None:
        self.question = question
        self.rows = 0
        self._hidden: set[str] = set()
        self._label = answers.Labels(question.label, question.positive)
        self._classes: answers.ClassLabels | None = None
        kinds, most = 2, _MOST_ANSWERS
        if question.classes:
            self._classes = answers.ClassLabels(question.label, question.classes)
            kinds, most = len(question.classes), MOST_CLASSES
        self._models = [_Model(name, question.groups, kinds, most) for name in question.decisions]
        self._both = _Model("both", question.groups, kinds, most**2)
        self._groups: dict[str, dict[str, int]] = {name: {} for name in question.groups}
        self._grouping = Grouping(question.groups, question.declared)
        self._missing: dict[str, int] = {}
        self._units = (
            UnitTally(question.weight, question.largest_weight) if question.in_units else None
        )
        self._fingerprints = Fingerprints(question.record is not None) if digesting else None

    def add(self, batch: Batch) -> None:
        """Counts the rows of a batch.

        Raises:
          DataError: a label is neither Yes nor No, or a column holds too many different values.
        """
        question = self.question
        labels = (self._classes or self._label).read(batch.names[question.label])
        said = [self._said(batch, name) for name in question.decisions]
        complete = self._present(question.label, labels)
        for name, column in zip(question.decisions, said, strict=True):
            complete &= self._present(name, column.codes)
        patterns = self._grouping.of(batch)
        for name in question.groups:
            complete &= self._present(name, patterns[name].codes)
        if question.unit is not None:
            complete &= self._present(question.unit, batch.names[question.unit].codes)
        if question.weight is not None:
            known = np.where(np.isnan(batch.numbers[question.weight]), MISSING, 0).astype(np.int32)
            complete &= self._present(question.weight, known)
        if question.record is not None:
            complete &= self._present(question.record, batch.names[question.record].codes)
        self.rows += len(complete)
        if not complete.all():
            return  # what is missing has been counted: nothing will be judged
        groups = {name: self._numbered(name, patterns[name]) for name in question.groups}
        for model, column in zip(self._models, said, strict=True):
            model.add(labels, column, patterns, groups)
        if len(said) > 1:
            self._both.add(labels, _together(*said), patterns, groups)
        if self._units is not None:
            self._units.add(
                None if question.unit is None else batch.names[question.unit],
                None if question.weight is None else batch.numbers[question.weight],
                [
                    labels.astype(np.int64),
                    *(m.codes(column) for m, column in zip(self._models, said, strict=True)),
                    *(groups[name][patterns[name].codes] for name in question.groups),
                ],
            )
        if self._fingerprints is not None:
            named = None if question.record is None else batch.names[question.record]
            self._fingerprints.add(labels, said[0], named)

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
        (self._classes or self._label).check()
        for model in self._models:
            if self._classes is None:
                self._meanings(model)
            else:
                self._classes.places(model.name, model.answers)

    def _meanings(self, model: _Model) -> NDArray[np.bool_]:
        """Which of a model's answers are a Yes."""
        if self.question.threshold is not None:
            return np.array([value == "1" for value in model.answers])
        return answers.meanings(model.name, list(model.answers), self._label)

    @property
    def groups(self) -> dict[str, list[str]]:
        """Feature -> the names of its groups: sorted, or as they are declared; and the classes."""
        classes = {CLASSES: list(self.question.classes)} if self._classes else {}
        return self._features | classes

    @property
    def _features(self) -> dict[str, list[str]]:
        found = {
            name: sorted({each for pattern in patterns for each in names_in(pattern)})
            for name, patterns in self._groups.items()
            if name not in self._hidden
        }
        declared = self.question.declared
        return found | {name: list(of.membership.names) for name, of in declared.items()}

    def hide(self, features: Iterable[str]) -> None:
        """Leaves features out of all that is told: what was counted in case it was asked for."""
        self._hidden.update(features)

    @property
    def warnings(self) -> list[str]:
        """A sentence for each feature of which the group of some is not known."""
        return [
            f"the group of {name} is not known of {unknown:,} of {self.rows:,} examples: they count for "
            f"everybody, and for no group of {name}"
            for name, unknown in self._grouping.unknown.items()
            if unknown
        ]

    def outcomes(self, baseline: bool = False) -> dict[Group | None, Counts]:
        """What was counted of the model, or of the baseline: of each group, and at None of everybody.

        The model's counts know besides how many answers differ from the baseline's, where there is one.
        """
        if self._classes is not None:
            return self._outcomes_of_classes(self._classes, baseline)
        model = self._models[int(baseline)]
        yes = self._meanings(model)
        beside = None if baseline or len(self._models) == 1 else self._differing()

        def counts(own: NDArray[np.int64], both: NDArray[np.int64]) -> Counts:
            found = _counts(own, yes)
            return found if beside is None else replace(found, against=_changes(both, *beside))

        own, both = self._cells(model), self._cells(self._both)
        return {group: counts(own[group], both[group]) for group in own}

    def _cells(self, model: _Model) -> dict[Group | None, NDArray[np.int64]]:
        """(labels, answers) of each group, and at None of everybody."""
        found: dict[Group | None, NDArray[np.int64]] = {None: model.everybody}
        for name, groups in self._features.items():
            numbers, of = self._groups[name], model.of_groups[name]
            for group in groups:
                places = [place for pattern, place in numbers.items() if group in names_in(pattern)]
                found[Group(name, group)] = of[places].sum(axis=0) if len(of) else model.everybody
        return found

    def _outcomes_of_classes(
        self, labels: answers.ClassLabels, baseline: bool
    ) -> dict[Group | None, Counts]:
        """As `outcomes`, of each class against the rest besides: see `constraints.classes`."""
        size, model = len(labels.classes), self._models[int(baseline)]
        said = labels.places(model.name, model.answers)

        def table(cells: NDArray[np.int64]) -> NDArray[np.int64]:
            of, answer = np.divmod(np.arange(cells.size), max(len(said), 1))
            found = np.zeros((size, size), np.int64)
            np.add.at(found, (of, said[answer]), cells.ravel())
            return found

        tables = {group: table(cells) for group, cells in self._cells(model).items()}
        if baseline or len(self._models) == 1:
            return outcomes(tables, labels.classes)
        pairs = [pair.split(_BETWEEN) for pair in self._both.answers]
        own, other = (
            labels.places(each.name, [pair[at] for pair in pairs])
            for at, each in enumerate(self._models)
        )

        def differing(cells: NDArray[np.int64]) -> NDArray[np.int64]:
            of, pair = np.divmod(np.arange(cells.size), max(len(pairs), 1))
            return changes(of, own[pair], other[pair], size, cells.ravel())

        both = {group: differing(cells) for group, cells in self._cells(self._both).items()}
        return outcomes(tables, labels.classes, both)

    def _differing(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which pairs of answers only the model means as a Yes, and which only the baseline does."""
        own, other = (
            dict(zip(model.answers, self._meanings(model), strict=True)) for model in self._models
        )
        pairs = [pair.split(_BETWEEN) for pair in self._both.answers]
        said = np.array([(own[one], other[two]) for one, two in pairs], bool).reshape(-1, 2)
        return said[:, 0] & ~said[:, 1], said[:, 1] & ~said[:, 0]

    def unit_outcomes(self, method: UnitMethod, baseline: bool = False) -> Measured:
        """What `outcomes` counts, by unit; DataError where one has more examples than the largest."""
        assert self._units is not None
        number = int(baseline)
        other = None
        if not baseline and len(self._models) > 1:
            other = 1, self._meanings(self._models[1])
        return self._units.outcomes(
            number,
            self._meanings(self._models[number]),
            {name: list(numbers) for name, numbers in self._groups.items()},
            method,
            self.question.largest_unit,
            other,
        )

    @property
    def fingerprints(self) -> Fingerprints:
        """What a ledger knows the examples and the answers by.

        The same examples are known again whatever groups are asked about.
        """
        assert self._fingerprints is not None, "digesting was not asked for"
        return self._fingerprints


class _Model:
    """How often a model gave each of its answers, by label: in all, and in each group.

    Args:
      name: of the column of its answers.
      features: names of the group features.
      kinds: how many different labels there are.
      most: how many different answers there may be.

    Attributes:
      answers: each different answer -> its number.
      everybody: (kinds, answers) examples by label and answer.
      of_groups: feature -> (groups, kinds, answers).
    """

    def __init__(self, name: str, features: Sequence[str], kinds: int, most: int) -> None:
        self.name, self.kinds, self.most = name, kinds, most
        self.answers: dict[str, int] = {}
        self.everybody = np.zeros((kinds, 0), np.int64)
        self.of_groups = {feature: np.zeros((0, kinds, 0), np.int64) for feature in features}

    def codes(self, said: Column) -> NDArray[np.int64]:
        """(n,) the numbers of answers that were added."""
        return np.array([self.answers[value] for value in said.values], np.int64)[said.codes]

    def add(
        self,
        labels: NDArray[np.int8],
        said: Column,
        names: Mapping[str, Column],
        groups: Mapping[str, NDArray[np.int64]],
    ) -> None:
        """Counts complete rows; `groups` are the numbers of the values of each feature's column."""
        places = [self.answers.setdefault(v, len(self.answers)) for v in said.values]
        if len(self.answers) > self.most:
            raise DataError(
                f"column {self.name!r} holds more than {self.most} different values: expected "
                f"decisions, or scores with a threshold ({vocabulary.now().value('threshold', 'NUMBER')})"
            )
        width, kinds = len(said.values), self.kinds
        found_there = labels * np.int32(width) + said.codes
        self.everybody = _grown(self.everybody, (kinds, len(self.answers)))
        cells = np.bincount(found_there, minlength=kinds * width)
        self.everybody[:, places] += cells.reshape(kinds, width)
        for feature, found in groups.items():
            rows = len(found)
            cells = np.bincount(
                names[feature].codes * (kinds * width) + found_there,
                minlength=rows * kinds * width,
            )
            of_groups = self.of_groups[feature]
            size = max(len(of_groups), int(found.max(initial=-1)) + 1)
            of_groups = _grown(of_groups, (size, kinds, len(self.answers)))
            of_groups[np.ix_(found, np.arange(kinds), np.array(places))] += cells.reshape(
                rows, kinds, width
            )
            self.of_groups[feature] = of_groups


def _together(one: Column, other: Column) -> Column:
    """Both answers of each row as one."""
    values = tuple(f"{a}{_BETWEEN}{b}" for a in one.values for b in other.values)
    return Column(values, one.codes * np.int32(len(other.values)) + other.codes)


def _changes(
    cells: NDArray[np.int64], only_this: NDArray[np.bool_], only_other: NDArray[np.bool_]
) -> Changes:
    """Of (2, pairs of answers) examples by label and pair."""
    gained, lost = cells[:, only_this].sum(axis=1), cells[:, only_other].sum(axis=1)
    return Changes(int(gained[1]), int(lost[1]), int(gained[0]), int(lost[0]))


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
