"""From columns of text to complete records: which rows count, and why the others do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fairgate.constraints.rates import Group
from fairgate.data.answers import plain_meaning
from fairgate.data.columns import MISSING, Column
from fairgate.monitoring.rounds import Records

_BAD = -2
_WORDS = "expected 1 and 0, true and false, or yes and no"


@dataclass
class LeftOut:
    """Rows that did not count.

    Attributes:
      rows: reason -> how many.
      examples: reason -> the first of them, in words.
    """

    rows: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, reason: str, rows: int, example: str) -> None:
        """Counts rows that are left out for one reason."""
        if rows:
            self.rows[reason] += rows
            self.examples.setdefault(reason, example)


BAD_VALUE = "a value without a meaning"


def records(
    labels: Column,
    predictions: Column,
    groups: Mapping[str, Column],
    known: Mapping[str, Sequence[str]],
    threshold: float | None = None,
    positive: str | None = None,
) -> tuple[Records, LeftOut]:
    """The complete records, and what was left out.

    Args:
      labels: what is right.
      predictions: what the model said; scores where there is a threshold.
      groups: feature -> names of groups.
      known: feature -> the names that count.
      threshold: a score above it is a Yes.
      positive: the value that is a Yes; every other value of the label is then a No.
    """
    left_out = LeftOut()
    keep = np.ones(len(labels.codes), bool)

    def leave_out(bad: NDArray[np.bool_], reason: str, name: str, column: Column) -> None:
        nonlocal keep
        rows = np.flatnonzero(bad & keep)
        if len(rows):
            code = column.codes[rows[0]]
            value = "nothing" if code == MISSING else repr(column.values[code][:80])
            left_out.add(reason, len(rows), f"{name} holds {value}")
        keep = keep & ~bad

    said = _prediction(threshold, positive)
    right = _codes(labels, lambda text: _label(text, positive))
    yes = _codes(predictions, said)
    wanted = "a number" if threshold is not None else _WORDS
    leave_out(right == _BAD, BAD_VALUE, f"{_WORDS}: the label", labels)
    leave_out(yes == _BAD, BAD_VALUE, f"{wanted}: the prediction", predictions)
    leave_out(right == MISSING, "no label", "the label", labels)
    leave_out(yes == MISSING, "no prediction", "the prediction", predictions)
    members = {}
    for feature, names in known.items():
        column = groups[feature]
        numbers = {name: number for number, name in enumerate(names)}
        codes = _codes(column, lambda text, numbers=numbers: numbers.get(text, _BAD))  # type: ignore[misc]
        leave_out(codes == MISSING, "no group", feature, column)
        leave_out(codes == _BAD, "a group that is not watched", feature, column)
        members.update({Group(feature, name): codes == number for name, number in numbers.items()})
    complete = Records(
        right[keep] == 1, yes[keep] == 1, {group: mask[keep] for group, mask in members.items()}
    )
    return complete, left_out


def _codes(column: Column, meaning: Callable[[str], int]) -> NDArray[np.int32]:
    """(n,) the meaning of each row's value; MISSING where it has none."""
    codes = np.empty(len(column.values) + 1, np.int32)
    codes[MISSING] = MISSING
    codes[:-1] = [meaning(value) for value in column.values]
    return codes[column.codes]


def _label(text: str, positive: str | None) -> int:
    if positive is not None:
        return int(text == positive)
    meaning = plain_meaning(text)
    return _BAD if meaning is None else int(meaning)


def _prediction(threshold: float | None, positive: str | None) -> Callable[[str], int]:
    def score(text: str) -> int:
        try:
            value = float(text)
        except ValueError:
            return _BAD
        return MISSING if value != value else int(threshold is not None and value > threshold)

    def decision(text: str) -> int:
        plain = plain_meaning(text)
        if positive is None:
            return _BAD if plain is None else int(plain)
        # In the label's own words, or in plain ones, unless these are the label's own.
        if plain is not None and plain_meaning(positive) is None:
            return int(plain)
        return int(text == positive)

    return decision if threshold is None else score
