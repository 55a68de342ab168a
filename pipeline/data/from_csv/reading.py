"""Tables into columns, each value checked against what the settings say it is."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from components.features import Features
from fairgate.data.columns import text_of
from fairgate.data.membership import Item, Membership, Values
from fairgate.errors import DataError
from pipeline.data.from_csv import converting, parquet
from pipeline.data.from_csv.config import CsvSettings
from pipeline.data.from_csv.converting import Converter, Numbers, Spelling, Value
from pipeline.data.from_csv.rows import opened


@dataclass
class Table:
    """Columns of equal length: numbers as float, categories as text, label and groups as they are.

    Attributes:
      columns: name -> values, None where nothing is known.
      together: values of the column that keeps rows together, where one is named: the unit's, unless
        another one is; None where nothing is known.
      days: column of numbers -> whether they are days, made of dates; without those that hold nothing.
    """

    columns: dict[str, list[Value]]
    together: list[str | None] = field(default_factory=list)
    days: dict[str, bool] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


def read(
    files: Sequence[Path],
    features: Features,
    settings: CsvSettings,
    columns: Sequence[str] | None = None,
    refused: dict[int, str] | None = None,
    days: Mapping[str, bool] | None = None,
) -> Table:
    """All rows of `files`, in order; only the columns that `features` name.

    Args:
      files: CSV or Parquet files.
      features: what the columns mean.
      settings: how the files are read.
      columns: those of them that are wanted, such as a model's inputs; None for all.
      refused: takes row -> why it cannot be read, and the row is there without values; None: the first of
        them is an error.
      days: column of numbers -> whether it holds dates, where that is known; of others, the first value
        says so.

    Raises:
      DataError: naming the file, the line, the column, the value and what was expected.
    """
    numbers = {
        each.name: Numbers(
            settings.decimal, settings.dates.get(each.name), (days or {}).get(each.name)
        )
        for each in features.numeric
    }
    converters = _converters(features, numbers, settings.decimal)
    if columns is not None:
        # A picture is not among the converters: a file that names one says where it is.
        converters = {name: converters.get(name, converting.category) for name in columns}
    column = settings.together or features.unit
    spellings = {name: Spelling(settings, name) for name in {*converters, column or ""}}
    table = Table({name: [] for name in converters})
    known: dict[str, str] = {}  # one object for equal texts: categories repeat
    for file in files:
        if settings.decimal != "." and parquet.is_parquet(file):
            raise DataError(
                f"{file}: the numbers of a Parquet file have no decimal comma: take data.csv.decimal out"
            )
        names, lines = opened(file, settings, {*converters, column or ""})
        _require_read(settings, features, {*converters, *names})
        places = {name: place(file, names, name) for name in converters}
        together = None if column is None or columns is not None else place(file, names, column)
        twice = {name: at for name, at in places.items() if names.count(name) > 1}
        for line, fields in lines:
            try:
                values = _values(fields, names, converters, places, twice, spellings)
            except ValueError as error:
                if refused is None:
                    raise DataError(f"{file}: {line}: {error}") from None
                refused[len(table)] = f"{line}: {error}"
                values = dict.fromkeys(converters)
            for name, value in values.items():
                table.columns[name].append(
                    known.setdefault(value, value) if isinstance(value, str) else value
                )
            if together is not None:
                table.together.append(spellings[column or ""](fields[together]))
    table.days = {name: each.is_days for name, each in numbers.items() if each.is_days is not None}
    return table


def _values(
    fields: Sequence[str | None],
    header: Sequence[str],
    converters: Mapping[str, Converter],
    places: Mapping[str, int],
    twice: Mapping[str, int],
    spellings: Mapping[str, Spelling],
) -> dict[str, Value]:
    """Column -> its value in a row; ValueError with the column, the field and what was expected."""
    if len(fields) != len(header):
        raise ValueError(
            f"{len(fields)} field(s), expected {len(header)} ({', '.join(header[:4])}, ...). Correct the "
            "line, or data.csv.delimiter"
        )
    for name, place in twice.items():
        _require_equal(name, header, fields, place)
    values = {}
    for name, convert in converters.items():
        text = spellings[name](fields[places[name]])
        try:
            values[name] = convert(text)
        except ValueError as error:
            shown = "nothing" if text is None else repr(text)
            raise ValueError(f"column '{name}' holds {shown}; {error}") from None
    return values


def _converters(
    features: Features, numbers: Mapping[str, Numbers], decimal: str
) -> dict[str, Converter]:
    """Column -> what makes its value of a field, or raises ValueError with what was expected."""
    converters: dict[str, Converter] = {
        **numbers,
        **{column.name: converting.category for column in features.categorical},
    }
    if features.unit is not None:
        converters[features.unit] = converting.unit
    if features.weight is not None:
        converters[features.weight] = converting.weight(features.largest_weight, decimal)
    for name, asked in _asked(features).items():
        convert = numbers.get(name) or _as_named(features, name, decimal)
        converters[name] = _with_meaning(convert, asked)
    return converters


def _as_named(features: Features, name: str, decimal: str) -> Converter:
    """A field as the settings write the same value; numbers with a point where ranges are asked for."""
    named = named_values(features, name)
    as_it_is = as_named(named)
    texts = {text_of(value) for value in named}
    rules = [
        rule
        for membership, _ in _asked(features)[name]
        for rule in (*membership.rules.values(), membership.unknown)
    ]
    has_ranges = any(rule.ranges for rule in rules)

    def convert(text: str | None) -> Value:
        if text is None or text_of(text) in texts or not (has_ranges or decimal != "."):
            return as_it_is(text)
        return as_it_is(converting.with_point(text, decimal))

    return convert


def _asked(features: Features) -> dict[str, list[tuple[Membership, str]]]:
    """Column -> what it must say, and the setting that says how."""
    found = {features.label.name: [(features.label.membership, "data.features.label")]}
    for feature, group in features.groups.items():
        setting = f"data.features.groups.{feature}.values"
        found.setdefault(group.name, []).append((group.membership, setting))
    return found


def named_values(features: Features, name: str) -> tuple[Item, ...]:
    """The values that settings name of the column of the label or of groups.

    Whole numbers, if no other value has a meaning; text otherwise.
    """
    asked = [membership for membership, _ in _asked(features).get(name, [])]
    items = [item for each in asked for item in each.items if text_of(item) is not None]
    if all(isinstance(item, int) for item in items) and not any(each.is_open for each in asked):
        return tuple(items)
    return tuple(str(text_of(item)) if not isinstance(item, str) else item for item in items)


def as_named(values: Sequence[Item]) -> Converter:
    """A field as the settings write the same value."""
    meant = {text_of(value): value for value in values}

    def convert(text: str | None) -> Value:
        return None if text is None else meant.get(text_of(text), text)

    return convert


def _with_meaning(convert: Converter, asked: Sequence[tuple[Membership, str]]) -> Converter:
    """`convert`, for fields that mean something to all who ask."""
    known: dict[str | None, Value] = {}  # fields repeat

    def checked(text: str | None) -> Value:
        if text in known:
            return known[text]
        value = convert(text)
        for membership, setting in asked:
            if not membership.loosely.members(Values.of([value])).strange[0]:
                continue
            expected = ", ".join(
                "none" if item is None else repr(str(item)) for item in membership.items
            )
            way = (
                f"say in data.csv.replace or recode which of them it means, or name it in {setting}"
            )
            if text is None:
                way = f"or say in {setting.removesuffix('.values')} what none means (null)"
            raise ValueError(f"expected one of {expected}. Correct it, {way}")
        known[text] = value
        return value

    return checked


def _require_read(settings: CsvSettings, features: Features, known: Collection[str]) -> None:
    """What is said of single columns is said of columns that are read: else it is a misspelling."""
    numbers = {each.name for each in features.numeric}
    also = {features.label.name, *(group.name for group in features.groups.values())}
    for setting, names in settings.columns_named.items():
        there = numbers if setting == "dates" else {*known, *features.input_columns, *also}
        for name in names:
            if name not in there:
                close = difflib.get_close_matches(name, there, n=1)
                what = "column of data.features.numeric" if setting == "dates" else "column"
                raise DataError(
                    f"data.csv.{setting}: {name!r} is no {what}"
                    + (f"; did you mean {close[0]!r}?" if close else "")
                )


def column_names(features: Features) -> list[str]:
    """The columns that `features` name, but for the picture."""
    return list(
        _converters(features, {each.name: Numbers(".", None) for each in features.numeric}, ".")
    )


def place(file: Path, header: Sequence[str], name: str) -> int:
    """Where a column is; a DataError where it is not."""
    if name in header:
        return header.index(name)  # another of that name must be equal to it, row by row
    close = difflib.get_close_matches(name, header, n=1)
    hint = f"did you mean '{close[0]}'?" if close else f"it has: {', '.join(header[:20])}"
    raise DataError(
        f"{file}: has no column '{name}'; {hint} Correct data.features, or give the names in "
        "data.csv.columns if the first line does not hold them"
    )


def _require_equal(
    name: str, header: Sequence[str], fields: Sequence[str | None], place: int
) -> None:
    for other in range(place + 1, len(header)):
        if header[other] == name and fields[other] != fields[place]:
            raise ValueError(
                f"column '{name}' is there {header.count(name)} times, with {fields[place]!r} and "
                f"{fields[other]!r}; expected one column of that name, or equal values. Rename or remove "
                "one of them"
            )
