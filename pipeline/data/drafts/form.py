"""How a CSV file is written: what separates its fields, whether names stand above them."""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fairgate.data.membership import number_of
from fairgate.errors import DataError
from pipeline.data.from_csv import parquet
from pipeline.data.from_csv.rows import text_of

# The comma last: it stands in numbers and sentences, too, and a file is divided by what divides all its
# lines alike.
_DELIMITERS = ("\t", ";", "|", ",", " ")
_COMMENTS = "#|%@;!"
_LINES = 500
_ALIKE = 0.9  # of the lines have as many fields as most have


def detected(file: Path) -> dict[str, Any]:
    """The settings of `data.csv` by which a file can be read, as far as they are not the defaults.

    Args:
      file: CSV, with or without names of its columns; or Parquet, which says all that itself.

    Raises:
      DataError: it is no table.
    """
    if parquet.is_parquet(file):
        return {}
    lines = _first_lines(file)
    rows = {mark: _rows(lines, mark) for mark in _DELIMITERS}
    widths = {mark: _width(rows[mark]) for mark in _DELIMITERS}
    fitting = [mark for mark in _DELIMITERS if widths[mark] > (2 if mark == " " else 1)]
    if not fitting:
        raise DataError(
            f"{file}: no comma, semicolon, tab or bar divides all its lines into equally many fields. "
            "Give a CSV file, a row a line"
        )
    delimiter = fitting[0]
    found: dict[str, Any] = {} if delimiter == "," else {"delimiter": delimiter}
    own = rows[delimiter]
    if len(own[0]) != widths[delimiter]:
        mark = lines[0][0]
        if mark not in _COMMENTS:
            raise DataError(
                f"{file}: line 1 has {len(own[0])} field(s), and most have {widths[delimiter]}. Take out "
                "what stands above the table"
            )
        found["comment"] = mark
        own = [
            fields
            for line, fields in zip(lines, own, strict=True)
            if not line.startswith(mark) and fields
        ]
    if not _is_header(own):
        found["columns"] = [f"column_{place + 1}" for place in range(widths[delimiter])]
    return found


def _first_lines(file: Path) -> list[str]:
    with text_of(file) as opened:
        lines = [line for line in itertools.islice(opened, _LINES) if line.strip()]
    if len(lines) < 2:
        raise DataError(f"{file}: holds {len(lines)} line(s); expected a table of many rows")
    return lines


def _rows(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """The fields of each line; a field of several lines spoils a few, which does not matter here."""
    return [
        next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), []) for line in lines
    ]


def _width(rows: Sequence[Sequence[str]]) -> int:
    """How many fields a line has; 0 where they have no number in common."""
    [(width, times)] = Counter(map(len, rows)).most_common(1)
    return width if times >= _ALIKE * len(rows) else 0


def _is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: no number above numbers, no value of the others."""
    first, others = [field.strip() for field in rows[0]], rows[1:]
    if not all(first):
        return all(first[1:]) and _is_header([row[1:] for row in rows])  # an index without a name
    names = values = 0
    for place, name in enumerate(first):
        column = [row[place].strip() for row in others if len(row) == len(first)]
        column = [field for field in column if field]
        numbers = sum(number_of(field) == number_of(field) for field in column)
        if column and numbers >= _ALIKE * len(column):
            is_number = number_of(name) == number_of(name)
            names, values = names + (not is_number), values + is_number
        elif name in column:
            values += 1
    return names >= values
