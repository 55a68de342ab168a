"""Which values of a column are a Yes, and which a No."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from fairgate import vocabulary
from fairgate.data.columns import MISSING, Column
from fairgate.errors import DataError

_YES = ("1", "true", "yes", "y", "t")
_NO = ("0", "-1", "false", "no", "n", "f")
_SHOWN = 5


class Labels:
    """The column of labels.

    Args:
      column: its name.
      positive: the value that is a Yes; None: 1, true or yes.

    Attributes:
      values: those that were seen.
    """

    def __init__(self, column: str, positive: str | None) -> None:
        self.column, self.positive = column, positive
        self.values: set[str] = set()

    def read(self, column: Column) -> NDArray[np.int8]:
        """(n,) 1 for Yes, 0 for No, MISSING where there is no value.

        Raises:
          DataError: a value is neither, or there are more than two and none was named.
        """
        self.values.update(column.values)
        yes = np.empty(len(column.values) + 1, np.int8)
        yes[MISSING] = MISSING
        if self.positive is None:
            yes[:-1] = _plain(self.column, column.values)
            _require_two(self.column, self.values)
        else:
            yes[:-1] = [value == self.positive for value in column.values]
        return yes[column.codes]

    def check(self) -> None:
        """Raises DataError where the value that is a Yes never came."""
        if self.positive is not None and self.positive not in self.values:
            raise DataError(
                f"column {self.column!r} never holds {self.positive!r}, which was named as its Yes; it "
                f"holds {shown(self.values)}"
            )


def plain_meaning(value: str) -> bool | None:
    """Whether a value is a Yes in plain words, or a No; None where it is neither.

    >>> plain_meaning("Yes"), plain_meaning("0"), plain_meaning("maybe")
    (True, False, None)
    """
    word = value.lower()
    return word in _YES if word in _YES + _NO else None


def meanings(column: str, values: Sequence[str], labels: Labels) -> NDArray[np.bool_]:
    """Which of a model's answers are a Yes: in the label's own words, or in plain ones.

    Args:
      column: the name of the answers' column.
      values: its different values, all of them.
      labels: after the last row was read.

    Raises:
      DataError: the values are neither all the label's nor all plain; or could be both.
    """
    if labels.positive is None:
        _require_two(column, values)
        return np.array(_plain(column, values), bool)
    if set(values) <= labels.values:
        return np.array([value == labels.positive for value in values])
    if not labels.values & set(values) and labels.positive.lower() not in _YES + _NO:
        return np.array(_plain(column, values), bool)
    other = next(value for value in values if value not in labels.values)
    raise DataError(
        f"column {column!r} holds {other!r}, which the label {labels.column!r} does not "
        f"({shown(labels.values)}): expected the label's own values, because {labels.positive!r} was "
        "named as its Yes"
    )


def shown(values: Iterable[str]) -> str:
    """Some of them, for a message."""
    ordered = sorted(values)
    return ", ".join(map(repr, ordered[:_SHOWN])) + (" ..." if len(ordered) > _SHOWN else "")


def _plain(column: str, values: Iterable[str]) -> list[bool]:
    found = []
    for value in values:
        meaning = plain_meaning(value)
        if meaning is None:
            raise DataError(
                f"column {column!r} holds {value!r}, which is neither Yes nor No: expected 1 and 0, true "
                "and false, or yes and no; or name the label's value that is a Yes "
                f"{_ways_out()}"
            )
        found.append(meaning)
    return found


def _require_two(column: str, values: Iterable[str]) -> None:
    different = set(values)
    if len(different) > 2:
        raise DataError(
            f"column {column!r} holds more than two values ({shown(different)}): expected a Yes and a "
            f"No. Name the Yes {_ways_out()}"
        )


def _ways_out() -> str:
    value = vocabulary.now().value
    return (
        f"({value('positive', 'VALUE')}), or give scores with a threshold "
        f"({value('threshold', 'NUMBER')})"
    )
