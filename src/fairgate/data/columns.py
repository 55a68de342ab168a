"""Batches of rows: columns of names as numbers, made of whatever array or table holds them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from fairgate.errors import DataError

MISSING = -1
"""The code of a row that has no value."""
ROWS = 1 << 20
"""Rows of a batch: enough to count fast, few enough to need little memory."""


_WHOLE = re.compile(r"[-+]?\d+\.0+")


@dataclass(frozen=True)
class Column:
    """A column of names.

    Attributes:
      values: the different values, as text.
      codes: (n,) int32, the number of each row's value in `values`; MISSING where it has none.
    """

    values: tuple[str, ...]
    codes: NDArray[np.int32]


@dataclass(frozen=True)
class Batch:
    """Some rows of a table.

    Attributes:
      names: columns of names, by the column's name.
      numbers: columns of numbers, (n,) float64, NaN where there is none, by the column's name.
    """

    names: Mapping[str, Column]
    numbers: Mapping[str, NDArray[np.float64]]


def text_of(value: Any) -> str | None:
    """A value as text, the same whether it was stored as a number or as text; None for no value.

    >>> text_of(True), text_of(1.0), text_of("1.0"), text_of(" Yes "), text_of(float("nan")), text_of("")
    ('true', '1', '1', 'Yes', None, None)
    """
    if value is None or _is_nan(value):
        return None
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    text = str(value).strip()
    return (text[: text.index(".")] if _WHOLE.fullmatch(text) else text) or None


def encode(values: Iterable[Any]) -> Column:
    """A column of any values.

    >>> column = encode(["Female", "Male", None, "Female"])
    >>> column.values, column.codes.tolist()
    (('Female', 'Male'), [0, 1, -1, 0])
    """
    if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
        different, codes = np.unique(values, return_inverse=True)
        return recode(different.tolist(), codes.reshape(-1).astype(np.int32))
    # By type too, because True == 1 == 1.0.
    seen: dict[tuple[type, Any], int] = {}
    codes = np.fromiter((seen.setdefault((type(v), v), len(seen)) for v in values), np.int32)
    return recode([value for _, value in seen], codes)


def recode(values: list[Any], codes: NDArray[np.int32]) -> Column:
    """A column of codes into `values`, which may hold values that are the same text, or none."""
    texts: dict[str, int] = {}
    numbers = np.empty(len(values) + 1, np.int32)
    numbers[MISSING] = MISSING  # the last: what a code of MISSING finds
    for position, value in enumerate(values):
        text = text_of(value)
        numbers[position] = MISSING if text is None else texts.setdefault(text, len(texts))
    if len(texts) == len(values):
        return Column(tuple(texts), codes)
    return Column(tuple(texts), numbers[codes])


def to_number(text: str) -> float:
    """The number that a text is: as `float`, without what only Python takes for one.

    Raises:
      ValueError: it is none.

    >>> to_number("1e3"), to_number("-.5"), to_number("inf")
    (1000.0, -0.5, inf)
    >>> to_number("1_000")
    Traceback (most recent call last):
        ...
    ValueError: no number: '1_000'
    """
    if "_" in text or not text.isascii():
        raise ValueError(f"no number: {text!r}")
    return float(text)


def to_numbers(name: str, values: Iterable[Any]) -> NDArray[np.float64]:
    """A column of numbers, NaN where there is none.

    Raises:
      DataError: naming what is no number.
    """
    if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
        return values.astype(np.float64)
    numbers = []
    for value in values:
        text = text_of(value)
        try:
            numbers.append(np.nan if text is None else to_number(text))
        except ValueError:
            raise DataError(
                f"column {name!r} holds {value!r}, which is no number: with a threshold, scores are "
                "expected; without one, decisions"
            ) from None
    return np.array(numbers, dtype=np.float64)


def series(name: str, values: Any) -> NDArray[Any]:
    """(n,) array of an array, a list, or a series of pandas, Polars or Arrow.

    Raises:
      DataError: it has not one dimension.
    """
    found = nw.from_native(values, series_only=True, pass_through=True)
    array = found.to_numpy() if isinstance(found, nw.Series) else np.asarray(found)
    if array.ndim == 2 and 1 in array.shape:
        array = array.reshape(-1)
    if array.ndim != 1:
        raise DataError(
            f"{name}: expected one value for each example, got an array of shape {array.shape}"
        )
    return array


def table(values: Any) -> dict[str, Any]:
    """Name -> column, of a mapping or of a data frame of pandas, Polars or Arrow.

    Raises:
      DataError: it is neither.
    """
    if isinstance(values, Mapping):
        return {str(name): column for name, column in values.items()}
    found = nw.from_native(values, eager_only=True, pass_through=True)
    if not isinstance(found, nw.DataFrame):
        raise DataError(
            "groups: expected a mapping of names to columns, or a data frame, got "
            f"{type(values).__name__}"
        )
    return {name: found[name] for name in found.columns}


def batches(
    names: Mapping[str, NDArray[Any]], numbers: Mapping[str, NDArray[Any]]
) -> Iterator[Batch]:
    """Batches of columns that are in memory.

    Raises:
      DataError: they are not equally long.
    """
    lengths = {name: len(column) for name, column in {**names, **numbers}.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {length:,}" for name, length in lengths.items())
        raise DataError(f"one value for each example is expected in every column, but {told}")
    for start in range(0, max(lengths.values(), default=0), ROWS):
        rows = slice(start, start + ROWS)
        yield Batch(
            {name: encode(column[rows]) for name, column in names.items()},
            {name: to_numbers(name, column[rows]) for name, column in numbers.items()},
        )


def _is_nan(value: Any) -> bool:
    try:
        return bool(value != value)
    except (TypeError, ValueError):  # pandas' NA answers neither yes nor no
        return True
