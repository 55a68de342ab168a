"""From columns of text to complete records: which rows count, and why the others do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairgate.constraints import crossings
from fairgate.constraints.rates import Group
from fairgate.data.answers import Positive, Yes, plain_meaning
from fairgate.data.columns import MISSING, Column, to_number
from fairgate.data.groups import GroupFeature, declare
from fairgate.data.membership import Values
from fairgate.monitoring.rounds import Records

_BAD = -2
_NONE: Mapping[str, GroupFeature] = MappingProxyType({})
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
    positive: Positive = None,
    declared: Mapping[str, GroupFeature] = _NONE,
) -> tuple[Records, LeftOut]:
    """The complete records, and what was left out.

    Args:
      labels: what is right.
      predictions: what the model said; scores where there is a threshold.
      groups: feature -> names of groups, or the values that make them; none of crossings.
      known: feature -> the names that count.
      threshold: a score above it is a Yes.
      positive: what is a Yes; every other value of the label is then a No.
      declared: of the features whose columns hold no names of groups, what makes them of the values.
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

    yes_of = None if positive is None else Yes(positive)
    said = _prediction(threshold, positive, yes_of)
    right = _codes(labels, lambda text: _label(text, yes_of))
    yes = _codes(predictions, said)
    wanted = "a number" if threshold is not None else _WORDS
    leave_out(right == _BAD, BAD_VALUE, f"{_WORDS}: the label", labels)
    leave_out(yes == _BAD, BAD_VALUE, f"{wanted}: the prediction", predictions)
    leave_out(right == MISSING, "no label", "the label", labels)
    leave_out(yes == MISSING, "no prediction", "the prediction", predictions)
    members = {}
    for feature, names in known.items():
        if feature not in groups:
            continue  # a crossing of others
        column = groups[feature]
        if feature in declared:
            found = declared[feature].membership.members(Values.of([*column.values, None]))
            strange = found.strange[column.codes]
            leave_out(strange & (column.codes == MISSING), "no group", feature, column)
            leave_out(strange, "a group that is not watched", feature, column)
            for name, of in zip(names, found.groups, strict=True):
                members[Group(feature, name)] = of[column.codes]
            continue
        numbers = {name: number for number, name in enumerate(names)}
        codes = _codes(column, lambda text, numbers=numbers: numbers.get(text, _BAD))  # type: ignore[misc]
        leave_out(codes == MISSING, "no group", feature, column)
        leave_out(codes == _BAD, "a group that is not watched", feature, column)
        members.update({Group(feature, name): codes == number for name, number in numbers.items()})
    complete = Records(
        right[keep] == 1, yes[keep] == 1, {group: mask[keep] for group, mask in members.items()}
    )
    return complete, left_out


def columns_of(features: Iterable[str], declared: Mapping[str, GroupFeature]) -> dict[str, str]:
    """Feature -> the column that it is read from; not of crossings of the others, which have none.

    >>> columns_of(["sex", "race", "sex x race"], {})
    {'sex': 'sex', 'race': 'race'}
    """
    names = list(features)
    plain = [
        name for name in names if not crossings.crossed(name, {n: () for n in names if n != name})
    ]
    return {name: declared[name].name if name in declared else name for name in plain}


def declared_of(question: Mapping[str, Any]) -> dict[str, GroupFeature]:
    """The declared groups of what `Monitor.question` told."""
    return declare(question.get("declared", {}))


def _codes(column: Column, meaning: Callable[[str], int]) -> NDArray[np.int32]:
    """(n,) the meaning of each row's value; MISSING where it has none."""
    codes = np.empty(len(column.values) + 1, np.int32)
    codes[MISSING] = MISSING
    codes[:-1] = [meaning(value) for value in column.values]
    return codes[column.codes]


def _label(text: str, yes: Yes | None) -> int:
    if yes is not None:
        return _BAD if yes.strange([text])[0] else int(yes.of([text])[0])
    meaning = plain_meaning(text)
    return _BAD if meaning is None else int(meaning)


def _prediction(
    threshold: float | None, positive: Positive, yes: Yes | None
) -> Callable[[str], int]:
    def score(text: str) -> int:
        try:
            value = to_number(text)
        except ValueError:
            return _BAD
        return MISSING if value != value else int(threshold is not None and value > threshold)

    def decision(text: str) -> int:
        plain = plain_meaning(text)
        if yes is None:
            return _BAD if plain is None else int(plain)
        # In the label's own words, or in plain ones, unless these are the label's own.
        own = [positive] if isinstance(positive, str) else positive or ()
        if plain is not None and all(plain_meaning(each) is None for each in own):
            return int(plain)
        return _label(text, yes)

    return decision if threshold is None else score
