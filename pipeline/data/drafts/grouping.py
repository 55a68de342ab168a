"""Groups as settings have them, made of what a column holds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipeline.data.drafts.columns import Column

_RARE = 0.05  # of the rows: of fewer, nothing can be promised
_REST = 0.02  # what is left over is a group of its own from here on
_MOST = 12
_AGES = (40, 25, 60)
_HELD = 0.1  # of the rows are in the smaller of two groups of ages


@dataclass(frozen=True)
class Grouping:
    """A group feature.

    Attributes:
      feature: its name in constraints.
      settings: what stands under `data.features.groups` for it.
      notes: sentences about it, for a comment.
    """

    feature: str
    settings: dict[str, Any]
    notes: list[str] = field(default_factory=list)


def raw(values: Sequence[str]) -> list[int | str]:
    """Values as settings write them: whole numbers where all are such, else text."""
    whole = [re.fullmatch(r"([-+]?[0-9]{1,18})(\.0+)?", value) for value in values]
    if all(each and not re.match(r"[-+]?0[0-9]", each[1]) for each in whole):
        return [int(each[1]) for each in whole if each]
    return list(values)


def of(column: Column, feature: str) -> Grouping | None:
    """The groups of a column; None where there are not two of a size that can be measured.

    Args:
      column: of few values, or of numbers.
      feature: its name in constraints.
    """
    if column.is_numeric and len(column.values) > 4:
        return _by_size(column, feature)
    n = len(column.codes)
    order = np.argsort(-column.counts, kind="stable")
    kept = [int(at) for at in order[:_MOST] if column.counts[at] >= _RARE * n]
    if len(kept) < 2:
        return None
    rest = [int(at) for at in order if at not in kept]
    kept = sorted(kept, key=lambda at: column.numbers[at]) if column.is_numeric else kept
    names = _names(column, feature)
    values = raw(column.values)
    settings: dict[str, Any] = {
        "name": column.name,
        "values": {names[at]: values[at] for at in kept},
    }
    notes = []
    if rest:
        shown = ", ".join(f"{column.values[at]} ({column.counts[at]:,} rows)" for at in rest[:6])
        shown += f" and {len(rest) - 6} more" if len(rest) > 6 else ""
        if sum(column.counts[at] for at in rest) >= _REST * n:
            other = "Other" if "Other" not in names else "Everybody else"
            settings["others"] = other
            notes.append(f"{other}: {shown}, too few for a group each")
        else:
            settings["unknown"] = "others"
            notes.append(f"in no group, for they are too few to measure: {shown}")
    if column.missing:
        notes.append(
            f"{column.missing:,} rows have no value: they count for everybody, in no group"
        )
        settings.setdefault("unknown", [None])
    return Grouping(feature, settings, notes)


def _by_size(column: Column, feature: str) -> Grouping | None:
    known = column.by_row[~np.isnan(column.by_row)]
    is_age = feature.lower() == "age" and 18 <= np.median(known) <= 80 and known.max() <= 125
    for limit in [
        *(_AGES if is_age else ()),
        float(np.ceil(np.median(known))),
        float(np.mean(known)),
    ]:
        share = float(np.mean(known < limit))
        if min(share, 1 - share) >= _HELD:
            break
    else:
        return None
    shown = f"{limit:.4g}"
    settings: dict[str, Any] = {
        "name": column.name,
        "values": {
            f"{feature} under {shown}": f"<{shown}",
            f"{feature} {shown} and over": f">={shown}",
        },
    }
    notes = [f"from {known.min():g} to {known.max():g}: put the limits where they mean something"]
    if column.missing:
        notes.append(
            f"{column.missing:,} rows have no value: they count for everybody, in no group"
        )
        settings["unknown"] = [None]
    return Grouping(feature, settings, notes)


def _names(column: Column, feature: str) -> list[str]:
    """A name for each value: the value itself, where it says something."""
    if column.is_numeric:
        texts = [str(value) for value in raw(column.values)]
        if set(texts) == {"0", "1"}:
            return [feature if text == "1" else f"Not {feature}" for text in texts]
        return [f"{feature} {text}" for text in texts]
    names: list[str] = []
    for value in column.values:
        name = usable(value) or "blank"
        names.append(name if name not in names else f"{name} ({len(names)})")
    return names


def usable(name: str) -> str:
    """A name without what constraints give a meaning to."""
    return re.sub(r"\s+", " ", re.sub(r"[\[\]=&]", " ", name)).strip()


def feature_name(column: str) -> str:
    """The name of a group feature, of that of its column.

    >>> feature_name("age_cat"), feature_name("SEX"), feature_name("maritalStatus")
    ('Age cat', 'Sex', 'Marital status')
    """
    parted = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", column).replace("_", " ").lower()
    name = usable(parted)
    return name[:1].upper() + name[1:]
