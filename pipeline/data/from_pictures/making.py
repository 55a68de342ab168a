"""From a folder of picture files to a folder of TFRecord shards that a run reads."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from components import picture_files, progress
from components.features import Features
from fairgate.errors import DataError
from pipeline.data import picture_folder, shards
from pipeline.data.from_csv import making
from pipeline.data.from_csv.config import SPLITS, CsvSettings
from pipeline.data.from_csv.divided import Part
from pipeline.data.from_csv.reading import Table
from pipeline.data.from_pictures import listing
from pipeline.data.from_pictures.files import Files
from pipeline.data.from_pictures.listing import Listing, Problem

_SHOWN = 10
_REPORT_EVERY = 500


@dataclass(frozen=True)
class Made(making.Made):
    """What there is now.

    Attributes:
      encoded_anew: kind of picture -> how many were written as PNG.
      skipped: what was left out, in words.
    """

    encoded_anew: dict[str, int]
    skipped: list[str]


def files_below(folder: Path) -> tuple[Files, list[str]]:
    """(the pictures below `folder`, names of hidden ones).

    Raises:
      DataError: there is no such folder, or it holds none.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder. Give the folder that holds the pictures")
    found, hidden = picture_folder.pictures(folder)
    return Files(folder, found), hidden


def make(
    folder: Path,
    files: Files,
    table: Path | None,
    features: Features,
    settings: CsvSettings,
    schema_file: Path,
    partition: str | None = None,
    column: str | None = None,
    skip_broken: bool = False,
) -> Made:
    """Writes the shards of all splits into `folder`, complete or not at all.

    JPEG and PNG files are written as they are, WebP, BMP and GIF as PNG with the same pixels. A schema is
    drafted where `schema_file` is not there yet.

    Args:
      folder: must not exist yet, or be empty.
      files: the pictures.
      table: CSV file with a row for each picture; None where folders say all.
      features: which columns there are; a picture is among them.
      settings: how the table is read, and pictures are divided.
      schema_file: where the data contract is, or goes.
      partition: a file with the split of each picture, or a column of the table with it; None: the
        folders of splits, where there are such, or divided by chance.
      column: of the table that says which picture a row is about; None: it is looked for.
      skip_broken: whether pictures that are missing, or cannot be decoded, are left out.

    Raises:
      DataError: what cannot be used, by its name; nothing is written then.
    """
    if features.image is None:
        raise DataError(
            "data.features has no image: name the column that is to hold the pictures, such as "
            "data.features.image.name = image"
        )
    shards.require_free(folder)
    found = listing.make(files, table, features, settings, partition, column)
    labelled = making.labelled(found.table, features)
    without_split = _without_split(found, labelled, files)
    looked_at = [row for row in labelled if not found.splits or found.splits[row]]
    kinds, broken = _look(found, looked_at, files)
    problems = [*found.problems, *without_split, *broken.values()]
    if problems and not skip_broken:
        raise DataError(
            f"{_told(problems, files)}. Correct them, or leave them out with --skip-broken"
        )
    rows = [row for row in looked_at if row not in broken]
    parts, divided, warnings = _divided(found, rows, features, settings)

    def picture(_: Table, row: int) -> bytes:
        try:
            content = found.paths[row].read_bytes()
            return picture_files.read(content).encoded if row in kinds else content
        except (OSError, ValueError) as error:
            raise DataError(f"{found.paths[row]}: changed while it was read: {error}") from None

    made = making.keep(folder, parts, divided, features, schema_file, picture)
    warnings += making.label_left_out(len(found.paths) - len(labelled), features)
    if problems:
        warnings.append(f"left out: {_told(problems, files)}")
    return Made(
        made.cells,
        [*found.warnings, *warnings, *made.warnings],
        dict(Counter(kind for row in rows if (kind := kinds.get(row)))),
        [str(problem) for problem in problems],
        notes=made.notes,
    )


def _look(
    found: Listing, rows: Sequence[int], files: Files
) -> tuple[dict[int, str], dict[int, Problem]]:
    """(row -> the kind of picture, where it is encoded anew; row -> why it cannot be used)."""
    kinds, problems = {}, {}

    def look(row: int) -> str | Problem | None:
        try:
            return picture_files.read(found.paths[row].read_bytes()).was
        except OSError as error:
            return Problem(
                files.named(found.paths[row]), f"cannot be read: {error.strerror or error}"
            )
        except ValueError as error:
            return Problem(files.named(found.paths[row]), str(error))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done, (row, answer) in enumerate(zip(rows, pool.map(look, rows), strict=True), 1):
            if isinstance(answer, Problem):
                problems[row] = answer
            elif answer is not None:
                kinds[row] = answer
            if done % _REPORT_EVERY == 0 or done == len(rows):
                progress.report(done, len(rows), f"{done:,} of {len(rows):,} pictures looked at")
    return kinds, problems


def _without_split(found: Listing, rows: Sequence[int], files: Files) -> list[Problem]:
    if not found.splits:
        return []
    return [
        Problem(files.named(found.paths[row]), "is in no split of the partition")
        for row in rows
        if not found.splits[row]
    ]


def _divided(
    found: Listing, rows: Sequence[int], features: Features, settings: CsvSettings
) -> tuple[dict[str, Part], dict[str, float], list[str]]:
    """(split -> its rows, shares of the splits that were divided, what should be known)."""
    given: dict[str, list[int]] = {split: [] for split in SPLITS}
    for row in rows if found.splits else ():
        given[found.splits[row] or ""].append(row)
    missing = [split for split in SPLITS if not given[split]]
    parts: dict[str, Part] = {split: (found.table, part) for split, part in given.items()}
    if not missing:
        return parts, {}, []
    warnings = []
    if found.splits:
        if "train" in missing:
            raise DataError("no picture is in the train split: correct the partition")
        warnings = [
            f"nothing is said to be the split {' or '.join(missing)}: the train split is divided"
        ]
    shares = settings.shares.among(("train", *missing) if found.splits else SPLITS)
    there = given["train"] if found.splits else rows
    divided, said = making.divide(found.table, there, shares, features, settings)
    parts |= {split: (found.table, part) for split, part in divided.items()}
    return parts, shares, warnings + said


def _told(problems: Sequence[Problem], files: Files) -> str:
    shown = "; ".join(map(str, problems[:_SHOWN]))
    more = f"; and {len(problems) - _SHOWN:,} more" if len(problems) > _SHOWN else ""
    return f"{files.root}: {len(problems):,} pictures cannot be used: {shown}{more}"
