"""Which values of a column are a Yes, and which a No."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairgate import vocabulary
from fairgate.data.columns import MISSING, Column, text_of
from fairgate.data.membership import Rule, Values
from fairgate.errors import DataError, SettingsError

_YES = ("1", "true", "yes", "y", "t")
_NO = ("0", "-1", "false", "no", "n", "f")
_SHOWN = 5


Positive = str | tuple[str, ...] | None
"""What is a Yes: a value, a range of numbers such as ">= 50000", or several; None: 1, true or yes."""


def positive_of(given: Any) -> Positive:
    """What is a Yes, of a value or of several, as text.

    >>> positive_of(1.0), positive_of([2, ">=5"]), positive_of(["a"])
    ('1', ('2', '>=5'), 'a')
    """
    if not isinstance(given, list | tuple):
        return text_of(given)
    found = tuple(text for value in given if (text := text_of(value)) is not None)
    return found[0] if len(found) == 1 else found or None


class Yes:
    """Which values of a label are a Yes.

    Args:
      positive: what is.

    Raises:
      SettingsError: it names a quantile, which nobody has measured.
    """

    def __init__(self, positive: str | tuple[str, ...]) -> None:
        self._rule = Rule.of(positive)
        if waits := self._rule.waits_for:
            raise SettingsError(
                f"{vocabulary.now().argument('positive')}: {waits[0]} is a quantile; expected numbers"
            )

    @property
    def is_range(self) -> bool:
        """Whether it is about numbers alone, of which there may be many."""
        return bool(self._rule.ranges)

    def of(self, values: Iterable[str]) -> list[bool]:
        """Of each value, whether it is a Yes; all others are a No."""
        found: list[bool] = self._rule.members(Values.of(values)).tolist()
        return found

    def strange(self, values: Iterable[str]) -> list[bool]:
        """Of each value, whether it has no meaning: a range is of numbers, and it is none."""
        known = Values.of(values)
        none = np.isnan(known.numbers) & ~self._rule.members(known)
        found: list[bool] = (none & self.is_range).tolist()
        return found

    def __str__(self) -> str:
        return " or ".join(map(repr, self._rule.items))


class Labels:
    """The column of labels.

    Args:
      column: its name.
      positive: what is a Yes.

    Attributes:
      values: those that were seen.
    """

    def __init__(self, column: str, positive: Positive) -> None:
        self.column, self.positive = column, positive
        self.yes = None if positive is None else Yes(positive)
        self.values: set[str] = set()

    def read(self, column: Column) -> NDArray[np.int8]:
        """(n,) 1 for Yes, 0 for No, MISSING where there is no value.

        Raises:
          DataError: a value is neither, or there are more than two and none was named.
        """
        self.values.update(column.values)
        yes = np.empty(len(column.values) + 1, np.int8)
        yes[MISSING] = MISSING
        if self.yes is None:
            yes[:-1] = _plain(self.column, column.values)
            _require_two(self.column, self.values)
        else:
            for value, is_strange in zip(
                column.values, self.yes.strange(column.values), strict=True
            ):
                if is_strange:
                    raise DataError(
                        f"column {self.column!r} holds {value!r}, which is no number: expected numbers, "
                        f"because {self.yes} was named as its Yes"
                    )
            yes[:-1] = self.yes.of(column.values)
        return yes[column.codes]

    def check(self) -> None:
        """Raises DataError where the value that is a Yes never came."""
        if self.yes is not None and not any(self.yes.of(self.values)):
            raise DataError(
                f"column {self.column!r} never holds {self.yes}, which was named as its Yes; it "
                f"holds {shown(self.values)}"
            )


class ClassLabels:
    """The column of labels that are one of several classes.

    Args:
      column: its name.
      classes: their names, which are the values.
    """

    def __init__(self, column: str, classes: Sequence[str]) -> None:
        self.column, self.classes = column, list(classes)
        self._seen: set[int] = set()

    def read(self, column: Column) -> NDArray[np.int8]:
        """(n,) the place of the class of each, MISSING where there is no value.

        Raises:
          DataError: a value is no class.
        """
        places = np.append(self.places(self.column, column.values), MISSING).astype(np.int8)
        found: NDArray[np.int8] = places[column.codes]
        self._seen.update(np.unique(found).tolist())
        return found

    def places(self, column: str, values: Iterable[str]) -> NDArray[np.int64]:
        """(n,) the place of each value of `column` among the classes; DataError where one is none."""
        known = {name: place for place, name in enumerate(self.classes)}
        for value in values:
            if value not in known:
                raise DataError(
                    f"column {column!r} holds {value!r}, which is no class: expected one of "
                    f"{', '.join(map(repr, self.classes))}"
                )
        return np.array([known[value] for value in values], np.int64)

    def check(self) -> None:
        """Raises DataError where a class never came: nothing is known of it."""
        for place, name in enumerate(self.classes):
            if place not in self._seen:
                raise DataError(f"column {self.column!r} never holds the class {name!r}")


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
    if labels.yes is None:
        _require_two(column, values)
        return np.array(_plain(column, values), bool)
    own = np.array(labels.yes.of(values), bool)
    if labels.yes.is_range:
        return _of_range(column, values, own, labels.yes)
    if set(values) <= labels.values:
        return own
    known = [labels.positive] if isinstance(labels.positive, str) else labels.positive or ()
    if not labels.values & set(values) and not any(each.lower() in _YES + _NO for each in known):
        return np.array(_plain(column, values), bool)
    other = next(value for value in values if value not in labels.values)
    raise DataError(
        f"column {column!r} holds {other!r}, which the label {labels.column!r} does not "
        f"({shown(labels.values)}): expected the label's own values, because {labels.yes} was "
        "named as its Yes"
    )


def _of_range(
    column: str, values: Sequence[str], own: NDArray[np.bool_], yes: Yes
) -> NDArray[np.bool_]:
    """Answers beside a label of numbers: decisions in plain words, or numbers like the label's."""
    plain = [plain_meaning(value) for value in values]
    if None in plain:
        for value, is_strange in zip(values, yes.strange(values), strict=True):
            if is_strange:
                raise DataError(
                    f"column {column!r} holds {value!r}: expected decisions, such as 1 and 0, or numbers "
                    f"like the label's, of which {yes} is a Yes"
                )
        return own
    decisions = np.array(plain, bool)
    if any(number not in ("0", "1") for number in values) or np.array_equal(decisions, own):
        return decisions
    if any(own):
        raise DataError(
            f"column {column!r} holds {shown(values)}, which may be decisions or numbers like the "
            f"label's, of which {yes} is a Yes: write decisions as yes and no"
        )
    return decisions


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
