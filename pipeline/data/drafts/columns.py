"""What the columns of a table hold, whatever they may mean."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fairgate.data.membership import number_of
from fairgate.errors import DataError
from pipeline.data.from_csv import parquet
from pipeline.data.from_csv.config import CsvSettings
from pipeline.data.from_csv.rows import opened


@dataclass(frozen=True)
class Column:
    """A column, its different values apart.

    Attributes:
      name: of the column.
      values: the different values, as text.
      codes: (n,) of each row, the place of its value in `values`; -1 where it has none.
    """

    name: str
    values: tuple[str, ...]
    codes: NDArray[np.int64]

    @functools.cached_property
    def counts(self) -> NDArray[np.int64]:
        """(values,) how many rows have each value."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.values))

    @property
    def missing(self) -> int:
        """How many rows have no value."""
        return int(np.sum(self.codes < 0))

    @functools.cached_property
    def numbers(self) -> NDArray[np.float64]:
        """(values,) the numbers that the values are; NaN where one is none."""
        return np.array([number_of(value) for value in self.values], np.float64)

    @functools.cached_property
    def is_numeric(self) -> bool:
        """Whether every value is a number."""
        return bool(self.values) and not bool(np.isnan(self.numbers).any())

    @functools.cached_property
    def is_whole(self) -> bool:
        """Whether every value is a whole number."""
        return self.is_numeric and bool(np.all(self.numbers == np.rint(self.numbers)))

    @functools.cached_property
    def by_row(self) -> NDArray[np.float64]:
        """(n,) the number of each row, NaN where there is none."""
        return np.append(self.numbers, np.nan)[self.codes]

    def without(self, unknown: Iterable[str]) -> Column:
        """The same, with nothing in the place of some values."""
        kept = [place for place, value in enumerate(self.values) if value not in set(unknown)]
        if len(kept) == len(self.values):
            return self
        places = np.full(len(self.values) + 1, -1)
        places[kept] = np.arange(len(kept))
        return Column(self.name, tuple(self.values[place] for place in kept), places[self.codes])


@dataclass(frozen=True)
class Look:
    """A table that was looked at.

    Attributes:
      columns: those that can be used, in order.
      unclear: names that are there several times, for different columns.
      nested: columns that hold lists and the like -> their type.
    """

    columns: list[Column]
    unclear: list[str]
    nested: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.columns[0].codes)

    def named(self, name: str) -> Column | None:
        """The column of that name."""
        return next((column for column in self.columns if column.name == name), None)


def look(files: Sequence[Path], settings: CsvSettings) -> Look:
    """All rows of files that have the same columns.

    Raises:
      DataError: they have not, or one cannot be read.
    """
    header: list[str] = []
    nested: dict[str, str] = {}
    places: list[dict[str, int]] = []
    codes: list[list[int]] = []
    for file in files:
        names, rows = opened(file, settings)
        nested |= parquet.nested(file) if parquet.is_parquet(file) else {}
        if not header:
            header, places, codes = names, [{} for _ in names], [[] for _ in names]
        elif names != header:
            other = next(
                (n for n in [*names, *header] if n not in names or n not in header), names[0]
            )
            raise DataError(
                f"{file}: its columns are not those of {files[0]}, such as '{other}'. Give files of the "
                "same columns"
            )
        for line, fields in rows:
            if len(fields) != len(header):
                raise DataError(
                    f"{file}: {line}: {len(fields)} field(s), expected {len(header)}. "
                    "Correct the line"
                )
            for each, known, column in zip(fields, places, codes, strict=True):
                text = (each or "").strip()
                column.append(known.setdefault(text, len(known)) if text else -1)
    if not codes or not codes[0]:
        raise DataError(f"{files[0]}: holds no rows")
    all_columns = [
        Column(name or f"column_{place + 1}", tuple(places[place]), np.array(codes[place]))
        for place, name in enumerate(header)
    ]
    kept, unclear = _once(all_columns)
    return Look(kept, unclear, nested)


def _once(columns: Sequence[Column]) -> tuple[list[Column], list[str]]:
    """(one column of each name, names of columns that differ): equal ones are one."""
    first: dict[str, Column] = {}
    unclear = []
    for column in columns:
        other = first.setdefault(column.name, column)
        if column.values != other.values or not np.array_equal(column.codes, other.codes):
            unclear.append(column.name)
    return [each for name, each in first.items() if name not in unclear], list(
        dict.fromkeys(unclear)
    )
