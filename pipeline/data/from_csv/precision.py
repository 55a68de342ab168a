"""Are numbers still what they were in float32, in which they are kept and networks compute?"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np
from numpy.typing import NDArray

from components.features import Features
from fairgate.errors import DataError
from fairgate.strict import MOST
from pipeline.data.from_csv.reading import Table

# A column keeps what it says if its deviation spans this many numbers that float32 tells apart.
_STEPS = 100


def require_kept(
    tables: Iterable[Table], features: Features, written_whole: Collection[str] = ()
) -> None:
    """Raises DataError where float32 has no room for a number, or takes different ones for equal.

    Ages counted from the year 0 in seconds differ by less than two neighbours in float32 do. Columns of
    `written_whole` are int64 in the dataset, which keeps them.
    """
    for table in tables:
        for column in features.numeric:
            if column.name in written_whole:
                continue
            values = np.array([v for v in table.columns[column.name] if v is not None], np.float64)
            if len(values):
                _require_kept(column.name, values)


def _require_kept(name: str, values: NDArray[np.float64]) -> None:
    largest = values[np.argmax(np.abs(values))]
    if abs(largest) > MOST:
        raise DataError(
            f"column '{name}' holds {largest:g}; expected numbers up to {MOST:.3g}, which float32 can "
            "hold. Correct it, or name it in data.csv.missing if it means that nothing is known"
        )
    different = np.unique(values)
    kept = np.unique(different.astype(np.float32))
    apart = float(np.spacing(np.float32(abs(largest))))
    if len(kept) > len(different) / 2 or values.std() >= _STEPS * apart:
        return
    low, high = different[[0, -1]]
    raise DataError(
        f"column '{name}': {len(different):,} different numbers from {low:.17g} to {high:.17g} are "
        f"{len(kept):,} in float32, in which they are kept. Subtract what they have in common (such as "
        f"{low:.17g}) or scale them, or name the column in data.features.categorical"
    )
