"""Label and groups of a dataset, as people declare them: which values make which class and group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from fairgate.data.columns import text_of
from fairgate.data.membership import Item, Membership, Rule, Values, quantile_of, range_of
from fairgate.errors import SettingsError
from fairgate.strict import Strict, in_words


def _reject_truth(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError(
            f"{value} is neither a number nor text (YAML reads yes, no, on and off so too): "
            'put text in quotes, such as "yes", or give the number that the column holds'
        )
    return value


# A raw value as it stands in a tf.Example, a range of numbers as text, or none at all: see `membership`.
RawValue = Annotated[int | str | None, BeforeValidator(_reject_truth)]
RawValues = RawValue | tuple[RawValue, ...]


def _reject_brackets(name: str) -> str:
    if not name.strip() or any(character in name for character in "[]=\n"):
        raise ValueError(
            f"{name!r} is not usable as a name in constraints: names are not empty and hold none of [ ] ="
        )
    return name


GroupName = Annotated[str, AfterValidator(_reject_brackets)]


_FEWEST_CLASSES, _MOST_CLASSES = 3, 100


def _reject_lines(name: str) -> str:
    if not name.strip() or "\n" in name:
        raise ValueError(
            f"{name!r} is not usable as the name of a class: it is empty, or has two lines"
        )
    return name


ClassName = Annotated[str, AfterValidator(_reject_lines)]


def _by_name(given: Any) -> Any:
    """Classes that are given as a list of values: each is called as its value is written."""
    if not isinstance(given, list | tuple):
        return given
    names = [text_of(_reject_truth(value)) for value in given]
    for at, name in enumerate(names):
        if name is None or name in names[:at]:
            what = "no value is no class" if name is None else f"{name!r} is there twice"
            raise ValueError(f"{what}: give each class its value, or names as in {{low: '<10'}}")
    return dict(zip(names, given, strict=True))


class LabelFeature(Strict):
    """The label: its column, and which raw values are the positive class; or several classes."""

    name: str = Field("attributes/Smiling", description="column that holds the label")
    positive: RawValues = Field(
        1,
        description="raw value of the positive class; a range such as '>= 50000', or a list of them",
    )
    negative: RawValues = Field(
        0,
        description="the same of the negative class; unset beside a range or a list: all other values",
    )
    classes: Annotated[dict[ClassName, RawValues], BeforeValidator(_by_name)] = Field(
        default_factory=dict,
        description="instead of positive and negative, three classes or more: a list of their values, or "
        "names with a value, a range or a list of them each",
    )
    left_out: tuple[RawValue, ...] = Field(
        (), description="values (null: none at all) of rows that are left out, counted and said"
    )
    others: Literal["positive", "negative", "left_out"] | None = Field(
        None, description="what every value means that is not named; unset: an error"
    )

    @model_validator(mode="before")
    @classmethod
    def _classes_alone(cls, given: Any) -> Any:
        if not isinstance(given, dict) or not given.get("classes"):
            return given
        for name in ("positive", "negative"):
            # An assignment brings the defaults of what stands beside it along.
            if given.get(name) not in (None, (), [], cls.model_fields[name].default):
                raise ValueError(
                    f"{name} = {given[name]!r} is given beside classes, of which none is positive or "
                    "negative: rates name a class, as in TPR(A). Leave it out"
                )
        return given | {"positive": (), "negative": ()}

    @model_validator(mode="before")
    @classmethod
    def _the_rest_is_negative(cls, given: Any) -> Any:
        if not isinstance(given, dict) or given.get("classes"):
            return given
        if "negative" in given or "positive" not in given:
            return given
        positive = given["positive"]
        one = not isinstance(positive, list | tuple) and not Rule.of(positive).ranges
        if given.get("others") in (None, "positive") and one:
            return given
        return {"others": "negative"} | given | {"negative": ()}

    @model_validator(mode="after")
    def _several_classes(self) -> LabelFeature:
        if not self.classes:
            return self
        if not _FEWEST_CLASSES <= len(self.classes) <= _MOST_CLASSES:
            raise ValueError(
                f"{len(self.classes)} classes are given: expected {_FEWEST_CLASSES} to {_MOST_CLASSES}. "
                "Of two, say which is positive and which is negative instead"
            )
        if self.others not in (None, "left_out"):
            raise ValueError(
                f"others = {self.others!r} is no class: name the values of all classes, or say others: "
                "left_out"
            )
        for name, rule in self.membership.rules.items():
            if rule.waits_for:
                raise ValueError(
                    f"{name}: {rule.waits_for[0]} is a quantile, and these are for groups"
                )
            if not rule.items:
                raise ValueError(f"no value is of class {name!r}: name one")
        self.membership.require_apart()
        return self

    @model_validator(mode="after")
    def _two_classes(self) -> LabelFeature:
        if self.classes:
            return self
        positive, negative = (self.membership.rules[name] for name in ("positive", "negative"))
        kinds = {isinstance(item, str) for item in (*positive.items, *negative.items)}
        if (shared := negative.shared_with(positive)) is not None or len(kinds) > 1:
            common = f": both hold {shared}" if len(positive.items + negative.items) > 2 else ""
            raise ValueError(
                f"positive ({self.positive!r}) and negative ({self.negative!r}) must be two different "
                f"values of the same type{common}"
            )
        for name, rule in self.membership.rules.items():
            if rule.waits_for:
                raise ValueError(
                    f"{name}: {rule.waits_for[0]} is a quantile, and these are for groups"
                )
            if not rule.items and self.others != name:
                raise ValueError(f"no value is {name}: name one, or say others: {name}")
        return self

    @property
    def membership(self) -> Membership:
        """`negative` and `positive`, or the classes, in this order; who is left out is unknown."""
        if self.classes:
            named = {name: Rule.of(values) for name, values in self.classes.items()}
            left_out = self.others == "left_out"
            return Membership(named, None, Rule(self.left_out), left_out)
        rules = {"negative": Rule.of(self.negative), "positive": Rule.of(self.positive)}
        others = None if self.others == "left_out" else self.others
        return Membership(rules, others, Rule(self.left_out), self.others == "left_out")

    @property
    def num_classes(self) -> int:
        """2 where there are a positive and a negative one."""
        return len(self.classes) or 2

    def told(self, of: int) -> str:
        """The values of a class, for people: 0 for the negative and 1 for the positive one."""
        items = list(self.membership.rules.values())[of].items
        return " or ".join("none" if item is None else str(item) for item in items) or "all others"

    @property
    def predicted(self) -> str:
        """What a model predicts, for people: the values of the positive class, or the names of all."""
        *others, last = list(self.classes) or [self.told(1)]
        return f"{', '.join(others)} or {last}" if others else last

    @property
    def is_plain(self) -> bool:
        """Whether either class is one raw value as it stands."""
        rules = self.membership.rules.values()
        return all(len(rule.items) == 1 and not rule.ranges for rule in rules)

    @property
    def may_leave_out(self) -> bool:
        """Whether there may be rows that are left out."""
        return bool(self.left_out) or self.others == "left_out"


class GroupFeature(Strict):
    """A column that divides the examples into named groups."""

    name: str = Field(description="column that holds the group")
    values: dict[GroupName, RawValues] = Field(
        description="name of each group -> its raw value, a range of numbers ('<25', '25-40', "
        "'>=25 <40', or of quantiles of the training split: '<q25'), null for none at all, or a list of "
        "them"
    )
    others: GroupName | None = Field(
        None, description="name of the group of all values that are not named; unset: an error"
    )
    unknown: tuple[RawValue, ...] | Literal["others"] = Field(
        (),
        description="values (null: none at all) of rows whose group is not known: trained on, counted, "
        "and in no group's rates; others: every value that is not named, and none at all",
    )
    overlapping: bool = Field(
        False, description="whether an example may be in several of the groups"
    )
    quantiles: dict[str, float] = Field(
        default_factory=dict,
        description="the numbers of the quantiles that values name, such as q25: 31; a run measures "
        "those that are not given on its training split, and writes them down here",
    )

    @model_validator(mode="after")
    def _groups_make_sense(self) -> GroupFeature:
        names = self.membership.names
        if len(names) < 2:
            raise ValueError(f"{len(names)} group(s) named: a gap needs at least two")
        empty = [name for name, rule in self.membership.rules.items() if not rule.items]
        if empty:
            raise ValueError(f"group {empty[0]!r} has no value: give it one")
        if self.others is not None and self.unknown == "others":
            raise ValueError("others is a group, and unknown says others, too: choose one of them")
        named = {name for rule in self._rules({}).values() for name in rule.waits_for}
        for name in named:
            if not 0 < quantile_of(name) < 1:
                raise ValueError(
                    f"{name} is no quantile: give one between q0 and q100, such as q25"
                )
        if strange := sorted(self.quantiles.keys() - named):
            raise ValueError(f"quantiles: {strange[0]!r} is in no range of values, such as '<q25'")
        for name, rule in self.membership.rules.items():
            if lost := [each for each in rule.items if _is_range(each) and not self._spans(each)]:
                raise ValueError(
                    f"group {name!r}: no number is in {lost[0]!r}, with {self.quantiles}: choose other "
                    "quantiles"
                )
        if not self.overlapping:
            try:
                self.membership.require_apart()
            except ValueError as error:
                raise ValueError(
                    f"{error}. Give each its own, or say overlapping: true if that is meant"
                ) from None
        raw = [
            item
            for rule in self.membership.rules.values()
            for item in rule.items
            if item is not None
        ]
        if len({isinstance(item, str) for item in raw if not _is_range(item)}) > 1:
            raise ValueError(f"raw values {raw} mix numbers and text: use one type")
        return self

    @property
    def membership(self) -> Membership:
        """Who is in which group."""
        rules = self._rules(self.quantiles)
        unknown = Rule(()) if self.unknown == "others" else Rule(self.unknown)
        return Membership(rules, self.others, unknown, self.unknown == "others")

    def _rules(self, quantiles: Mapping[str, float]) -> dict[str, Rule]:
        return {name: Rule.of(value, quantiles) for name, value in self.values.items()}

    def _spans(self, item: Item) -> bool:
        return isinstance(item, str) and range_of(item, self.quantiles) is not None

    def measured(self, values: Values) -> GroupFeature:
        """The same with the quantiles that it waits for, of a column.

        A quantile is the smallest number that so many percent of those that are known are not over: a
        number of the column, whatever type it has there.

        Args:
          values: of the training split, NumPy's.

        Raises:
          ValueError: there is no number, or two groups share a number then.
        """
        if not self.membership.waits_for:
            return self
        unknown = self.membership.unknown.members(values)
        numbers = np.sort(values.numbers[values.present & ~unknown & ~np.isnan(values.numbers)])
        if not len(numbers):
            raise ValueError(f"column {self.name!r} has no number to take quantiles of")
        found = {
            name: float(numbers[-(-len(numbers) * quantile_of(name) // 1) - 1])
            for name in self.membership.waits_for
        }
        return GroupFeature.model_validate(
            self.model_dump() | {"quantiles": {**self.quantiles, **found}}
        )

    @property
    def plain(self) -> dict[str, Item]:
        """Of the groups that are one raw value: name -> value."""
        found = {name: rule for name, rule in self.membership.rules.items() if len(rule.items) == 1}
        return {
            name: rule.items[0]
            for name, rule in found.items()
            if not rule.ranges and not rule.of_nothing and name != self.others
        }

    def told(self, name: str) -> str:
        """The values of a group, for messages."""
        if name not in self.values:
            return "all other values"
        rule = self.membership.rules[name]
        shown = (
            "none" if item is None else f"{item!r}" + (f" ({meant})" if meant != item else "")
            for item, meant in zip(rule.items, rule.measured, strict=True)
        )
        return " or ".join(shown)


def declare(groups: Mapping[str, Any]) -> dict[str, GroupFeature]:
    """Group features of plain values, as a settings file holds them.

    Raises:
      SettingsError: naming the feature and what is wrong with it.
    """
    try:
        return {name: GroupFeature.model_validate(of) for name, of in groups.items()}
    except ValueError as error:
        raise SettingsError(in_words(error)) from None


def _is_range(item: Item) -> bool:
    return isinstance(item, str) and bool(Rule.of(item).ranges)
