"""Guesses of what columns mean: by their names, and by what they hold. A person has the last word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.data.drafts.columns import Column

_LABELS = {
    *("label", "target", "class", "outcome", "y", "response", "result", "decision", "positive"),
    *(
        "default",
        "risk",
        "fraud",
        "approved",
        "approval",
        "accepted",
        "granted",
        "admitted",
        "hired",
    ),
    *(
        "pass",
        "passed",
        "graduated",
        "recid",
        "recidivism",
        "reoffended",
        "churn",
        "income",
        "survived",
    ),
    *("readmitted", "diagnosis", "disease", "died"),
}
_YES = {
    *(
        "1",
        "yes",
        "y",
        "true",
        "t",
        "positive",
        "pos",
        "+",
        "pass",
        "passed",
        "approved",
        "accepted",
    ),
    *("granted", "admitted", "hired", "high", "good", "ja", "oui", "si", "sí"),
}
_NO = {
    *(
        "0",
        "-1",
        "no",
        "n",
        "false",
        "f",
        "negative",
        "neg",
        "-",
        "fail",
        "failed",
        "denied",
        "rejected",
    ),
    *("refused", "not hired", "low", "bad", "nein", "non"),
}
# Of what a group feature is called: words of a column's name.
_KINDS = {
    "Sex": {"sex", "gender", "male", "female", "geschlecht", "sexe", "sexo", "género", "genero"},
    "Race": {"race", "ethnic", "ethnicity", "skin"},
    "Age": {"age", "agegroup", "alter"},
    "Religion": {"religion"},
    "Disability": {"disability", "disabled"},
}
_WORDS_OF_VALUES = {
    "Sex": ({"male", "female", "man", "woman", "men", "women"}, 2),
    "Race": ({"white", "black", "asian", "hispanic", "caucasian", "african-american"}, 2),
}
_PEOPLE = {
    *(
        "person",
        "people",
        "customer",
        "client",
        "patient",
        "subject",
        "user",
        "applicant",
        "member",
    ),
    *("employee", "student", "household", "borrower", "respondent", "defendant"),
}
_WEIGHTS = {"fnlwgt", "perwt", "pwgtp", "hhwt", "wtfinl", "pweight", "finalwt", "finalweight"}
_WEIGHT_OF = {"sample", "sampling", "survey", "person", "final", "case", "design", "instance"}
_FEW = 12
"""A column of so many values, or fewer, may be one of groups as it is."""


def words(name: str) -> set[str]:
    """The words of a column's name, in small letters.

    >>> sorted(words("two_year_recid")), sorted(words("ageGroup")), sorted(words("default payment"))
    (['recid', 'two', 'year'], ['age', 'group'], ['default', 'payment'])
    """
    parted = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    return {word for word in re.split(r"[\W_]+", parted.lower()) if word}


@dataclass(frozen=True)
class Candidate:
    """A column that may be the label.

    Attributes:
      column: has two values.
      score: the larger, the likelier.
    """

    column: Column
    score: int


def labels(columns: Sequence[Column]) -> list[Candidate]:
    """The columns that may be the label, the likeliest first."""
    found = []
    for place, column in enumerate(columns):
        if len(column.values) != 2 or kind(column) is not None:
            continue
        named = bool(words(column.name) & _LABELS)
        found.append(Candidate(column, 3 * named + 2 * (place == len(columns) - 1)))
    return sorted(found, key=lambda each: -each.score)


def is_clear(found: Sequence[Candidate]) -> bool:
    """Whether the first candidate is likelier than all others, for a reason."""
    if len(found) == 1:
        return True
    return bool(found) and found[0].score > max(found[1].score, 0)


def positive(column: Column) -> tuple[str, bool]:
    """(the value that is Yes, whether its wording says so): if not, the rarer one."""
    two = len(column.values) == 2
    if two and column.is_numeric:
        if 0 in column.numbers or set(column.numbers) == {-1.0, 1.0}:
            yes_or_no = column.numbers if -1 in column.numbers else np.abs(column.numbers)
            return column.values[int(np.argmax(yes_or_no))], True
    elif two:
        yes = [value for value in column.values if value.lower() in _YES or value.startswith(">")]
        no = [value for value in column.values if value.lower() in _NO or value.startswith("<")]
        if len(yes) == 1:
            return yes[0], True
        if len(no) == 1:
            return next(value for value in column.values if value != no[0]), True
    return column.values[int(np.argmin(column.counts))], False


def kind(column: Column) -> str | None:
    """Which attribute of people a column holds, such as "Sex"; None if none that is known."""
    found = words(column.name)
    for name, known in _KINDS.items():
        if found & known:
            return name
    values = {value.lower() for value in column.values[: _FEW + 1]}
    for name, (known, least) in _WORDS_OF_VALUES.items():
        if len(column.values) <= _FEW and len(values & known) >= least:
            return name
    return None


def groups(columns: Sequence[Column]) -> dict[str, Column]:
    """Attribute -> the column to take for it: few values rather than many, text rather than numbers."""
    found: dict[str, Column] = {}
    for column in columns:
        name = kind(column)
        if name is None or len(column.values) < 2 or not (_is_few(column) or column.is_numeric):
            continue
        other = found.get(name)
        if other is None or _ease(column) < _ease(other):
            found[name] = column
    return found


def _is_few(column: Column) -> bool:
    return len(column.values) <= _FEW


def _ease(column: Column) -> tuple[bool, bool]:
    return not _is_few(column), column.is_numeric


def unit(columns: Sequence[Column]) -> Column | None:
    """The column that says whose row it is, where people have several rows."""
    for column in columns:
        named = words(column.name)
        says = bool(named & _PEOPLE) and bool(named & {"id", "no", "number", "nr", "code"})
        if says and not column.missing and len(column.values) < len(column.codes):
            return column
    return None


def weight(columns: Sequence[Column]) -> Column | None:
    """The column that says what a row counts, by a name that surveys give it."""
    for column in columns:
        named = words(column.name)
        says = bool(named & _WEIGHTS) or ("weight" in named and bool(named & _WEIGHT_OF))
        if says and column.is_numeric and not column.missing and column.numbers.min() >= 0:
            return column
    return None
