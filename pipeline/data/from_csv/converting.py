"""From what stands in a field to what it means: unknown, another word, a number, days, a weight."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from fairgate.data.columns import text_of
from fairgate.data.groups import RawValue
from fairgate.data.membership import number_of
from pipeline.data.from_csv import days
from pipeline.data.from_csv.config import EVERY, CsvSettings

Value = RawValue | float | None
Converter = Callable[[str | None], Value]

_LARGEST = 3.4028234e38  # of float32
_EXACT = 2**53  # float64 has every whole number up to here
_COMMA = re.compile(r"[-+]?[0-9]+,[0-9]+")
_POINT = re.compile(r"[-+]?[0-9]*\.[0-9]+|[-+]?[0-9]+\.|.*[0-9]\.[0-9]{3},[0-9]+")


class Spelling:
    """What the fields of a column mean, by `data.csv`: None for nothing, or a text.

    Args:
      settings: that say so.
      name: of the column.
    """

    def __init__(self, settings: CsvSettings, name: str) -> None:
        self._replace = settings.replace
        self._decimal = settings.decimal
        recode = settings.recode.get(name, {})
        self._recode = {self._key(old): new for old, new in recode.items()}
        self._unknown = {self._key(text) for text in settings.missing_in(name)}
        self._unknown_anywhere = set(settings.missing_in(EVERY))

    def __call__(self, text: str | None) -> str | None:
        """The meaning of a field; None in a file is nothing, too."""
        if text is None:
            return None
        text = self._replace.get(text, text)
        if not text or text in self._unknown_anywhere:
            return None
        if not (self._unknown or self._recode):
            return text
        key = self._key(text)
        return None if key in self._unknown else self._recode.get(key, text) or None

    def _key(self, text: str) -> str | None:
        """The same for 1, 1.0 and, with a decimal comma, 1,0."""
        return text_of(text.replace(",", ".") if self._decimal == "," else text)


def with_point(text: str, decimal: str) -> str:
    """A number as Python writes it; other text as it is.

    Raises:
      ValueError: it is a number by the other convention, and nothing says which.
    """
    if decimal == "." and "," not in text:
        return text
    if decimal == "," and _POINT.fullmatch(text):
        raise ValueError(
            "expected a number with a decimal comma (data.csv.decimal), and no points in it: 1.500 may "
            "be 1500 or 1.5. Write all numbers of the file alike"
        )
    if decimal == "." and _COMMA.fullmatch(text):
        raise ValueError(
            "expected a number with a decimal point. If the comma stands for it, set data.csv.decimal to "
            "',' (1,500 is 1.5 then, and not 1500)"
        )
    return text.replace(",", ".") if _COMMA.fullmatch(text) else text


class Numbers:
    """A column of numbers, or of dates, which become days: all of them, or none.

    Args:
      decimal: what stands before the fraction, a point or a comma.
      form: how dates are written (`data.csv.dates`); None: as ISO 8601 does, if they are dates.
      is_days: whether the column is known to hold days; None: its first value says so.
    """

    def __init__(self, decimal: str, form: str | None, is_days: bool | None = None) -> None:
        self._decimal, self._form = decimal, form
        self.is_days = is_days if form is None else True

    def __call__(self, text: str | None) -> Value:
        """The number; a ValueError says what was expected."""
        if text is None:
            return None
        found = days.of(text, self._form) if self.is_days in (None, True) else None
        if self.is_days is None:
            self.is_days = found is not None
        if found is not None:
            return found
        if self.is_days:
            form = f"{self._form!r} (data.csv.dates)" if self._form else "such as 2024-02-29"
            raise ValueError(
                f"expected a date {form}, as the column holds dates. Correct it, or name it in "
                "data.csv.missing if it means that nothing is known"
            )
        try:
            return number(with_point(text, self._decimal))
        except ValueError:
            if days.of(text) is None:
                raise
        raise ValueError(
            "expected a number, as the column holds numbers and no dates. Correct it, or write dates in "
            "every row"
        )


def number(text: str) -> float:
    """The number that a field is; a ValueError says what was expected."""
    value = number_of(text)
    if math.isnan(value):
        raise ValueError(
            "expected a number. Correct it, name it in data.csv.missing if it means that nothing is "
            "known, say in data.csv.dates how it is written if it is a date, or name the column in "
            "data.features.categorical"
        )
    if abs(value) > _LARGEST:
        raise ValueError(
            f"expected a number of at most {_LARGEST:g} (float32). Write the column in a larger unit, or "
            "name it in data.csv.missing if it means that nothing is known"
        )
    if abs(value) >= _EXACT and _is_whole(text) and int(text) != value:
        raise ValueError(
            "expected a number of at most 15 digits: this one would change. If it names somebody or "
            "something, name the column in data.features.categorical"
        )
    return value


def _is_whole(text: str) -> bool:
    return text.removeprefix("-").removeprefix("+").isdecimal()


def category(text: str | None) -> Value:
    """The text itself."""
    return text


def unit(text: str | None) -> Value:
    """Whose row it is; a ValueError where nobody's."""
    if text is None:
        raise ValueError("expected whose row it is (data.features.unit)")
    return text


def weight(largest: float | None, decimal: str) -> Converter:
    """What makes the weight of a field, at most `largest`."""

    def convert(text: str | None) -> Value:
        value = math.nan if text is None else number_of(with_point(text, decimal))
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(
                "expected what the row counts, a finite number of at least 0 (data.features.weight)"
            )
        if largest is not None and value > largest:
            raise ValueError(
                f"expected at most data.features.largest_weight = {largest:g}: cut larger weights, or "
                "declare a larger one"
            )
        return value

    return convert
