"""Batches of rows from files: CSV, JSON lines (both also gzipped) and Parquet."""

from __future__ import annotations

import csv
import difflib
import gzip
import itertools
import json
import pathlib
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from fairgate.data.columns import MISSING, Batch, encode, recode, to_numbers
from fairgate.errors import DataError

_ROWS = 1 << 17
"""Rows of a batch that is read as text."""
_DELIMITERS = ",;\t|"
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"


def batches(
    files: Sequence[pathlib.Path], names: Sequence[str], numbers: Sequence[str] = ()
) -> Iterator[Batch]:
    """The rows of files that hold the same columns, one file after another.

    What a file is, its first bytes say. A CSV file has a header; its delimiter is the comma, the
    semicolon, the tab or the bar, whichever gives the columns that are asked for.

    Args:
      files: CSV, JSON lines or Parquet.
      names: columns to read as names.
      numbers: columns to read as numbers.

    Raises:
      DataError: a file cannot be read, lacks a column, or has a damaged row; naming file and line.
    """
    names, numbers = list(dict.fromkeys(names)), list(dict.fromkeys(numbers))
    for file in files:
        try:
            with file.open("rb") as stream:
                first = stream.read(4)
            if first == _PARQUET:
                yield from _parquet(file, names, numbers)
                continue
            opened = gzip.open if first.startswith(_GZIP) else open
            with opened(file, "rt", encoding="utf-8-sig", newline="") as stream:
                yield from _text(file, stream, names, numbers)
        except UnicodeDecodeError as error:
            raise DataError(
                f"{file}: not UTF-8 text (byte {error.start} of a part of it is "
                f"0x{error.object[error.start]:02x}). Expected CSV or JSON lines in UTF-8, or Parquet"
            ) from None
        except (OSError, EOFError, zlib.error) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise DataError(f"{file}: cannot be read: {reason}") from None


def _text(
    file: pathlib.Path, stream: Iterator[str], names: list[str], numbers: list[str]
) -> Iterator[Batch]:
    head = next((line for line in stream if line.strip()), "")
    if not head:
        raise DataError(f"{file}: empty. Expected a header and rows, JSON lines, or Parquet")
    if "\0" in head:
        raise DataError(f"{file}: not a text file. Expected CSV or JSON lines in UTF-8, or Parquet")
    rows = (
        _json_rows(file, itertools.chain([head], stream), [*names, *numbers])
        if head.lstrip().startswith("{")
        else _csv_rows(file, head, stream, [*names, *numbers])
    )
    while chunk := list(itertools.islice(rows, _ROWS)):
        columns: list[tuple[Any, ...]] = list(zip(*chunk, strict=True))
        yield Batch(
            {name: encode(column) for name, column in zip(names, columns, strict=False)},
            {
                name: to_numbers(name, column)
                for name, column in zip(numbers, columns[len(names) :], strict=True)
            },
        )


def csv_header(file: object, line: str, columns: Sequence[str]) -> tuple[str, list[str]]:
    """The delimiter of a CSV file and its columns, of its first line.

    Args:
      file: for messages.
      line: the first that is not empty.
      columns: that must be there.

    Raises:
      DataError: a column is missing, or there twice.
    """
    read = {mark: next(csv.reader([line], delimiter=mark)) for mark in _DELIMITERS}
    headers = {mark: [name.strip() for name in header] for mark, header in read.items()}
    fitting = [mark for mark in _DELIMITERS if set(columns) <= set(headers[mark])]
    delimiter = fitting[0] if fitting else max(_DELIMITERS, key=lambda mark: len(headers[mark]))
    header = headers[delimiter]
    require(file, columns, header)
    twice = [name for name in columns if header.count(name) > 1]
    if twice:
        raise DataError(f"{file}: the header has column {twice[0]!r} twice: name it once")
    return delimiter, header


def _csv_rows(
    file: pathlib.Path, head: str, stream: Iterator[str], columns: list[str]
) -> Iterator[tuple[str, ...]]:
    delimiter, header = csv_header(file, head, columns)
    places = [header.index(name) for name in columns]
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if len(row) != len(header):
                if not row:
                    continue
                raise DataError(
                    f"{file}: line {reader.line_num + 1} has {len(row)} fields, the header has "
                    f"{len(header)}"
                )
            yield tuple([row[place] for place in places])
    except csv.Error as error:
        raise DataError(f"{file}: line {reader.line_num + 1}: {error}") from None


def _json_rows(
    file: pathlib.Path, lines: Iterator[str], columns: list[str]
) -> Iterator[tuple[Any, ...]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise DataError(f"{file}: line {number} is no JSON: {error}") from None
        if not isinstance(record, dict):
            raise DataError(
                f"{file}: line {number} is no JSON object: expected one for each row, such as "
                '{"label": 1, "prediction": 0}'
            )
        require(f"{file}: line {number}", columns, list(record))
        row = tuple([record[name] for name in columns])
        for name, value in zip(columns, row, strict=True):
            if isinstance(value, dict | list):
                raise DataError(f"{file}: line {number}, column {name!r}: expected one value")
        yield row


def _parquet(file: pathlib.Path, names: list[str], numbers: list[str]) -> Iterator[Batch]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise DataError(
            f"{file} is a Parquet file, which takes pyarrow to read. Install it with: "
            "pip install 'fairgate[arrow]'"
        ) from None
    try:
        schema = parquet.read_schema(file)
        require(file, [*names, *numbers], schema.names)
        for name in [*names, *numbers]:
            if pa.types.is_nested(schema.field(name).type):
                raise DataError(
                    f"{file}: column {name!r} holds {schema.field(name).type}: expected one value a row"
                )
        text = [name for name in names if pa.types.is_string(schema.field(name).type)]
        with parquet.ParquetFile(file, read_dictionary=text) as opened:
            for batch in opened.iter_batches(batch_size=_ROWS, columns=[*names, *numbers]):
                yield Batch(
                    {name: _encoded(batch.column(name)) for name in names},
                    {
                        name: to_numbers(name, batch.column(name).to_numpy(zero_copy_only=False))
                        for name in numbers
                    },
                )
    except pa.ArrowException as error:
        raise DataError(f"{file}: a damaged Parquet file: {error}") from None


def _encoded(column: Any) -> Any:
    """A Column of an Arrow array."""
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    codes = column.indices.fill_null(MISSING).to_numpy(zero_copy_only=False)
    return recode(column.dictionary.to_pylist(), codes.astype(np.int32, copy=False))


def require(place: object, columns: Sequence[str], known: Sequence[str]) -> None:
    """Raises DataError where a column is missing, naming the one that may have been meant."""
    for name in columns:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            shown = ", ".join(known[:20]) + (" ..." if len(known) > 20 else "")
            raise DataError(f"{place}: no column {name!r}{hint} Its columns are {shown}")
