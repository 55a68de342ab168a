"""From tables to a folder of TFRecord shards that a run reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from components.features import Features
from components.measured import small_crossings
from fairgate.documents import write_text
from fairgate.errors import DataError
from pipeline.data import records, shards
from pipeline.data.from_csv import days, dividing, meaning, numbers
from pipeline.data.from_csv import divided as division
from pipeline.data.from_csv.config import SPLITS, CsvSettings
from pipeline.data.from_csv.divided import Part
from pipeline.data.from_csv.precision import require_kept
from pipeline.data.from_csv.reading import Table, read
from pipeline.data.from_csv.schema import draft

_ROWS_PER_SHARD = 50_000
_PICTURES_PER_SHARD = 2_000


@dataclass(frozen=True)
class Made:
    """What there is now.

    Attributes:
      cells: how many rows of each group and label each split holds.
      warnings: what should be known of the division.
      notes: what columns have become.
    """

    cells: list[division.Cell]
    warnings: list[str]
    notes: list[str] = field(default_factory=list, kw_only=True)

    @property
    def rows(self) -> dict[str, int]:
        """Split -> number of its rows."""
        everybody = [cell.rows for cell in self.cells if cell.group is None]
        return {split: sum(rows[split] for rows in everybody) for split in SPLITS}


def make(
    folder: Path,
    divided: Sequence[Path],
    own: Mapping[str, Sequence[Path]],
    features: Features,
    settings: CsvSettings,
    schema_file: Path,
) -> Made:
    """Writes the shards of all splits into `folder`, complete or not at all.

    A schema is drafted from all splits where `schema_file` is not there yet.

    Args:
      folder: must not exist yet, or be empty.
      divided: files whose rows are divided among the splits that have no files of their own.
      own: split -> files that are that split.
      features: which columns there are; a picture is not among them.
      settings: how the files are read and divided.
      schema_file: where the data contract is, or goes.

    Raises:
      DataError: a file, a line or a value that cannot be used; nothing is written then.
    """
    _check(folder, divided, own, features)
    tables = {split: read(files, features, settings) for split, files in own.items() if files}
    rest = tuple(split for split in SPLITS if split not in tables)
    rows: dict[str, Part] = {
        split: (table, labelled(table, features)) for split, table in tables.items()
    }
    shares = settings.shares.among(rest) if rest else {}
    warnings: list[str] = []
    if rest:
        table = read(divided, features, settings)
        there = labelled(table, features)
        parts, warnings = divide(table, there, shares, features, settings)
        rows |= {split: (table, part) for split, part in parts.items()}
        tables["divided"] = table
    left_out = sum(map(len, tables.values())) - sum(len(part) for _, part in rows.values())
    warnings += label_left_out(left_out, features)
    made = keep(folder, rows, shares, features, schema_file)
    return Made(made.cells, made.warnings + warnings, notes=made.notes)


def divide(
    table: Table,
    there: Sequence[int],
    shares: Mapping[str, float],
    features: Features,
    settings: CsvSettings,
) -> tuple[dict[str, list[int]], list[str]]:
    """(split -> its rows, what should be known), of the rows `there`."""
    # Which rows train is not known yet: for what is to be equally frequent, quantiles of all rows do.
    of_all = meaning.strata(table, meaning.measured(table, there, features))
    strata = [of_all[row] for row in there]
    warnings = []
    if table.together:
        values = [table.together[row] for row in there]
        parts = dividing.together(values, strata, shares, settings.seed)
        if alone := values.count(None):
            warnings.append(
                f"{alone:,} rows have nothing in column '{settings.together}' (data.csv.together): each "
                "of them was taken for somebody else"
            )
    else:
        parts = dividing.stratified(strata, shares, settings.seed)
    return {split: [there[at] for at in part] for split, part in parts.items()}, warnings


def keep(
    folder: Path,
    rows: Mapping[str, Part],
    shares: Mapping[str, float],
    features: Features,
    schema_file: Path,
    picture: Callable[[Table, int], bytes] | None = None,
) -> Made:
    """Writes the shards of all splits, complete or not at all, and drafts a schema if there is none.

    Args:
      folder: where they go; it is not there, or empty.
      rows: split -> its table and its rows there.
      shares: of the splits that rows were divided among.
      features: what the columns mean.
      schema_file: where the data contract is, or goes.
      picture: makes the encoded picture of a row, where there is one.

    Raises:
      DataError: a split has no rows, or numbers cannot be kept; nothing is written then.
    """
    for split in SPLITS:
        if not rows[split][1]:
            raise DataError(
                f"split '{split}' would have no rows: give more rows, or a larger "
                f"data.csv.shares.{split}; where few make up all rows and stay together, another "
                "data.csv.seed draws anew"
            )
    features = meaning.measured(*rows["train"], features)
    parts = list(rows.values())
    dated = days.together((table.days for table, _ in parts), schema_file)
    whole = numbers.whole(parts, features, schema_file)
    require_kept({id(table): table for table, _ in parts}.values(), features, whole)

    def example(split: str, row: int) -> bytes:
        table, _ = rows[split]
        columns = _columns(table, row, whole)
        if picture is not None and features.image is not None:
            columns[features.image.name] = picture(table, row)
        return records.example(columns)

    per_shard = _ROWS_PER_SHARD if picture is None else _PICTURES_PER_SHARD
    shards.write(folder, {split: part for split, (_, part) in rows.items()}, example, per_shard)
    if not schema_file.exists():
        schema_file.parent.mkdir(parents=True, exist_ok=True)
        write_text(
            schema_file,
            draft(parts, features, whole, {name for name, yes in dated.items() if yes}),
        )
    cells = division.count(rows, features)
    warnings = [*small_crossings(features), *division.warnings(cells, shares, features)]
    warnings += numbers.losses(parts, features, whole)
    return Made(cells, warnings, notes=list(numbers.dates(parts, dated)))


def labelled(table: Table, features: Features) -> list[int]:
    """The rows that have a label."""
    return [int(row) for row in np.flatnonzero(meaning.labels(table, features) >= 0)]


def label_left_out(count: int, features: Features) -> list[str]:
    """What is said of rows without a label."""
    if not count:
        return []
    return [
        f"{count:,} rows are left out, because of what column '{features.label.name}' holds "
        "(data.features.label)"
    ]


def _check(
    folder: Path, divided: Sequence[Path], own: Mapping[str, Sequence[Path]], features: Features
) -> None:
    if features.image is not None:
        raise DataError(
            f"data.features has an image ('{features.image.name}'): a table holds none. Name the "
            "columns in data.features.numeric and data.features.categorical, and no image"
        )
    rest = [split for split in SPLITS if not own.get(split)]
    if rest and not divided:
        raise DataError(
            f"no rows for {', '.join(rest)}: name files to be divided, or --{rest[0]} FILE"
        )
    if divided and not rest:
        raise DataError(
            f"{divided[0]}: every split has files of its own, nothing is left to divide it among"
        )
    shards.require_free(folder)


def _columns(table: Table, row: int, whole: set[str]) -> dict[str, int | float | bytes]:
    """Column -> its value in a tf.Example; what is not known is left out."""
    columns: dict[str, int | float | bytes] = {}
    for name, column in table.columns.items():
        value = column[row]
        if isinstance(value, str):
            columns[name] = value.encode()
        elif value is not None:
            columns[name] = int(value) if name in whole else value
    return columns
