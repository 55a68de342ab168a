"""Which pictures there are, and what a table or their folders say of each; none is opened yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from components.features import Features
from fairgate.data.membership import Values
from fairgate.errors import DataError
from pipeline.data.from_csv import reading
from pipeline.data.from_csv.config import CsvSettings
from pipeline.data.from_csv.reading import Table
from pipeline.data.from_pictures import tables
from pipeline.data.from_pictures.files import Files, Place, places, split_of


@dataclass(frozen=True)
class Problem:
    """A picture that cannot be used.

    Attributes:
      name: what it is called.
      why: goes on from the name.
    """

    name: str
    why: str

    def __str__(self) -> str:
        return f"{self.name} {self.why}"


@dataclass
class Listing:
    """The pictures that were found, row by row.

    Attributes:
      table: the columns of `Features` but for the picture.
      paths: of each row, its file.
      splits: of each row, its split; None where it has none. Empty where there is no partition.
      problems: what is asked for and cannot be used.
      warnings: what should be known.
    """

    table: Table
    paths: list[Path]
    splits: list[str | None] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def make(
    files: Files,
    table: Path | None,
    features: Features,
    settings: CsvSettings,
    partition: str | None = None,
    column: str | None = None,
) -> Listing:
    """The pictures of `files`, as `table` or the names of their folders describe them.

    The folders give the label where the table has no column of it, or there is no table.

    Args:
      files: the pictures.
      table: CSV file with a row for each picture; None where folders say all.
      features: what the columns mean.
      settings: how the table is read.
      partition: a file with the split of each picture, or a column of the table with it.
      column: of the table that says which picture a row is about; None: it is looked for.

    Raises:
      DataError: the table cannot be used, or nothing says what a picture shows.
    """
    inside = places(files)
    in_file = partition is not None and Path(partition).is_file()
    if table is None:
        listing = _by_folders(files, inside, None, features)
    else:
        with tables.opened(table, settings) as source:
            by_folders = _folders_are_classes(inside, source, features)
            asked = _asked(source, features, by_folders, partition if not in_file else None)
            assert features.image is not None
            called = tables.file_column(source, files, column, features.image.name)
            read = _read(source, asked, called, features, settings)
            read.said = source.warnings
            listing = (
                _by_folders(files, inside, read, features) if by_folders else _by_table(files, read)
            )
    if partition is not None and in_file:
        said = tables.partition(Path(partition), files)
        listing.splits = [said.get(path) for path in listing.paths]
    elif partition is not None:
        listing.splits = _column_of_splits(partition, table, listing)
        if partition not in reading.column_names(features):
            del listing.table.columns[partition]
    elif any(place.split for place in inside.values()):
        listing.splits = [inside[path].split for path in listing.paths]
    if not listing.paths:
        first = f", such as: {listing.problems[0]}" if listing.problems else ""
        raise DataError(f"{files.root}: no picture of it can be used{first}")
    return listing


@dataclass
class _Rows:
    """What a table says.

    Attributes:
      names: of each row, what its picture is called.
      columns: those of the features, and that of the splits.
      together, days: as in `Table`.
    """

    names: list[str | None]
    columns: dict[str, list[reading.Value]]
    together: list[str | None]
    days: dict[str, bool]
    said: list[str] = field(default_factory=list)

    def of(self, rows: list[int]) -> Table:
        """Some rows, in the order given."""
        columns = {name: [column[row] for row in rows] for name, column in self.columns.items()}
        together = [self.together[row] for row in rows] if self.together else []
        return Table(columns, together, self.days)


def _folders_are_classes(
    inside: Mapping[Path, Place], source: tables.Source, features: Features
) -> bool:
    """Whether the table leaves it to the folders what the pictures show."""
    names = sorted({place.label for place in inside.values() if place.label is not None})
    if features.label.name in source.header or not names:
        return False
    strange = features.label.membership.members(Values.of(names)).strange
    return not all(strange)


def _asked(
    source: tables.Source, features: Features, by_folders: bool, partition: str | None
) -> list[str]:
    """The columns that are read, but for that of the files."""
    names = reading.column_names(features)
    if by_folders:
        names.remove(features.label.name)
    if partition is not None and partition not in source.header:
        raise DataError(
            f"--partition {partition}: is no file, and no column of {source.file}. Give a file with the "
            "name and the split of each picture, such as list_eval_partition.csv, or the name of a column"
        )
    return names + ([partition] if partition is not None and partition not in names else [])


def _read(
    source: tables.Source,
    asked: list[str],
    called: str,
    features: Features,
    settings: CsvSettings,
) -> _Rows:
    together = settings.together or features.unit
    wanted = [*asked, called, *([] if together is None else [together])]
    table = reading.read([source.file], features, source.settings, list(dict.fromkeys(wanted)))
    columns = {name: table.columns[name] for name in asked}
    names = [None if name is None else str(name) for name in table.columns[called]]
    kept = [] if together is None else table.columns[together]
    return _Rows(names, columns, [None if each is None else str(each) for each in kept], table.days)


def _by_table(files: Files, read: _Rows) -> Listing:
    """A row for each row of the table."""
    rows, paths, problems = [], [], []
    seen: set[Path] = set()
    for row, name in enumerate(read.names):
        try:
            path = files.find(name)
            if path in seen:
                raise ValueError(f"is there twice: row {row + 1} names it again")
        except ValueError as error:
            problems.append(Problem(name or f"row {row + 1}", str(error)))
            continue
        seen.add(path)
        rows.append(row)
        paths.append(path)
    left = len(files.paths) - len(seen)
    said = [f"{left:,} pictures are in no row of the table, and left out"] if left else []
    return Listing(read.of(rows), paths, [], problems, [*read.said, *said])


def _by_folders(
    files: Files, inside: Mapping[Path, Place], read: _Rows | None, features: Features
) -> Listing:
    """A row for each file; the name of its folder is the label."""
    known = sorted({place.label for place in inside.values() if place.label is not None})
    strange = features.label.membership.members(Values.of(known)).strange
    of_label = reading.as_named(reading.named_values(features, features.label.name))
    refused = {text for text, is_strange in zip(known, strange, strict=True) if is_strange}
    others = set(reading.column_names(features)) - {features.label.name}
    if read is None and others:
        raise DataError(
            f"{files.root}: nothing says what each picture has in {', '.join(sorted(others))}. "
            "Give a table with a row for each picture: --csv FILE"
        )
    row_of = {} if read is None else _rows_by_path(files, read)
    rows, paths, labels, problems = [], [], [], []
    for path in files.paths:
        label = inside[path].label
        if label is None:
            why = f"lies in no folder of a class, and no table has '{features.label.name}'"
        elif label in refused:
            why = f"lies in '{label}', which is no class (data.features.label)"
        elif read is not None and path not in row_of:
            why = "has no row in the table"
        else:
            labels.append(of_label(label))
            paths.append(path)
            rows.append(row_of.get(path, 0))
            continue
        problems.append(Problem(files.named(path), why))
    table = Table({}) if read is None else read.of(rows)
    table.columns[features.label.name] = labels
    return Listing(table, paths, [], problems, [] if read is None else read.said)


def _rows_by_path(files: Files, read: _Rows) -> dict[Path, int]:
    found: dict[Path, int] = {}
    for row, name in enumerate(read.names):
        try:
            found.setdefault(files.find(name), row)
        except ValueError:
            continue  # a row more does no harm where the folders say what there is
    return found


def _column_of_splits(partition: str, table: Path | None, listing: Listing) -> list[str | None]:
    if table is None:
        raise DataError(f"--partition {partition}: no such file")
    column = listing.table.columns[partition]
    found = {value: split_of(None if value is None else str(value)) for value in column}
    for value, split in found.items():
        if value is not None and split is None:
            raise DataError(
                f"{table}: column '{partition}' holds {value!r}; expected a split: 0, 1 or 2, or train, "
                "validation or test"
            )
    return [found[value] for value in column]
