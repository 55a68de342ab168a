"""The rows of a table, as text: of a CSV or a Parquet file."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from fairgate.errors import DataError
from pipeline.data.from_csv import parquet
from pipeline.data.from_csv.config import CsvSettings

Row = tuple[str, Sequence[str | None]]
"""What messages call a row, such as `line 3`, and its fields; None where nothing is known."""


def opened(
    file: Path, settings: CsvSettings, wanted: Collection[str] | None = None
) -> tuple[list[str], Iterator[Row]]:
    """The names of a file's columns, and its rows; empty lines and comments are left out.

    Args:
      file: a CSV or a Parquet file, as its first bytes say.
      settings: how a CSV file is read.
      wanted: the columns that are looked at; None: all that hold single values.

    Raises:
      DataError: naming the file, and the line where there is one; of a row, when it is asked for.
    """
    if parquet.is_parquet(file):
        return parquet.rows(file, wanted)
    rows = _rows(file, settings)
    if settings.columns is not None:
        return list(settings.columns), rows
    _, fields = next(rows, ("", None))
    if fields is None:
        raise DataError(f"{file}: holds no line; expected the names of the columns, then rows")
    return fields, rows


def _rows(file: Path, settings: CsvSettings) -> Iterator[tuple[str, list[str]]]:
    with text_of(file) as lines:
        reader = csv.reader(
            _without_comments(lines, settings.comment),
            delimiter=settings.delimiter,
            skipinitialspace=True,
            strict=True,
        )
        try:
            for fields in reader:
                if fields:
                    yield f"line {reader.line_num}", [field.strip() for field in fields]
        except csv.Error as error:
            raise DataError(f"{file}: line {reader.line_num}: not CSV: {error}") from None


@contextlib.contextmanager
def text_of(file: Path) -> Iterator[TextIO]:
    """The lines of a file of text, as `csv.reader` takes them.

    Raises:
      DataError: also while they are read: the file cannot be, or is not UTF-8.
    """
    try:
        # A byte order mark, as spreadsheets write it, is no part of the first name.
        with file.open(encoding="utf-8-sig", newline="") as lines:
            yield lines
    except UnicodeDecodeError as error:
        raise DataError(
            f"{file}: not UTF-8 text ({error.reason} at byte {error.start}). Save it as UTF-8"
        ) from None
    except OSError as error:
        raise DataError(
            f"{file}: cannot be read: {error.strerror}. Give a CSV or a Parquet file"
        ) from None


def _without_comments(lines: Iterable[str], mark: str | None) -> Iterator[str]:
    for line in lines:
        # As an empty line, so that lines are still counted.
        yield "\n" if mark is not None and line.startswith(mark) else line
