"""How the fields of a table are written: words for nothing, decimal commas, dates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.data.drafts.columns import Column, Look
from pipeline.data.from_csv import days
from pipeline.data.from_csv.config import EVERY

# In any column, and in one that otherwise holds numbers or dates.
_NOTHING = ("?", "NaN", "nan", "NULL", "null", "#N/A", "<NA>")
_NO_NUMBER = (
    *_NOTHING,
    "NA",
    "N/A",
    "n/a",
    "na",
    "None",
    "none",
    ".",
    "-",
    "--",
    "missing",
    "unknown",
)
_COMMA = re.compile(r"[-+]?[0-9]+(?:,[0-9]+)?")
_THOUSANDS = re.compile(r"[-+]?[1-9][0-9]{0,2},[0-9]{3}|[-+]?[0-9]+")
_DATES = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y")


@dataclass(frozen=True)
class Understood:
    """A table whose fields are understood.

    Attributes:
      look: with numbers for decimal commas and dates, and nothing in the place of words for it.
      missing: column, or EVERY -> words for nothing.
      decimal: what stands before a fraction.
      dates: columns of dates -> how they are written; None: as ISO 8601 says.
      doubtful: columns that can be understood in two ways -> why.
    """

    look: Look
    missing: dict[str, list[str]] = field(default_factory=dict)
    decimal: str = "."
    dates: dict[str, str | None] = field(default_factory=dict)
    doubtful: dict[str, str] = field(default_factory=dict)

    def settings(self, used: Sequence[str]) -> dict[str, Any]:
        """What stands under `data.csv` about it, as far as columns are used."""
        own = {name: words for name, words in self.missing.items() if name in (*used, EVERY)}
        found: dict[str, Any] = {}
        if self.decimal != ".":
            found["decimal"] = self.decimal
        if own:
            found["missing"] = own[EVERY] if list(own) == [EVERY] else own
        forms = {name: form for name, form in self.dates.items() if form and name in used}
        return found | ({"dates": forms} if forms else {})


def understood(look: Look) -> Understood:
    """The table, its fields taken for what they are."""
    decimal, doubtful = _decimal(look.columns)
    missing: dict[str, list[str]] = {}
    dates: dict[str, str | None] = {}
    columns = []
    for each in look.columns:
        words = [word for word in _NO_NUMBER if word in each.values]
        rest = each.without(words)
        numbers = _with_points(rest) if decimal == "," and each.name not in doubtful else rest
        forms = _forms(rest)
        if numbers.is_numeric or forms:
            _note(missing, each.name, words)
            columns.append(numbers if numbers.is_numeric else rest)
        else:
            known = [word for word in words if word in _NOTHING]
            _note(missing, each.name, known)
            columns.append(each.without(known))
        if len(forms) > 1:
            doubtful[each.name] = (
                "holds dates, and whether the day or the month is first cannot be seen (data.csv.dates)"
            )
        elif forms:
            dates[each.name] = forms[0]
            columns[-1] = _as_days(columns[-1], forms[0])
    return Understood(replace(look, columns=columns), missing, decimal, dates, doubtful)


def _note(missing: dict[str, list[str]], name: str, words: Sequence[str]) -> None:
    for word in words:
        found = missing.setdefault(EVERY if word in _NOTHING else name, [])
        if word not in found:
            found.append(word)


def _decimal(columns: Sequence[Column]) -> tuple[str, dict[str, str]]:
    """(what stands before a fraction, columns of which that cannot be said -> why)."""
    rest = [column.without(_NO_NUMBER) for column in columns]
    with_comma = [each for each in rest if _all(each, _COMMA) and not each.is_numeric]
    with_point = [
        each for each in rest if each.is_numeric and any("." in value for value in each.values)
    ]
    if not with_comma:
        return ".", {}
    sure = [each for each in with_comma if not _all(each, _THOUSANDS)]
    if with_point or not sure:
        why = "holds numbers with commas: of thousands, or of decimals, cannot be seen (data.csv.decimal)"
        return ".", {each.name: why for each in with_comma}
    return ",", {}


def _all(column: Column, pattern: re.Pattern[str]) -> bool:
    return bool(column.values) and all(pattern.fullmatch(value) for value in column.values)


def _with_points(column: Column) -> Column:
    if not _all(column, _COMMA):
        return column
    return replace(column, values=tuple(value.replace(",", ".") for value in column.values))


def _forms(column: Column) -> list[str | None]:
    """How the dates of a column may be written; empty where it holds none."""
    if not column.values or column.is_numeric:
        return []
    return [
        form
        for form in (None, *_DATES)
        if all(days.of(value, form) is not None for value in column.values)
    ]


def _as_days(column: Column, form: str | None) -> Column:
    return replace(column, values=tuple(repr(days.of(value, form)) for value in column.values))
