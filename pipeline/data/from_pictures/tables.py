"""Tables about pictures: CSV, or text with blanks between fields, as that of CelebA's authors."""

from __future__ import annotations

import contextlib
import csv
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fairgate.errors import DataError
from pipeline.data.from_csv import reading, rows
from pipeline.data.from_csv.config import CsvSettings
from pipeline.data.from_pictures.files import Files, split_of

FILE_COLUMN = "image_id"
"""What the column of files is called where a table has no name for it; so does Kaggle's CelebA."""

_DELIMITERS = ",;\t|"
_SAMPLE = 200  # rows by which the column of files is found


@dataclass(frozen=True)
class Source:
    """A table, as a CSV file.

    Attributes:
      file: to be read with `settings`.
      settings: how.
      header: the names of its columns.
      warnings: what should be known of it.
    """

    file: Path
    settings: CsvSettings
    header: list[str]
    warnings: list[str]


@contextlib.contextmanager
def opened(file: Path, settings: CsvSettings) -> Iterator[Source]:
    """The table in `file`; messages about a copy of it speak of the file itself.

    Raises:
      DataError: it cannot be read.
    """
    count = _count_line(file)
    if count is None and not _has_blanks_alone(file, settings):
        yield Source(file, settings, _header(file, settings), [])
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / file.name
        said = _separated(file, copy, count)
        changed = settings.model_copy(update={"columns": None, "delimiter": ",", "comment": None})
        try:
            yield Source(copy, changed, _header(copy, changed), said)
        except DataError as error:
            raise DataError(str(error).replace(str(copy), str(file))) from None


def header(file: Path) -> list[str]:
    """The names of the columns of a table, however it is written."""
    with opened(file, with_delimiter(file, CsvSettings())) as source:
        return source.header


def with_delimiter(file: Path, settings: CsvSettings) -> CsvSettings:
    """`settings` with the delimiter that the first line of the file has most of."""
    line = _lines(file, 1)[0]
    most = max(_DELIMITERS, key=line.count)
    return settings.model_copy(update={"delimiter": most}) if line.count(most) else settings


def file_column(source: Source, files: Files, asked: str | None, usual: str) -> str:
    """The column that says which picture a row is about: `asked`, `usual`, or whichever names files.

    Raises:
      DataError: there is none.
    """
    if asked is not None:
        reading.place(source.file, source.header, asked)
        return asked
    if usual in source.header:
        return usual
    hits = dict.fromkeys(source.header, 0)
    some = _rows(source.file, source.settings)
    for _, fields in zip(range(_SAMPLE), some, strict=False):
        for name, field in zip(source.header, fields, strict=False):
            with contextlib.suppress(ValueError):
                files.find(field)
                hits[name] += 1
    if not hits or not max(hits.values()):
        raise DataError(
            f"{source.file}: no column of its first {_SAMPLE} rows names pictures below {files.root}, "
            f"such as {files.named(files.paths[0])}. Say which column does with --file-column NAME, or "
            "give the folder that the names are below"
        )
    return max(hits, key=lambda name: hits[name])


def partition(file: Path, files: Files) -> dict[Path, str]:
    """Picture -> its split, from a table of two columns such as list_eval_partition.csv.

    Raises:
      DataError: a line names no split.
    """
    settings = with_delimiter(file, CsvSettings())
    found: dict[Path, str] = {}
    with opened(file, settings) as source:
        names = [name.casefold() for name in source.header]
        said = next((names.index(n) for n in ("partition", "split", "set") if n in names), 1)
        called = 1 if said == 0 else 0
        lines = [source.header] if split_of(_at(source.header, said)) else []
        more = _rows(source.file, source.settings)
        for number, fields in enumerate([*lines, *more], 2 - len(lines)):
            split = split_of(_at(fields, said))
            if split is None:
                raise DataError(
                    f"{source.file}: row {number} holds {_at(fields, said)!r}; expected a split: 0, 1 or "
                    "2, or train, validation or test"
                )
            with contextlib.suppress(ValueError):  # a picture that is not asked for
                found[files.find(_at(fields, called))] = split
    return found


def values(source: Source, names: list[str]) -> Mapping[str, dict[str, int]]:
    """Column -> how often it holds each value, of all rows."""
    places = {name: reading.place(source.file, source.header, name) for name in names}
    found: dict[str, dict[str, int]] = {name: {} for name in names}
    for fields in _rows(source.file, source.settings):
        for name, at in places.items():
            field = _at(fields, at) or ""
            found[name][field] = found[name].get(field, 0) + 1
    return found


def _at(fields: list[str], place: int) -> str | None:
    return fields[place].strip() if place < len(fields) else None


def _header(file: Path, settings: CsvSettings) -> list[str]:
    return rows.opened(file, settings)[0]


def _rows(file: Path, settings: CsvSettings) -> Iterator[list[str]]:
    # A CSV file has a text, if an empty one, in every field.
    return ([field or "" for field in fields] for _, fields in rows.opened(file, settings)[1])


def _lines(file: Path, count: int) -> list[str]:
    try:
        with file.open(encoding="utf-8-sig", errors="replace") as lines:
            found = [line.rstrip("\r\n") for _, line in zip(range(count), lines, strict=False)]
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror}") from None
    return found + [""] * (count - len(found))


def _count_line(file: Path) -> int | None:
    """The number of rows that the first line says; None where it says something else."""
    first, second = _lines(file, 2)
    is_count = first.strip().isdecimal() and not any(mark in second for mark in ",;\t")
    return int(first) if is_count else None


def _has_blanks_alone(file: Path, settings: CsvSettings) -> bool:
    line = _lines(file, 1)[0]
    marks = {*_DELIMITERS, settings.delimiter} - {" "}
    return len(line.split()) > 1 and not any(mark in line for mark in marks)


def _separated(file: Path, copy: Path, count: int | None) -> list[str]:
    """Writes the same rows with commas, each on its line; returns what should be known."""
    count_of_rows = 0
    try:
        with file.open(encoding="utf-8-sig") as lines, copy.open("w", encoding="utf-8") as written:
            writer = csv.writer(written, lineterminator="\n")
            if count is not None:
                next(lines)
                written.write("\n")  # so that lines are counted as they were
            header = next(lines, "").split()
            first = next(lines, "").split()
            if len(first) == len(header) + 1:
                header = [FILE_COLUMN, *header]
            writer.writerow(header)
            for fields in (first, *(line.split() for line in lines)):
                writer.writerow(fields)
                count_of_rows += bool(fields)
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: not UTF-8 text ({error.reason}). Save it as UTF-8") from None
    if count is None or count_of_rows == count:
        return []
    return [f"{file}: its first line says {count:,} rows, and it holds {count_of_rows:,}"]
