"""Values that are written in two ways, such as UCI Adult's `>50K` and, in its test file, `>50K.`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.data.drafts.columns import Column, Look

_FEW = 50


def joined(look: Look) -> tuple[Look, dict[str, str]]:
    """The table with one spelling for each value, and what was replaced: as written -> as meant."""
    found: dict[str, str] = {}
    columns = []
    for column in look.columns:
        texts = set(column.values)
        ending = {
            value: value[:-1] for value in texts if value.endswith(".") and value[:-1] in texts
        }
        if not ending or column.is_numeric or len(texts) > _FEW:
            columns.append(column)
            continue
        found |= ending
        kept = [value for value in column.values if value not in ending]
        places = np.array([*(kept.index(ending.get(value, value)) for value in column.values), -1])
        columns.append(Column(column.name, tuple(kept), places[column.codes]))
    return replace(look, columns=columns), found
