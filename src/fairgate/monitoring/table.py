"""Lines of CSV or JSON -> columns; a line that is no row is left out and counted."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from typing import Any

from fairgate.data.columns import Column, encode
from fairgate.data.files import csv_header, require
from fairgate.errors import DataError
from fairgate.monitoring.log import Line
from fairgate.monitoring.reading import LeftOut

BAD_ROW = "a line that is no row"

Row = tuple[Any, ...]


class Table:
    """The columns of a log.

    Args:
      name: of the log, for messages.
      columns: that are wanted.
      first: the first line that is not empty, where reading goes on behind it.

    Raises:
      DataError: the first line has not these columns.
    """

    def __init__(self, name: str, columns: Sequence[str], first: bytes = b"") -> None:
        self.name, self.columns = name, list(dict.fromkeys(columns))
        self._row: Callable[[str], Row] | None = None
        if first.strip():
            self._begin(_text(first.rstrip(b"\r\n")), 1)

    def read(self, lines: Sequence[Line]) -> tuple[dict[str, Column], LeftOut]:
        """The rows of the next lines, column by column. DataError as above."""
        rows: list[Row] = []
        left_out = LeftOut()
        for number, line in lines:
            if number == 1:
                self._row = None  # another file, with a header of its own
            if line is not None and not line.strip():
                continue
            try:
                if line is None:
                    raise ValueError("it is too long")
                text = _text(line)
                if self._row is None and self._begin(text, number):
                    continue
                assert self._row is not None
                rows.append(self._row(text))
            except DataError:
                raise
            except (ValueError, csv.Error) as error:
                left_out.add(BAD_ROW, 1, f"line {number}: {error}")
        values = zip(*rows, strict=True) if rows else ([] for _ in self.columns)
        return {
            name: encode(each) for name, each in zip(self.columns, values, strict=True)
        }, left_out

    def _begin(self, text: str, number: int) -> bool:
        """Learns from the first line what the rows are; whether it was a header, and no row itself."""
        text = text.removeprefix("\ufeff")
        if text.lstrip().startswith("{"):
            try:
                record = json.loads(text)
            except ValueError as error:
                raise DataError(f"{self.name}: line {number} is no JSON: {error}") from None
            require(f"{self.name}: line {number}", self.columns, list(record))
            self._row = self._json
            return False
        if "\0" in text:
            raise DataError(f"{self.name}: not a text file. Expected CSV or JSON lines in UTF-8")
        try:
            delimiter, header = csv_header(self.name, text, self.columns)
        except csv.Error as error:
            raise DataError(f"{self.name}: line {number}: {error}") from None
        self._row = _csv(delimiter, len(header), [header.index(name) for name in self.columns])
        return True

    def _json(self, text: str) -> Row:
        record = json.loads(text.removeprefix("\ufeff"))
        if not isinstance(record, dict):
            raise ValueError("it is no JSON object")
        row = tuple([record.get(name) for name in self.columns])
        if any(isinstance(value, dict | list) for value in row):
            raise ValueError("one value is expected in each column")
        return row


def _csv(delimiter: str, fields: int, places: Sequence[int]) -> Callable[[str], Row]:
    def row(text: str) -> Row:
        plain = '"' not in text and "\0" not in text
        if plain:
            found = text.split(delimiter)
        else:
            [found] = csv.reader([text], delimiter=delimiter, strict=True)
        if len(found) != fields:
            raise ValueError(f"it has {len(found)} fields, the header has {fields}")
        return tuple([found[place] for place in places])

    return row


def _text(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = f"0x{error.object[error.start]:02x}"
        raise ValueError(f"it is no UTF-8: byte {error.start} is {byte}") from None
