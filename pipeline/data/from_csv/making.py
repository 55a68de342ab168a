"""From CSV files to a folder of TFRecord shards that a run reads."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from components import progress
from components.features import Features
from fairgate.errors import DataError
from pipeline.data import records
from pipeline.data.from_csv import divided as division
from pipeline.data.from_csv import dividing, meaning, numbers
from pipeline.data.from_csv.config import SPLITS, CsvSettings
from pipeline.data.from_csv.precision import require_kept
from pipeline.data.from_csv.reading import Table, read
from pipeline.data.from_csv.schema import draft

_ROWS_PER_SHARD = 50_000
_REPORT_EVERY = 5_000


@dataclass(frozen=True)
class Made:
    """What there is now.

    Attributes:
      cells: how many rows of each group and label each split holds.
      warnings: what should be known of the division.
    """

    cells: list[division.Cell]
    warnings: list[str]

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
    rows: dict[str, tuple[Table, Sequence[int]]] = {
        split: (table, _examples(table, features)) for split, table in tables.items()
    }
    shares = settings.shares.among(rest) if rest else {}
    alone = 0
    if rest:
        table = read(divided, features, settings)
        there = _examples(table, features)
        of_all = meaning.strata(table, features)
        strata = [of_all[row] for row in there]
        if table.together:
            values = [table.together[row] for row in there]
            alone = values.count(None)
            parts = dividing.together(values, strata, shares, settings.seed)
        else:
            parts = dividing.stratified(strata, shares, settings.seed)
        rows |= {split: (table, [there[at] for at in part]) for split, part in parts.items()}
        tables["divided"] = table
    for split in SPLITS:
        if not rows[split][1]:
            raise DataError(
                f"split '{split}' would have no rows: give more rows, or a larger "
                f"data.csv.shares.{split}; where few make up all rows and stay together, another "
                "data.csv.seed draws anew"
            )
    whole = numbers.whole(list(rows.values()), features, schema_file)
    require_kept({id(table): table for table, _ in rows.values()}.values(), features, whole)
    _write_all(folder, rows, whole)
    if not schema_file.exists():
        schema_file.parent.mkdir(parents=True, exist_ok=True)
        schema_file.write_text(draft(list(rows.values()), features, whole), encoding="utf-8")
    cells = division.count(rows, features)
    warnings = list(division.warnings(cells, shares, features))
    warnings += numbers.losses(list(rows.values()), features, whole)
    if alone:
        warnings.append(
            f"{alone:,} rows have nothing in column '{settings.together}' (data.csv.together): each of "
            "them was taken for somebody else"
        )
    left_out = sum(len(table) for table in tables.values()) - sum(
        len(part) for _, part in rows.values()
    )
    if left_out:
        warnings.append(
            f"{left_out:,} rows are left out, because of what column '{features.label.name}' holds "
            "(data.features.label)"
        )
    return Made(cells, warnings)


def _examples(table: Table, features: Features) -> list[int]:
    """The rows that have a label."""
    return [int(row) for row in np.flatnonzero(meaning.labels(table, features) >= 0)]


def _check(
    folder: Path, divided: Sequence[Path], own: Mapping[str, Sequence[Path]], features: Features
) -> None:
    if features.image is not None:
        raise DataError(
            f"data.features has an image ('{features.image.name}'): a CSV file holds none. Name the "
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
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(
            f"data.path = '{folder}' is there already and not empty. Nothing in it was touched; "
            "remove it, or choose another folder with --set data.path=FOLDER"
        )


def _write_all(
    folder: Path, rows: Mapping[str, tuple[Table, Sequence[int]]], whole: set[str]
) -> None:
    """Into a hidden sibling folder that is renamed when complete."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}.incomplete-", dir=folder.parent))
    total, done = sum(len(part) for _, part in rows.values()), 0
    try:
        for split, (table, part) in rows.items():
            shards = -(-len(part) // _ROWS_PER_SHARD)
            for shard in range(shards):
                name = f"{folder.name}-{split}.tfrecord-{shard:05d}-of-{shards:05d}"
                with (unfinished / name).open("wb") as file:
                    for row in part[shard::shards]:
                        file.write(records.framed(_example(table, row, whole)))
                        done += 1
                        if done % _REPORT_EVERY == 0 or done == total:
                            progress.report(done, total, f"{done:,} of {total:,} rows")
        unfinished.chmod(0o755)  # mkdtemp makes folders that only their owner can read
        unfinished.replace(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)  # gone already when all went well


def _example(table: Table, row: int, whole: set[str]) -> bytes:
    """A serialized tf.Example; what is not known is left out."""
    features: dict[str, int | float | bytes] = {}
    for name, column in table.columns.items():
        value = column[row]
        if isinstance(value, str):
            features[name] = value.encode()
        elif value is not None:
            features[name] = int(value) if name in whole else value
    return records.example(features)
