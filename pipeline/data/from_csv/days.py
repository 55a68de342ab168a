"""Dates as numbers: days since 1970-01-01, a part of a day as a fraction."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from fairgate.errors import DataError

SINCE = "days since 1970-01-01"
"""What the annotation of a column says in the schema."""

_ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_NANOSECONDS = re.compile(r"(\.[0-9]{6})[0-9]+")
_DAY = datetime.timedelta(days=1)


def of(text: str, form: str | None = None) -> float | None:
    """The days of a date, or of a date and time (in UTC where it has a zone); None if it is none.

    Args:
      text: a date.
      form: how it is written, as Python's strptime takes it; None: as ISO 8601 does.

    >>> of("1970-01-02"), of("2024-02-29T12:00"), of("31.12.1969", "%d.%m.%Y"), of("2024")
    (1.0, 19782.5, -1.0, None)
    """
    try:
        if form is not None:
            when = datetime.datetime.strptime(text, form)
        elif _ISO.fullmatch(text):
            when = datetime.datetime.fromisoformat(_NANOSECONDS.sub(r"\1", text))
        else:
            return None
    except ValueError:
        return None
    if when.tzinfo is not None:
        when = when.astimezone(datetime.UTC).replace(tzinfo=None)
    return (when - datetime.datetime(1970, 1, 1)) / _DAY


def told(days: float) -> str:
    """A number of days as a date."""
    try:
        return (datetime.date(1970, 1, 1) + datetime.timedelta(days=days // 1)).isoformat()
    except OverflowError:
        return f"day {days:g}"


def said(columns: Iterable[schema_pb2.Feature]) -> dict[str, bool]:
    """Column of numbers -> whether a schema says that it holds days."""
    numbers = (schema_pb2.FLOAT, schema_pb2.INT)
    return {each.name: SINCE in each.annotation.comment for each in columns if each.type in numbers}


def together(tables: Iterable[Mapping[str, bool]], schema_file: Path) -> dict[str, bool]:
    """Column -> whether it holds days, of tables that say so each.

    Raises:
      DataError: two of them, or one and the schema that is there already, say different things.
    """
    found: dict[str, bool] = {}
    for table in tables:
        for name, is_days in table.items():
            if found.setdefault(name, is_days) != is_days:
                raise DataError(
                    f"column '{name}' holds dates in one file, and numbers in another. Write the "
                    "same in all"
                )
    for name, is_days in _of_file(schema_file).items():
        if found.get(name, is_days) != is_days:
            here, there = ("dates", "numbers") if found[name] else ("numbers", "dates")
            line = f'annotation {{ comment: "{SINCE}" }}'
            raise DataError(
                f"{schema_file}: column '{name}' holds {here} in these rows, and {there} by the schema. "
                f"{'Add' if found[name] else 'Take out'} {line} there, correct the rows, or remove the "
                "schema, so that it is drafted anew"
            )
    return found


def _of_file(schema_file: Path) -> dict[str, bool]:
    if not schema_file.is_file():
        return {}
    try:
        text = schema_file.read_text(encoding="utf-8")
        return said(text_format.Parse(text, schema_pb2.Schema()).feature)
    except (text_format.ParseError, UnicodeDecodeError):
        return {}  # a run says so
