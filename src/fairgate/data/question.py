"""Which columns hold what, and what of that does not fit together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fairgate import vocabulary
from fairgate.data import answers
from fairgate.data.grouping import columns_of
from fairgate.data.groups import GroupFeature
from fairgate.errors import SettingsError

MOST_CLASSES = 100


@dataclass(frozen=True)
class Question:
    """Which columns hold what.

    Attributes:
      label: what is right.
      prediction: what the model said: decisions, or scores where there is a threshold.
      groups: what divides the examples into groups.
      baseline: what another model said, to compare with.
      threshold: scores above it are a Yes; None: the columns hold decisions.
      positive: what of the label is a Yes: a value, a range, or several; None: 1, true or yes.
      unit: whose example a row is, where people have several; None: rows are independent.
      weight: what a row counts; None: one.
      largest_unit: the most examples that a unit of the population has; None: as many as one has here.
      largest_weight: what no weight of the population is over.
      record: what names each example, for a ledger to know it again.
      declared: of the groups that are no plain column of names, what makes them.
      classes: of the label, where it has more than two: label and predictions are names of them.

    Raises:
      SettingsError: the threshold is no finite number, or weights have no largest; or classes are too
        few, or given beside what is of two alone.
    """

    label: str
    prediction: str
    groups: Sequence[str]
    baseline: str | None = None
    threshold: float | None = None
    positive: answers.Positive = None
    unit: str | None = None
    weight: str | None = None
    largest_unit: float | None = None
    largest_weight: float | None = None
    record: str | None = None
    declared: Mapping[str, GroupFeature] = field(default_factory=dict)
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.classes:
            self._check_classes()
        argument, threshold = vocabulary.now().argument, self.threshold
        if threshold is not None and not (
            isinstance(threshold, int | float) and math.isfinite(threshold)
        ):
            raise SettingsError(f"threshold = {threshold!r}: expected a finite number")
        if self.weight is not None and self.largest_weight is None:
            raise SettingsError(
                f"weights are given without {argument('largest_weight')}: of weights without a largest "
                "nothing can be promised. Declare what no weight of the population is over"
            )
        for name in ("largest_unit", "largest_weight"):
            most = getattr(self, name)
            if most is not None and not (math.isfinite(most) and most > 0):
                raise SettingsError(f"{argument(name)} = {most!r}: expected a number over 0")

    def _check_classes(self) -> None:
        argument = vocabulary.now().argument
        different = len(set(self.classes))
        if different < len(self.classes) or not 3 <= different <= MOST_CLASSES:
            raise SettingsError(
                f"{argument('classes')}: {', '.join(map(repr, self.classes))}: expected 3 to "
                f"{MOST_CLASSES} different names; of two, {argument('positive')} says which is the Yes"
            )
        for name in ("threshold", "positive", "unit", "weight"):
            if getattr(self, name) is not None:
                raise SettingsError(
                    f"{argument(name)} is given beside {argument('classes')}, and is of two classes only"
                )

    @property
    def decisions(self) -> list[str]:
        """The columns of what models said."""
        return [self.prediction] if self.baseline is None else [self.prediction, self.baseline]

    @property
    def names(self) -> list[str]:
        """Columns to be read as names."""
        said = self.decisions if self.threshold is None else []
        own = [name for name in (self.unit, self.record) if name is not None]
        return list(
            dict.fromkeys([self.label, *said, *columns_of(self.groups, self.declared), *own])
        )

    @property
    def numbers(self) -> list[str]:
        """Columns to be read as numbers."""
        weight = [] if self.weight is None else [self.weight]
        return weight if self.threshold is None else [*self.decisions, *weight]

    @property
    def in_units(self) -> bool:
        """Whether rows are more, or less, than an independent example each."""
        return self.unit is not None or self.weight is not None
