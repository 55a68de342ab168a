"""Outcomes of each group, counted batch by batch: memory grows with the groups, not with the rows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairgate.constraints.rates import Counts, Group
from fairgate.data.columns import MISSING, Batch, Column
from fairgate.errors import DataError

MOST_GROUPS = 500
_YES = ("1", "true", "yes", "y", "t")
_NO = ("0", "-1", "false", "no", "n", "f")
_SHOWN = 5
# Bits of an outcome's number.
_LABEL, _DECISION, _BASELINE = 1, 2, 4


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
    """

    label: str
    prediction: str
    groups: Sequence[str]
    baseline: str | None = None
    threshold: float | None = None
    positive: str | None = None

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
        self._label = _Meaning(question.label, question.positive)
        self._said = [
            (name, _Meaning(name, question.positive, self._label)) for name in question.decisions
        ]
        self._everybody = np.zeros(8, np.int64)
        self._numbers: dict[str, dict[str, int]] = {name: {} for name in question.groups}
        self._counts = {name: np.zeros((0, 8), np.int64) for name in question.groups}
        self._missing: dict[str, int] = {}
        columns = (question.label, question.prediction) if digesting else ()
        self._digests = {name: hashlib.blake2b(digest_size=16) for name in columns}

    def add(self, batch: Batch) -> None:
        """Counts the rows of a batch.

        Raises:
          DataError: a value of a label or decision is neither Yes nor No.
        """
        question = self.question
        answers = [self._label.read(batch.names[question.label])]
        for name, meaning in self._said:
            if question.threshold is None:
                answers.append(meaning.read(batch.names[name]))
            else:
                scores = batch.numbers[name]
                said = (scores > question.threshold).astype(np.int8)
                answers.append(np.where(np.isnan(scores), np.int8(MISSING), said))
        complete = np.ones(len(answers[0]), bool)
        for name, answer in zip([question.label, *question.decisions], answers, strict=True):
            complete &= self._present(name, answer)
        for name in question.groups:
            complete &= self._present(name, batch.names[name].codes)
        self.rows += len(complete)
        if not complete.all():
            return  # what is missing has been counted: nothing will be judged
        outcomes = np.zeros(len(complete), np.int32)
        for bit, answer in zip((_LABEL, _DECISION, _BASELINE), answers, strict=False):
            outcomes += bit * answer
        self._everybody += np.bincount(outcomes, minlength=8)
        for name in question.groups:
            self._count(name, batch.names[name], outcomes)
        if self._digests:
            self._digests[question.label].update(answers[0].tobytes())
            self._digests[question.prediction].update(answers[1].tobytes())

    def _present(self, name: str, codes: NDArray[np.int8] | NDArray[np.int32]) -> NDArray[np.bool_]:
        there: NDArray[np.bool_] = codes != MISSING
        absent = len(there) - int(np.count_nonzero(there))
        if absent:
            self._missing[name] = self._missing.get(name, 0) + absent
        return there

    def _count(self, name: str, column: Column, outcomes: NDArray[np.int32]) -> None:
        numbers = self._numbers[name]
        found = np.array([numbers.setdefault(v, len(numbers)) for v in column.values], np.int32)
        if len(numbers) > MOST_GROUPS:
            raise DataError(
                f"column {name!r} holds more than {MOST_GROUPS} different values: groups are expected, "
                "by name. Put numbers into ranges, and rare values together, before"
            )
        counts = np.zeros((len(numbers), 8), np.int64)
        counts[: len(self._counts[name])] = self._counts[name]
        cells = np.bincount(column.codes * 8 + outcomes, minlength=8 * len(found))
        counts[found] += cells.reshape(-1, 8)
        self._counts[name] = counts

    def check(self) -> None:
        """Raises DataError where nothing can be judged: no rows, no value in some, no Yes at all."""
        if not self.rows:
            raise DataError("there are no rows, so there is nothing to judge")
        for name, absent in self._missing.items():
            raise DataError(
                f"column {name!r} has no value in {absent:,} of {self.rows:,} rows. The gate leaves no "
                "row out by itself: give these rows a value (for a group, such as 'unknown'), or take "
                "them out before, and say that you did"
            )
        self._label.check()

    @property
    def groups(self) -> dict[str, list[str]]:
        """Feature -> the names of its groups, sorted."""
        return {name: sorted(numbers) for name, numbers in self._numbers.items()}

    def outcomes(self, baseline: bool = False) -> dict[Group | None, Counts]:
        """What was counted of the model, or of the baseline: of each group, and at None of everybody."""
        bit = _BASELINE if baseline else _DECISION
        measured: dict[Group | None, Counts] = {None: _counts(self._everybody, bit)}
        for name, numbers in self._numbers.items():
            for value in sorted(numbers):
                row = self._counts[name][numbers[value]]
                measured[Group(name, value)] = _counts(row, bit)
        return measured

    def digest_of_examples(self) -> str:
        """32 hex digits over the labels, row by row.

        The same examples in the same order are known again whatever groups are asked about. Two test
        sets with the same sequence of labels are taken for one, which is on the safe side.
        """
        return self._digests[self.question.label].hexdigest()

    def digest_of_answers(self) -> str:
        """32 hex digits over the model's decisions, row by row."""
        return self._digests[self.question.prediction].hexdigest()


class _Meaning:
    """Which values of a column are a Yes, which a No."""

    def __init__(self, column: str, positive: str | None, label: _Meaning | None = None) -> None:
        self.column, self.positive, self.label = column, positive, label
        self.known: dict[str, int] = {}

    def read(self, column: Column) -> NDArray[np.int8]:
        """(n,) 1 for Yes, 0 for No, MISSING for neither."""
        table = np.empty(len(column.values) + 1, np.int8)
        table[MISSING] = MISSING
        for position, value in enumerate(column.values):
            if value not in self.known:
                self.known[value] = self._meaning(value)
            table[position] = self.known[value]
        if self.positive is None and len(self.known) > 2:
            raise DataError(
                f"column {self.column!r} holds more than two values ({self._shown()}): expected a Yes "
                "and a No. Name the Yes (positive=VALUE), or give scores with a threshold "
                "(threshold=NUMBER)"
            )
        return table[column.codes]

    def _meaning(self, value: str) -> int:
        word = value.lower()
        if self.positive is not None and value == self.positive:
            return 1
        if self.positive is not None and (self.label is None or value in self.label.known):
            return 0
        said_plainly = self.positive is None or self.positive.lower() not in _YES + _NO
        if said_plainly and word in _YES + _NO:
            return int(word in _YES)
        self.known[value] = 0
        raise DataError(
            f"column {self.column!r} holds {value!r}, which is neither Yes nor No: expected 1 and 0, "
            "true and false, or yes and no; or name the label's value that is a Yes (positive=VALUE), "
            "or give scores with a threshold (threshold=NUMBER)"
        )

    def check(self) -> None:
        """Raises DataError where the value that is a Yes never came."""
        if self.positive is not None and self.positive not in self.known:
            raise DataError(
                f"column {self.column!r} never holds {self.positive!r}, which was named as its Yes; it "
                f"holds {self._shown()}"
            )

    def _shown(self) -> str:
        values = [repr(value) for value in sorted(self.known)]
        return ", ".join(values[:_SHOWN]) + (" ..." if len(values) > _SHOWN else "")


def _counts(cells: NDArray[np.int64], bit: int) -> Counts:
    """Of the eight cells, those of a model's decisions at `bit`."""

    def total(label: bool, said: bool) -> int:
        return int(
            sum(
                cells[cell]
                for cell in range(8)
                if bool(cell & _LABEL) == label and bool(cell & bit) == said
            )
        )

    return Counts(
        tp=total(True, True), fp=total(False, True), tn=total(False, False), fn=total(True, False)
    )
