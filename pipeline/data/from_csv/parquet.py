"""Parquet files as rows of text, from which every value can be had back as it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairgate.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

_MAGIC = b"PAR1"
_ROWS = 1 << 14
_FRACTION = re.compile(r"\.([0-9]*?)0*(Z?)$")


def is_parquet(file: Path) -> bool:
    """Whether the first bytes of a file say so; False where it cannot be read."""
    try:
        with file.open("rb") as opened:
            return opened.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def nested(file: Path) -> dict[str, str]:
    """Column -> its type, of the columns that hold lists, structures and the like.

    Raises:
      DataError: the file cannot be read.
    """
    return {field.name: str(field.type) for field in _schema(file) if _text_of(field.type) is None}


def rows(
    file: Path, wanted: Collection[str] | None = None
) -> tuple[list[str], Iterator[tuple[str, list[str | None]]]]:
    """The names of the columns, and the rows: of each, how messages call it and its fields.

    Whole numbers, fractions (the shortest text that is the same number), truth values (true, false),
    text, categories, dates and times (ISO 8601, those of a time zone in UTC) are text; what is null or
    not a number is None.

    Args:
      file: a Parquet file.
      wanted: columns that are read, where they are there; in others nothing stands. None: all but those
        that hold lists, structures and the like.

    Raises:
      DataError: the file is damaged, or a column that is wanted holds no single values.
    """
    schema = _schema(file)
    names: list[str] = list(schema.names)
    asked = [name for name in dict.fromkeys(names) if wanted is None or name in wanted]
    if wanted is None:
        names = asked = [name for name in asked if _text_of(schema.field(name).type) is not None]
    for name in asked:
        if names.count(name) > 1:
            raise DataError(f"{file}: column '{name}' is there twice. Rename or remove one of them")
        if _text_of(schema.field(name).type) is None:
            raise DataError(
                f"{file}: column '{name}' holds {schema.field(name).type}; expected one value in each "
                "row. Make columns of its parts, or do not name it in data.features"
            )
    return names, _rows(file, names, asked)


def _rows(file: Path, names: list[str], asked: list[str]) -> Iterator[tuple[str, list[str | None]]]:
    import pyarrow as pa
    from pyarrow import parquet

    number = 0
    try:
        with parquet.ParquetFile(file) as opened:
            for batch in opened.iter_batches(batch_size=_ROWS, columns=asked):
                columns = {
                    name: _texts(file, name, batch.column(place))
                    for place, name in enumerate(batch.schema.names)
                }
                nothing: list[str | None] = [None] * batch.num_rows
                read = [columns.get(name, nothing) for name in names]
                for fields in zip(*read, strict=True):
                    number += 1
                    yield f"row {number}", list(fields)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{file}: {_damaged(error)}") from None


def _schema(file: Path) -> pa.Schema:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return parquet.read_schema(file)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{file}: {_damaged(error)}") from None


def _damaged(error: Exception) -> str:
    return f"a damaged Parquet file: {' '.join(str(error).split())[:200]}. Write it anew"


def _texts(file: Path, name: str, column: pa.Array) -> list[str | None]:
    import pyarrow as pa

    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        column, kind = column.storage, kind.storage_type
    if pa.types.is_dictionary(kind):
        known = _texts(file, name, column.dictionary)
        return [None if code is None else known[code] for code in column.indices.to_pylist()]
    if pa.types.is_timestamp(kind):
        # Of a zone in UTC; with all digits, which Python's times have no room for.
        column = column if kind.tz is None else column.cast(pa.timestamp(kind.unit, "UTC"))
        column = column.cast(pa.string())
    elif pa.types.is_date(kind) or pa.types.is_time(kind):
        column = column.cast(pa.string())
    text = _text_of(kind)
    assert text is not None, "the type was looked at before"
    try:
        return [None if value is None else text(value) for value in column.to_pylist()]
    except UnicodeDecodeError:
        raise DataError(
            f"{file}: column '{name}' holds bytes that are no text in UTF-8. Store text, or do not "
            "name the column in data.features"
        ) from None


def _text_of(kind: pa.DataType) -> Callable[[Any], str | None] | None:
    """What makes text of a value of a type; None for a type whose values are none."""
    import pyarrow as pa

    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return _text_of(kind.storage_type)
    if types.is_dictionary(kind):
        return _text_of(kind.value_type)
    if types.is_boolean(kind):
        return lambda value: "true" if value else "false"
    if types.is_floating(kind):
        return lambda value: None if value != value else repr(value)
    if types.is_decimal(kind):
        return lambda value: format(value, "f")
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return lambda value: value.decode()
    if types.is_timestamp(kind) or types.is_time(kind):
        return _without_needless_zeros
    text_like = (types.is_string, types.is_large_string, types.is_string_view)
    if any(check(kind) for check in (*text_like, types.is_integer, types.is_date, types.is_null)):
        return str
    return None


def _without_needless_zeros(time: str) -> str:
    return _FRACTION.sub(lambda found: f".{found[1]}{found[2]}" if found[1] else found[2], time)
