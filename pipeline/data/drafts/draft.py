"""A draft of settings: what was chosen of a table, and the limits that its test split can show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairgate.constraints.rates import Group
from fairgate.data.columns import text_of
from fairgate.data.groups import GroupFeature, LabelFeature
from fairgate.data.membership import Membership, Values, range_of
from fairgate.errors import SettingsError
from fairgate.gate.prediction import Size
from pipeline.data.drafts import inputs, limits
from pipeline.data.drafts.columns import Column, Look
from pipeline.data.drafts.grouping import Grouping, raw
from pipeline.data.drafts.inputs import Inputs

TEST_SHARE = 0.2
_RATE = "max_gap(TPR, [{feature}]) <= {{limit}}"
_RATE_OF_CLASSES = (
    "max_gap(ERR, [{feature}]) <= {{limit}}"  # no class is better than another, unsaid
)


@dataclass(frozen=True)
class Draft:
    """What the settings file will say.

    Attributes:
      label: what stands under `data.features.label`.
      rows: how many rows there are, and how many of them are positive; None where there are classes.
      groups: the group features.
      inputs: what the model sees.
      limits: constraint with a place for its limit -> (the gate's limit, whether it can be shown).
      unit: column that says whose row it is.
      weight: column that says what a row counts, and the largest of its values.
    """

    label: dict[str, Any]
    rows: tuple[int, int | None]
    groups: list[Grouping]
    inputs: Inputs
    limits: dict[str, tuple[float, bool]] = field(default_factory=dict)
    unit: str | None = None
    weight: tuple[str, float] | None = None

    @property
    def used(self) -> list[str]:
        """The columns that mean something."""
        groups = [each.settings["name"] for each in self.groups]
        own = [self.unit, None if self.weight is None else self.weight[0]]
        inputs = [*self.inputs.numeric, *self.inputs.categorical]
        return [*inputs, self.label["name"], *groups, *filter(None, own)]


def label(column: Column, positive: Sequence[str]) -> dict[str, Any]:
    """What stands under `data.features.label`.

    Args:
      column: of the label.
      positive: values, or ranges of numbers, that are Yes.

    Raises:
      SettingsError: the column holds no such value, or no other.
    """
    values = dict(zip(map(text_of, column.values), column.values, strict=True))
    for each in positive:
        if text_of(each) not in values and range_of(each) is None:
            shown = ", ".join(map(repr, column.values[:8]))
            raise SettingsError(
                f"--positive {each}: column {column.name!r} holds no such value, but {shown}"
                + (", ..." if len(column.values) > 8 else "")
            )
    wanted = [values.get(text_of(each), each) for each in positive]
    others = [value for value in column.values if value not in wanted]
    found: dict[str, Any] = {"name": column.name}
    if len(column.values) == 2 and len(wanted) == 1 and len(others) == 1:
        found["positive"], found["negative"] = raw([*wanted, *others])
    else:
        plain = raw(wanted)
        found |= {"positive": plain[0] if len(plain) == 1 else plain, "others": "negative"}
    if column.missing:
        found["left_out"] = [None]
    yes = _rows(column, LabelFeature.model_validate(found).membership)["positive"]
    if not 0 < yes.sum() < len(column.codes) - column.missing:
        raise SettingsError(
            f"--positive {', '.join(positive)}: {'no' if not yes.sum() else 'every'} row is positive "
            "then; give values, or a range, that some rows have"
        )
    return found


def label_of_classes(column: Column) -> dict[str, Any]:
    """What stands under `data.features.label` where each value is a class of its own."""
    values = raw(column.values)
    ordered = sorted(values, key=lambda each: (isinstance(each, str), each))
    found: dict[str, Any] = {"name": column.name, "classes": ordered}
    return found | ({"left_out": [None]} if column.missing else {})


def make(
    look: Look,
    label: dict[str, Any],
    groups: Sequence[Grouping],
    unit: str | None,
    weight: str | None,
    doubtful: Mapping[str, str] | None = None,
) -> Draft:
    """The draft of what was chosen.

    Args:
      look: the table.
      label: as the function of that name makes it.
      groups: as `grouping.of` makes them.
      unit: column that says whose row it is.
      weight: column that says what a row counts.
      doubtful: columns that cannot be inputs -> why.

    Raises:
      SettingsError: no column is left to learn from.
    """
    column = look.named(label["name"])
    assert column is not None, "the label was chosen among the columns"
    classes = _rows(column, LabelFeature.model_validate(label).membership)
    several = "classes" in label
    if several:  # the first of them against the rest: all are counted, whichever it is
        first, *others = classes.values()
        classes = {"positive": first, "negative": np.any(others, axis=0)}
    used = [column.name, *(each.settings["name"] for each in groups), *filter(None, (unit, weight))]
    doubtful = {name: why for name, why in (doubtful or {}).items() if name not in used}
    chosen = inputs.choose(look.columns, classes["positive"], [*used, *doubtful])
    chosen.left_out.update(doubtful)
    chosen.left_out.update(
        {name: "there several times, and not equal: rename one" for name in look.unclear}
    )
    chosen.left_out.update(
        {name: f"holds {kind}, and not one value in each row" for name, kind in look.nested.items()}
    )
    if not chosen.numeric and not chosen.categorical:
        reasons = "; ".join(f"{name}: {why}" for name, why in list(chosen.left_out.items())[:5])
        raise SettingsError(
            "no column is left to learn from besides the label and the groups"
            + (f" ({reasons})" if reasons else "")
            + ". Give a table with more columns, or fewer --groups"
        )
    sizes: dict[Group | None, Size] = {None: _size(classes, np.ones(len(look), bool))}
    for each in groups:
        of = look.named(each.settings["name"])
        assert of is not None, "groups are chosen among the columns"
        for name, rows in _rows(of, GroupFeature.model_validate(each.settings).membership).items():
            sizes[Group(each.feature, name)] = _size(classes, rows)
    names = {
        each.feature: [g.name for g in sizes if g and g.feature == each.feature] for each in groups
    }
    rate = _RATE_OF_CLASSES if several else _RATE
    asked = [rate.format(feature=each.feature) for each in groups]
    largest = None
    if weight is not None and (of_weight := look.named(weight)) is not None:
        largest = (weight, float(of_weight.numbers.max()))
    return Draft(
        label,
        (len(look), None if several else int(classes["positive"].sum())),
        list(groups),
        chosen,
        {each: limits.first(each, sizes, names) for each in asked},
        unit,
        largest,
    )


def _rows(column: Column, membership: Membership) -> Mapping[str, NDArray[np.bool_]]:
    """Name of each group -> (n,) who is in it."""
    found = membership.members(Values.of([*column.values, None])).groups
    return {
        name: np.asarray(of)[column.codes] for name, of in zip(membership.names, found, strict=True)
    }


def _size(classes: Mapping[str, NDArray[np.bool_]], rows: NDArray[np.bool_]) -> Size:
    return Size(
        int(TEST_SHARE * np.sum(classes["positive"] & rows)),
        int(TEST_SHARE * np.sum(classes["negative"] & rows)),
    )
