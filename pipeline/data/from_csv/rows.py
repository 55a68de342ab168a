"""The rows of a table, as text: of a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from fairgate.errors import DataError
from pipeline.data.from_csv.config import CsvSettings

Row = tuple[int, list[str]]
"""The number of a row's last line, and its fields."""


def opened(file: Path, settings: CsvSettings) -> tuple[list[str], Iterator[Row]]:
    """The names of a file's columns, and its rows; empty lines and comments are left out.

    Args:
      file: a CSV file.
      settings: how it is read.

    Raises:
      DataError: naming the file, and the line where there is one; of a row, when it is asked for.
    """
    rows = _rows(file, settings)
    if settings.columns is not None:
        return list(settings.columns), rows
    _, fields = next(rows, (0, None))
    if fields is None:
        raise DataError(f"{file}: holds no line; expected the names of the columns, then rows")
    return [name.strip() for name in fields], rows


def _rows(file: Path, settings: CsvSettings) -> Iterator[Row]:
    try:
        # A byte order mark, as spreadsheets write it, is no part of the first name.
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.reader(
                _without_comments(lines, settings.comment),
                delimiter=settings.delimiter,
                skipinitialspace=True,
                strict=True,
            )
            try:
                for fields in reader:
                    if fields:
                        yield reader.line_num, fields
            except csv.Error as error:
                raise DataError(f"{file}: line {reader.line_num}: not CSV: {error}") from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"{file}: not UTF-8 text ({error.reason} at byte {error.start}). Save it as UTF-8"
        ) from None
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror}. Give a CSV file") from None


def _without_comments(lines: Iterable[str], mark: str | None) -> Iterator[str]:
    for line in lines:
        # As an empty line, so that lines are still counted.
        yield "\n" if mark is not None and line.startswith(mark) else line
