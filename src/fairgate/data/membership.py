"""Which values of a column make which group, said once for every reader.

A group is a few items: a value, a range, or nothing at all (None: the row has no value).

    A91                 this text; 1, 1.0 and "1" are the same value
    <25  >=65           numbers under, or from, a limit
    25-40               numbers from 25 to 40, both included
    ">=25 <40"          numbers that keep both limits
    <q25  q25-q75       the same between quantiles of the training split, in percent

A text that reads as a range also stands for itself, so that a column may hold the text "25-40".

What decides is written with Python's operators alone, so that NumPy arrays (a CSV file, `judge`) and
TensorFlow's tensors (Transform, the served model) go through the same lines.
"""

from __future__ import annotations

import functools
import math
import operator
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np

from fairgate.data.columns import text_of

Item = int | float | str | None

NUMBER = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
"""What reads as a number, for `re` and for TensorFlow's regular expressions alike."""
WHOLE = r"^([-+]?[0-9]+)\.0+$"
"""A whole number with needless zeros; its first group is the number without them."""

_NUMBER = re.compile(NUMBER)
_QUANTILE = r"[qQ][0-9]+(?:\.[0-9]+)?"
_BOUND = rf"{NUMBER}|{_QUANTILE}"
_LIMIT = re.compile(rf"(<=|>=|<|>|≤|≥)\s*({_BOUND})")
_BETWEEN = re.compile(rf"({_BOUND})\s*(?:-|\u2013|\.\.)\s*({_BOUND})")
_QUANTILES = re.compile(rf"\b{_QUANTILE}\b")
_NONE: Mapping[str, float] = MappingProxyType({})
_ANY = ">=-1e999"  # which every number is
_PLAIN = {"≤": "<=", "≥": ">="}
_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@dataclass(frozen=True)
class Values:
    """A column, as numbers and as text.

    Attributes:
      present: (n,) bool, whether there is a value.
      numbers: (n,) floating point, NaN where there is none.
      texts: (n,) text as `text_of` writes it, "" where there is none; None for a column of fractions.
    """

    present: Any
    numbers: Any
    texts: Any = None

    @classmethod
    def of(cls, values: Iterable[Any]) -> Values:
        """Any values, as text; what is no value, such as None, "" or NaN, is not there."""
        texts = [text_of(value) for value in values]
        numbers = [number_of(text) for text in texts]
        return cls(
            np.array([text is not None for text in texts], bool),
            np.array(numbers, np.float64),
            np.array([text or "" for text in texts], object),
        )


def _number_text(quantiles: Mapping[str, float], name: str) -> str:
    number = quantiles.get(name.lower())
    return name if number is None else repr(number).removesuffix(".0")


def number_of(text: str | None) -> float:
    """The number that a text is; NaN if it is none.

    >>> number_of("1e3"), number_of("A91"), number_of(None)
    (1000.0, nan, nan)
    """
    return float(text) if text is not None and _NUMBER.fullmatch(text) else math.nan


@dataclass(frozen=True)
class Range:
    """Numbers between two limits.

    Attributes:
      low, high: infinite where there is none.
      with_low, with_high: whether the limit itself is in it.
      waits_for: the limits that are quantiles which nobody has measured yet, such as "q25"; their place
        holds the percentage.
    """

    low: float = -math.inf
    high: float = math.inf
    with_low: bool = True
    with_high: bool = True
    waits_for: tuple[str, ...] = ()

    def holds(self, numbers: Any) -> Any:
        """(n,) bool; NaN is in none.

        Raises:
          ValueError: a limit is a quantile that is not measured.
        """
        if self.waits_for:
            raise ValueError(
                f"{self.waits_for[0]} is a quantile of the training split that is not measured yet: give "
                f"its number, as in quantiles: {{{self.waits_for[0]}: 31}}"
            )
        above = _COMPARE[">=" if self.with_low else ">"](numbers, self.low)
        return above & _COMPARE["<=" if self.with_high else "<"](numbers, self.high)

    def meets(self, other: Range) -> bool:
        """Whether some number is in both, as far as that is known before quantiles are."""
        if bool(self.waits_for) != bool(other.waits_for) or self._is_mixed or other._is_mixed:
            return False
        low, high = max(self.low, other.low), min(self.high, other.high)
        if low != high:
            return low < high
        one, another = replace(self, waits_for=()), replace(other, waits_for=())
        return bool(one.holds(low) and another.holds(low))

    @property
    def _is_mixed(self) -> bool:
        """Whether one limit waits, and the other is known."""
        limits = math.isfinite(self.low) + math.isfinite(self.high)
        return 0 < len(self.waits_for) < limits


def quantile_of(name: str) -> Fraction:
    """The share below a quantile that is called so.

    >>> quantile_of("q25"), quantile_of("q2.5")
    (Fraction(1, 4), Fraction(1, 40))
    """
    return Fraction(name[1:]) / 100


def range_of(text: str, quantiles: Mapping[str, float] = _NONE) -> Range | None:
    """The range that a text reads as; None if it reads as none.

    Args:
      text: as above.
      quantiles: the numbers of those that are measured.

    >>> range_of(">= 25 < 40").with_high, range_of("A91"), range_of("2021-05")
    (False, None, None)
    >>> range_of("q25-q75").waits_for, range_of("q25-q75", {"q25": 3.0, "q75": 9.0}).high
    (('q25', 'q75'), 9.0)
    """
    waits: list[str] = []

    def number_of_limit(word: str) -> float:
        if word[0] not in "qQ":
            return float(word)
        if word.lower() in quantiles:
            return quantiles[word.lower()]
        waits.append(word.lower())
        return float(word[1:])

    text = text.strip()
    if between := _BETWEEN.fullmatch(text):
        low, high = map(number_of_limit, between.groups())
        is_mixed = len(waits) == 1
        return Range(low, high, waits_for=tuple(waits)) if low <= high or is_mixed else None
    limits = _LIMIT.findall(text)
    if not limits or re.sub(r"\s|,|\band\b", "", _LIMIT.sub("", text)):
        return None
    found = Range()
    for sign, limit in limits:
        sign, number = _PLAIN.get(sign, sign), number_of_limit(limit)
        if sign.startswith(">"):
            found = Range(number, found.high, sign == ">=", found.with_high)
        else:
            found = Range(found.low, number, found.with_low, sign == "<=")
    found = replace(found, waits_for=tuple(waits))
    return found if found._is_mixed or found.meets(found) else None


@dataclass(frozen=True)
class Rule:
    """The values of one group.

    Attributes:
      items: as they were given.
      quantiles: the numbers of those that are measured.
    """

    items: tuple[Item, ...]
    quantiles: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Item | Sequence[Item], quantiles: Mapping[str, float] = _NONE) -> Rule:
        """One item, or several."""
        one = given is None or isinstance(given, int | float | str)
        return cls((given,) if one else tuple(given), dict(quantiles))  # type: ignore[arg-type]

    @functools.cached_property
    def texts(self) -> tuple[str, ...]:
        """The values that it names, as text."""
        found = (text_of(item) for item in self.items)
        return tuple(dict.fromkeys(text for text in found if text is not None))

    @functools.cached_property
    def ranges(self) -> tuple[Range, ...]:
        """The numbers that it names."""
        found = (range_of(item, self.quantiles) for item in self.items if isinstance(item, str))
        return tuple(each for each in found if each is not None)

    @property
    def waits_for(self) -> tuple[str, ...]:
        """The quantiles that are not measured yet."""
        return tuple(dict.fromkeys(name for each in self.ranges for name in each.waits_for))

    @property
    def loosely(self) -> Rule:
        """The same with any number in the place of each range that waits for a quantile."""
        if not self.waits_for:
            return self
        known = [each for each in self.items if not Rule.of(each, self.quantiles).waits_for]
        return Rule((*known, _ANY), self.quantiles)

    @property
    def measured(self) -> tuple[Item, ...]:
        """The items with the numbers of the quantiles, where there are such."""
        return tuple(
            _QUANTILES.sub(lambda found: _number_text(self.quantiles, found[0]), item)
            if isinstance(item, str) and range_of(item) is not None
            else item
            for item in self.items
        )

    @functools.cached_property
    def of_nothing(self) -> bool:
        """Whether rows without a value are meant."""
        return any(text_of(item) is None for item in self.items)

    @functools.cached_property
    def numbers(self) -> tuple[float, ...]:
        """The single numbers that it names."""
        found = map(number_of, self.texts)
        return tuple(number for number in found if not math.isnan(number))

    @property
    def is_text(self) -> bool:
        """Whether it names something that is no number, and no range of numbers."""
        return any(math.isnan(number_of(text)) and range_of(text) is None for text in self.texts)

    def members(self, values: Values) -> Any:
        """(n,) bool, of NumPy or TensorFlow as `values` are."""
        found = [each.holds(values.numbers) for each in self.ranges]
        if values.texts is None:
            found += [values.numbers == number for number in self.numbers]
        else:
            found += [values.texts == text for text in self.texts]
        if self.of_nothing:
            found.append(~values.present)
        return functools.reduce(operator.or_, found, values.present & ~values.present)

    def shared_with(self, other: Rule) -> str | None:
        """A value, or range, that both hold; None if there is none."""
        for one, another in ((self, other), (other, self)):
            known = [each for each in another.ranges if not each.waits_for]
            for item in one.items:
                text = text_of(item)
                if text is None:
                    if another.of_nothing:
                        return "nothing"
                elif text in another.texts or any(each.holds(number_of(text)) for each in known):
                    return text
                span = range_of(text, one.quantiles) if text is not None else None
                if span is not None and any(span.meets(each) for each in another.ranges):
                    return text
        return None


@dataclass(frozen=True)
class Members:
    """Who is where.

    Attributes:
      groups: (n,) bool of each group, in order.
      unknown: (n,) bool, whose group is said not to be known; they are in no group.
      strange: (n,) bool, whose value nothing says the meaning of.
    """

    groups: tuple[Any, ...]
    unknown: Any
    strange: Any


@dataclass(frozen=True)
class Membership:
    """The groups that a column makes.

    Attributes:
      rules: name of each group -> its values.
      others: name of the group of all other values; one of `rules`, or one more, which is the last.
      unknown: the values of those whose group is not known; it goes before the rules.
      others_unknown: whether all other values, and none, say that the group is not known.
    """

    rules: Mapping[str, Rule]
    others: str | None = None
    unknown: Rule = field(default_factory=lambda: Rule(()))
    others_unknown: bool = False

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """The groups, in order."""
        return tuple(dict.fromkeys([*self.rules, *([] if self.others is None else [self.others])]))

    @property
    def takes_nothing(self) -> bool:
        """Whether a row may have no value."""
        of_nothing = any(rule.of_nothing for rule in (*self.rules.values(), self.unknown))
        return of_nothing or self.others_unknown

    @property
    def is_open(self) -> bool:
        """Whether values that are not named have a meaning."""
        ranges = any(rule.ranges for rule in (*self.rules.values(), self.unknown))
        return ranges or self.others is not None or self.others_unknown

    @property
    def waits_for(self) -> tuple[str, ...]:
        """The quantiles that are not measured yet."""
        return tuple(dict.fromkeys(n for rule in self.rules.values() for n in rule.waits_for))

    @property
    def loosely(self) -> Membership:
        """The same before quantiles are measured: a number may be in any range that waits for one."""
        rules = {name: rule.loosely for name, rule in self.rules.items()}
        return replace(self, rules=rules)

    @property
    def items(self) -> tuple[Item, ...]:
        """All that is named, in order."""
        return sum((rule.items for rule in (*self.rules.values(), self.unknown)), ())

    def members(self, values: Values) -> Members:
        """Who is in which group."""
        unknown = self.unknown.members(values)
        found = {name: rule.members(values) & ~unknown for name, rule in self.rules.items()}
        rest = ~functools.reduce(operator.or_, found.values(), unknown)
        if self.others is not None:
            others = rest & values.present
            found[self.others] = found[self.others] | others if self.others in found else others
            rest = rest & ~values.present
        if self.others_unknown:
            unknown = unknown | rest
            rest = rest & ~rest
        return Members(tuple(found[name] for name in self.names), unknown, rest)

    def require_apart(self) -> None:
        """Raises ValueError where a value would be in two groups."""
        named = list(self.rules.items())
        for at, (name, rule) in enumerate(named):
            for other_name, other in named[:at]:
                if (shared := rule.shared_with(other)) is not None:
                    raise ValueError(
                        f"two groups share a raw value: {shared} is in {other_name!r} and in {name!r}"
                    )
