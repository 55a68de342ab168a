"""Tables into columns, each value checked against what the settings say it is."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from components.features import Features
from fairgate.data.columns import text_of
from fairgate.data.groups import RawValue
from fairgate.data.membership import Item, Membership, Values
from fairgate.errors import DataError
from pipeline.data.from_csv.config import CsvSettings
from pipeline.data.from_csv.rows import opened

Value = RawValue | float | None

_LARGEST = 3.4028234e38  # of float32
_EXACT = 2**53  # float64 has every whole number up to here


@dataclass
class Table:
    """Columns of equal length: numbers as float, categories as text, label and groups as they are.

    Attributes:
      columns: name -> values, None where nothing is known.
      together: values of the column that keeps rows together, where one is named: the unit's, unless
        another one is; None where nothing is known.
    """

    columns: dict[str, list[Value]]
    together: list[str | None] = field(default_factory=list)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


def read(
    files: Sequence[Path],
    features: Features,
    settings: CsvSettings,
    columns: Sequence[str] | None = None,
    refused: dict[int, str] | None = None,
) -> Table:
    """All rows of `files`, in order; only the columns that `features` name.

    Args:
      files: CSV or Parquet files.
      features: what the columns mean.
      settings: how the files are read.
      columns: those of them that are wanted, such as a model's inputs; None for all.
      refused: takes row -> why it cannot be read, and the row is there without values; None: the first of
        them is an error.

    Raises:
      DataError: naming the file, the line, the column, the value and what was expected.
    """
    converters = _converters(features)
    if columns is not None:
        # A picture is not among the converters: a file that names one says where it is.
        converters = {name: converters.get(name, _category) for name in columns}
    table = Table({name: [] for name in converters})
    known: dict[str, str] = {}  # one object for equal texts: categories repeat
    column = settings.together or features.unit
    for file in files:
        names, lines = opened(file, settings, {*converters, column or ""})
        places = {name: place(file, names, name) for name in converters}
        together = None if column is None or columns is not None else place(file, names, column)
        twice = {name: at for name, at in places.items() if names.count(name) > 1}
        for line, fields in lines:
            try:
                values = _values(fields, names, converters, places, twice, settings)
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
                table.together.append(_meant(fields[together], settings))
    return table


def _values(
    fields: Sequence[str | None],
    header: Sequence[str],
    converters: Mapping[str, Callable[[str | None], Value]],
    places: Mapping[str, int],
    twice: Mapping[str, int],
    settings: CsvSettings,
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
        text = _meant(fields[places[name]], settings)
        try:
            values[name] = convert(text)
        except ValueError as error:
            shown = "nothing" if text is None else repr(text)
            raise ValueError(f"column '{name}' holds {shown}; {error}") from None
    return values


def _converters(features: Features) -> dict[str, Callable[[str | None], Value]]:
    """Column -> what makes its value of a field, or raises ValueError with what was expected."""
    converters: dict[str, Callable[[str | None], Value]] = {
        **{column.name: _number for column in features.numeric},
        **{column.name: _category for column in features.categorical},
    }
    if features.unit is not None:
        converters[features.unit] = _unit
    if features.weight is not None:
        converters[features.weight] = _weight(features.largest_weight)
    numbers = {column.name for column in features.numeric}
    for name, asked in _asked(features).items():
        known = named_values(features, name)
        convert = _number if name in numbers else as_named(known)
        converters[name] = _with_meaning(convert, asked)
    return converters


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


def as_named(values: Sequence[Item]) -> Callable[[str | None], Value]:
    """A field as the settings write the same value."""
    meant = {text_of(value): value for value in values}

    def convert(text: str | None) -> Value:
        return None if text is None else meant.get(text_of(text), text)

    return convert


def _with_meaning(
    convert: Callable[[str | None], Value], asked: Sequence[tuple[Membership, str]]
) -> Callable[[str | None], Value]:
    """`convert`, for fields that mean something to all who ask."""
    known: dict[str | None, Value] = {}  # fields repeat

    def checked(text: str | None) -> Value:
        if text in known:
            return known[text]
        value = convert(text)
        for membership, setting in asked:
            if not membership.loosely.members(Values.of([text])).strange[0]:
                continue
            expected = ", ".join(
                "none" if item is None else repr(str(item)) for item in membership.items
            )
            way = f"say in data.csv.replace which of them it means, or name it in {setting}"
            if text is None:
                way = f"or say in {setting.removesuffix('.values')} what none means (null)"
            raise ValueError(f"expected one of {expected}. Correct it, {way}")
        known[text] = value
        return value

    return checked


def _number(text: str | None) -> Value:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or "_" in text:
        raise ValueError(
            "expected a number. Correct it, name it in data.csv.missing if it means that nothing is "
            "known, or name the column in data.features.categorical"
        )
    if abs(value) > _LARGEST:
        raise ValueError(
            f"expected a number of at most {_LARGEST:g} (float32). Write the column in a larger unit, or "
            "name it in data.csv.missing if it means that nothing is known"
        )
    if abs(value) >= _EXACT and _is_whole(text) and int(text) != value:
        raise ValueError(
            "expected a number of at most 15 digits: this one would change. If it names somebody or "
            "something, name the column in data.features.categorical"
        )
    return value


def _is_whole(text: str) -> bool:
    return text.removeprefix("-").removeprefix("+").isdecimal()


def _category(text: str | None) -> Value:
    return text


def _unit(text: str | None) -> Value:
    if text is None:
        raise ValueError("expected whose row it is (data.features.unit)")
    return text


def _weight(largest: float | None) -> Callable[[str | None], Value]:
    def convert(text: str | None) -> Value:
        try:
            value = math.nan if text is None else float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(
                "expected what the row counts, a finite number of at least 0 (data.features.weight)"
            )
        if largest is not None and value > largest:
            raise ValueError(
                f"expected at most data.features.largest_weight = {largest:g}: cut larger weights, or "
                "declare a larger one"
            )
        return value

    return convert


def _meant(text: str | None, settings: CsvSettings) -> str | None:
    if text is None:
        return None
    text = settings.replace.get(text, text)
    return None if not text or text in settings.missing else text


def column_names(features: Features) -> list[str]:
    """The columns that `features` name, but for the picture."""
    return list(_converters(features))


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
