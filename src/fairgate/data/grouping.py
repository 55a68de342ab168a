"""Who is in which groups of a feature, batch by batch: columns as they are, declared groups, crossings.

A row's groups are one pattern: their names with a zero byte between, which no name holds. Of a column of
names it is the name itself; of somebody in no group, as where it is not known, it is empty.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fairgate.constraints import crossings
from fairgate.data.columns import MISSING, Batch, Column
from fairgate.data.groups import GroupFeature
from fairgate.data.membership import Values
from fairgate.errors import DataError

_BETWEEN = "\0"


def names_in(pattern: str) -> list[str]:
    """The groups of a pattern.

    >>> names_in("Adult\\0Old"), names_in("")
    (['Adult', 'Old'], [])
    """
    return [name for name in pattern.split(_BETWEEN) if name]


def columns_of(features: Sequence[str], declared: Mapping[str, GroupFeature]) -> list[str]:
    """The columns that must be read for these features.

    >>> columns_of(["sex", "race", "sex x race"], {})
    ['sex', 'race']
    """
    read = (_column(feature, features, declared) for feature in features)
    return list(dict.fromkeys(name for name in read if name is not None))


def _column(
    feature: str, features: Sequence[str], declared: Mapping[str, GroupFeature]
) -> str | None:
    """The column of a feature; None of a crossing of others."""
    if feature in declared:
        return declared[feature].name
    others = {name: () for name in features if name != feature}
    return None if crossings.crossed(feature, others) else feature


def crossings_named(lines: Iterable[str], features: Sequence[str]) -> list[str]:
    """The crossings that constraints ask for, as far as their brackets tell it.

    What `[A & B]` is a group of is not known before the names of groups are: every crossing of so many
    features is meant.

    >>> crossings_named(["max_gap(FPR, [race x sex]) <= 0.1", "FPR | [F] <= 0.1"], ["sex", "race"])
    ['sex x race']
    """
    found: dict[str, None] = {}
    known: dict[str, tuple[str, ...]] = {feature: () for feature in features}
    for line in lines:
        for content in re.findall(r"\[((?:[^\\\[\]]|\\.)*)\]", line):
            named = crossings.crossed(content, known) if content not in known else None
            if named:
                found[crossings.crossing_name(named)] = None
            most = min(content.count("&") + 1, len(features))
            for size in range(2, most + 1):
                for chosen in itertools.combinations(features, size):
                    found[crossings.crossing_name(chosen)] = None
    return [name for name in found if name not in known]


class Grouping:
    """Makes a column of patterns for each feature of a batch.

    Args:
      features: their names; one that crosses others, such as "sex x race", comes after these.
      declared: of those that are no plain column of names, what makes their groups.

    Attributes:
      unknown: feature -> how many rows said that their group is not known.
    """

    def __init__(self, features: Sequence[str], declared: Mapping[str, GroupFeature]) -> None:
        self._features, self._declared = features, declared
        self.unknown: dict[str, int] = {}

    def of(self, batch: Batch) -> dict[str, Column]:
        """Feature -> the patterns of its rows; MISSING where a value is missing that must be there.

        Raises:
          DataError: a value is in no declared group.
        """
        found: dict[str, Column] = {}
        for feature in self._features:
            if feature in self._declared:
                found[feature] = self._grouped(feature, batch)
            elif _column(feature, self._features, self._declared) is not None:
                found[feature] = batch.names[feature]
        for feature in self._features:
            if feature not in found:
                parts = crossings.crossed(feature, {name: () for name in found}) or ()
                found[feature] = _crossed([found[part] for part in parts])
        return found

    def _grouped(self, feature: str, batch: Batch) -> Column:
        group = self._declared[feature]
        column, membership = batch.names[group.name], group.membership
        # The last stands for no value: it is what the code MISSING finds.
        members = membership.members(Values.of([*column.values, None]))
        for place in np.flatnonzero(members.strange[:-1])[:1]:
            raise DataError(
                f"column {group.name!r} holds {column.values[place]!r}, which is in no group of "
                f"{feature!r}: name it in values or unknown, or say what all others are (others)"
            )
        patterns = [
            _BETWEEN.join(name for name, own in zip(membership.names, row, strict=True) if own)
            for row in np.stack(members.groups, axis=1)
        ]
        numbers: dict[str, int] = {}
        codes = [numbers.setdefault(pattern, len(numbers)) for pattern in patterns]
        places = np.array(codes, np.int32)
        places[np.flatnonzero(members.strange)] = MISSING
        rows = places[column.codes]
        unknown = int(np.count_nonzero(members.unknown[column.codes]))
        self.unknown[feature] = self.unknown.get(feature, 0) + unknown
        return _of_patterns(list(numbers), rows)


def _crossed(parts: Sequence[Column]) -> Column:
    """The patterns of a crossing: every group of the one with every group of the others."""
    codes = np.stack([part.codes for part in parts], axis=1)
    different, rows = np.unique(codes, axis=0, return_inverse=True)
    numbers: dict[str, int] = {}
    places = []
    for row in different.tolist():
        if MISSING in row:
            places.append(MISSING)
            continue
        names = [names_in(part.values[code]) for part, code in zip(parts, row, strict=True)]
        pattern = _BETWEEN.join(map(crossings.cell_name, itertools.product(*names)))
        places.append(numbers.setdefault(pattern, len(numbers)))
    return Column(tuple(numbers), np.array(places, np.int32)[rows.reshape(-1)])


def _of_patterns(patterns: Sequence[str], codes: NDArray[np.int32]) -> Column:
    """A column without the patterns that no row has."""
    used, rows = np.unique(codes, return_inverse=True)
    there = [code for code in used.tolist() if code != MISSING]
    places = np.array(
        [MISSING if code == MISSING else there.index(code) for code in used], np.int32
    )
    return Column(tuple(patterns[code] for code in there), places[rows.reshape(-1)])
