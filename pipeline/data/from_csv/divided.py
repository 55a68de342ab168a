"""What came of dividing: rows of each group and label in each split, and what is not as asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.features import Features
from pipeline.data.from_csv import meaning
from pipeline.data.from_csv.config import SPLITS
from pipeline.data.from_csv.reading import Table

# Less is left to chance, and to whole numbers.
_NOTABLE_ROWS, _NOTABLE_SHARE = 3, 0.2
_SHOWN = 6

Part = tuple[Table, Sequence[int]]


@dataclass(frozen=True)
class Cell:
    """The rows of one label in one group; of everybody where `feature` and `group` are None.

    Attributes:
      label: 0 for the negative class and 1 for the positive one; or the place of a class.
      rows: split -> how many.
    """

    feature: str | None
    group: str | None
    label: int
    rows: dict[str, int]

    def named(self, features: Features) -> str:
        """For sentences."""
        value = features.label.told(self.label)
        of = "" if self.group is None else f"[{self.group}] ({self.feature}), "
        return f"{of}{features.label.name} = {value}"

    def document(self, features: Features) -> dict[str, Any]:
        """For JSON: whether the label is positive, or the name of its class."""
        of: dict[str, Any] = {"positive": self.label == 1}
        if features.label.classes:
            of = {"class": list(features.label.classes)[self.label]}
        return {"feature": self.feature, "group": self.group, **of, "rows": self.rows}


def count(parts: Mapping[str, Part], features: Features) -> list[Cell]:
    """A cell for each label of everybody, then of each group of each feature.

    Args:
      parts: split -> its table and its rows there.
      features: what the columns mean.
    """
    labels = range(features.label.num_classes)
    found: dict[tuple[str | None, str | None, int], dict[str, int]] = {
        (feature, group, label): dict.fromkeys(SPLITS, 0)
        for feature, group in [(None, None), *features.membership_columns()]
        for label in labels
    }
    for split, (table, part) in parts.items():
        rows = np.asarray(part, int)
        of_rows = meaning.labels(table, features)[rows]
        members = {(None, None): np.ones(len(rows), bool)} | {
            (feature, name): column
            for feature, of in meaning.groups(table, features).items()
            for name, column in zip(features.group_names[feature], of[rows].T, strict=True)
        }
        for key, member in members.items():
            for label in labels:
                found[(*key, label)][split] = int(np.sum(member & (of_rows == label)))
    return [Cell(*key, rows) for key, rows in found.items()]


def warnings(
    cells: Sequence[Cell], shares: Mapping[str, float], features: Features
) -> Iterator[str]:
    """A sentence for what is missing in a split, and for what is far from its share there.

    Args:
      cells: as `count` makes them.
      shares: of the splits that rows were divided among; others have files of their own.
      features: what the columns mean.
    """
    for split in SPLITS:
        missing = [cell.named(features) for cell in cells if not cell.rows[split]]
        if missing:
            yield (
                f"split '{split}' has no row of {_listed(missing)}: what is said of them there cannot be "
                f"measured. Give more such rows, or a larger data.csv.shares.{split}"
            )
    for split, share in shares.items():
        far = []
        for cell in cells:
            expected = share * sum(cell.rows[other] for other in shares)
            off = abs(cell.rows[split] - expected)
            if cell.rows[split] and off > max(_NOTABLE_ROWS, _NOTABLE_SHARE * expected):
                far.append(
                    f"{cell.named(features)}: {cell.rows[split]:,} instead of {expected:,.0f}"
                )
        if far:
            yield (
                f"split '{split}' is not divided as asked: {_listed(far, '; ')}. Rows that stay "
                "together (data.csv.together, data.features.unit) leave no finer division where few of "
                "them make up much of the data; another data.csv.seed draws anew"
            )


def _listed(words: Sequence[str], between: str = ", ") -> str:
    more = len(words) - _SHOWN
    return between.join(words[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
