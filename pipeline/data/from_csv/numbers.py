"""How numbers are written: a number of a dataset is float32 or int64, and neither changes it unsaid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from google.protobuf import text_format
from numpy.typing import NDArray
from tensorflow_metadata.proto.v0 import schema_pb2

from components.features import Features
from fairgate.errors import DataError
from pipeline.data.from_csv import days
from pipeline.data.from_csv.reading import Table

_EXACT = 2**24  # float32 has every whole number up to here
_KEPT = 0.9  # of the different numbers in a column; fewer are a loss that is no matter of rounding

Part = tuple[Table, Sequence[int]]


def whole(parts: Sequence[Part], features: Features, schema_file: Path) -> set[str]:
    """The columns that are written as int64: those that the schema says, else those that must be.

    Whole numbers of which some are so large that float32 would change them must be.

    Raises:
      DataError: the schema says that a column is whole, and a number in it is not.
    """
    said = _said(schema_file)
    found = set()
    for column in features.numeric:
        x = _known(parts, column.name)
        is_whole = bool(np.all(x == np.rint(x)))
        if said.get(column.name) == schema_pb2.INT and not is_whole:
            raise DataError(
                f"{schema_file}: column '{column.name}' is of type INT, but the rows have numbers such "
                f"as {x[x != np.rint(x)][0]}; make it FLOAT in the schema, or correct the rows"
            )
        too_large = len(x) > 0 and _EXACT < float(np.abs(x).max()) < 2**63
        if said.get(column.name) == schema_pb2.INT or (not said and is_whole and too_large):
            found.add(column.name)
    return found


def losses(parts: Sequence[Part], features: Features, written_whole: set[str]) -> Iterator[str]:
    """A sentence for each column whose different numbers become equal as float32."""
    for column in features.numeric:
        if column.name in written_whole:
            continue
        x = np.unique(_known(parts, column.name))
        kept = len(np.unique(x.astype(np.float32)))
        if kept < _KEPT * len(x):
            yield (
                f"column '{column.name}': of {len(x):,} different numbers {kept:,} are left, because "
                "they are nearer to each other than float32 tells apart. Take off what they have in "
                "common (such as the year off a date), or write them in a larger unit"
            )


def dates(parts: Sequence[Part], dated: Mapping[str, bool]) -> Iterator[str]:
    """A sentence for each column of dates, which are numbers now."""
    for name in (name for name, is_days in dated.items() if is_days):
        x = _known(parts, name)
        span = f", from {days.told(x.min())} to {days.told(x.max())}" if len(x) else ""
        yield f"column '{name}': its dates are numbers now, {days.SINCE}{span}"


def _known(parts: Sequence[Part], name: str) -> NDArray[np.float64]:
    values = [table.columns[name][row] for table, rows in parts for row in rows]
    return np.array([value for value in values if value is not None], np.float64)


def _said(schema_file: Path) -> Mapping[str, int]:
    """Column -> its type in the schema; empty where there is none yet, or it cannot be read."""
    if not schema_file.is_file():
        return {}
    try:
        text = schema_file.read_text(encoding="utf-8")
        schema = text_format.Parse(text, schema_pb2.Schema())
    except (text_format.ParseError, UnicodeDecodeError):
        return {}  # a run says so
    return {column.name: column.type for column in schema.feature}
