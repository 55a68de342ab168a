"""Which columns a model may learn from, and how: numbers, categories, or better not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipeline.data.drafts.columns import Column

_VOCABULARY = 1000
_CODES_FROM = 100  # whole numbers of three digits and more, few and with gaps, are codes
_FEW_CODES = 50
_SKEWED = 20.0  # times the mean is the largest: sums of money and the like
_TELLING = 0.9  # of the errors of the commonest answer are gone with this column alone


@dataclass(frozen=True)
class Inputs:
    """What a model sees.

    Attributes:
      numeric: columns of numbers -> how they are scaled.
      categorical: columns of names and codes.
      left_out: all others -> why.
    """

    numeric: dict[str, str] = field(default_factory=dict)
    categorical: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def choose(columns: Sequence[Column], positive: NDArray[np.bool_], used: Sequence[str]) -> Inputs:
    """The inputs among `columns`.

    Args:
      columns: of the table.
      positive: (n,) which rows are of the positive class.
      used: names of columns that mean something else: label, groups, unit, weight.
    """
    found = Inputs()
    for column in columns:
        if column.name in used:
            continue
        why = _reason_against(column, positive)
        if why is not None:
            found.left_out[column.name] = why
        elif column.is_numeric and not _are_codes(column):
            found.numeric[column.name] = "log" if _is_skewed(column) else "z_score"
        else:
            found.categorical.append(column.name)
    return found


def _reason_against(column: Column, positive: NDArray[np.bool_]) -> str | None:
    n, different = len(column.codes), len(column.values)
    if different == 0:
        return "holds nothing"
    if different == 1 and not column.missing:
        return f"holds {column.values[0]!r} in every row"
    known = n - column.missing
    if different == known and different > 1 and (not column.is_numeric or _is_counter(column)):
        return "another value in every row: it names rows"
    if not column.is_numeric and (different > _VOCABULARY or different > known / 2):
        return f"{different:,} different texts: names, dates or sentences"
    wrong = min(positive.sum(), n - positive.sum())
    if wrong and _errors(column, positive) <= (1 - _TELLING) * wrong:
        return "tells the label nearly always: it may be another name of the answer, or known only later"
    return None


def _is_counter(column: Column) -> bool:
    return column.is_whole and float(np.ptp(column.numbers)) < 2 * len(column.values)


def _errors(column: Column, positive: NDArray[np.bool_]) -> int:
    """Errors of who answers by this column alone; of many values, by whether there is one."""
    is_few = len(column.values) <= min(_FEW_CODES, len(column.codes) / 20)
    codes = column.codes if is_few else np.minimum(column.codes, 0)
    yes = np.bincount(codes + 1, weights=positive)
    rows = np.bincount(codes + 1)
    return int(np.minimum(yes, rows - yes).sum())


def _are_codes(column: Column) -> bool:
    if not column.is_whole or len(column.values) > _FEW_CODES:
        return False
    apart = float(np.ptp(column.numbers)) + 1
    return bool(column.numbers.min() >= _CODES_FROM) and apart > 1.2 * len(column.values)


def _is_skewed(column: Column) -> bool:
    total = float(np.abs(column.numbers) @ column.counts)
    return float(np.abs(column.numbers).max()) * float(column.counts.sum()) > _SKEWED * total
