"""Cron expressions, as far as both platforms read them alike."""

from __future__ import annotations

import calendar
import re

from fairgate.errors import SettingsError

_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_WEEK = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_DAYS = {name: number for number, name in enumerate(_WEEK)}
# (name, least value, greatest value, names of values)
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 6, _DAYS),
)
_PART = re.compile(r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>\w+))?")
_NUMBER = re.compile("[0-9]{1,2}")
# In a leap year.
_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def checked(text: str) -> str:
    """The expression with single spaces, and numbers in the place of names.

    Fields are `*`, numbers, ranges (`1-5`), lists (`1,15`) and steps (`*/2`, `8-18/2`), for months and
    days of the week English names of three letters, too. What platforms read differently is refused:
    7 for Sunday, `3/5`, shorthands such as @daily, seconds, time zones.

    Raises:
      SettingsError: it is none, or names days that no year has; says which field and what it may be.
    """
    given = text.split()
    if len(given) != len(_FIELDS):
        raise SettingsError(
            f"--schedule {text!r} has {len(given)} fields; expected 5 (minute, hour, day of the month, "
            "month, day of the week; times are UTC), such as '0 3 * * 1' for Mondays at 3:00"
        )
    fields = [_field(part, *how, whole=text) for part, how in zip(given, _FIELDS, strict=True)]
    (_, days), (_, months), (weekdays, _) = fields[2:]
    # Where days of the week are given, too, one of the two is enough.
    if "*" in weekdays and min(days) > max(_LENGTHS[month - 1] for month in months):
        raise SettingsError(
            f"--schedule {text!r}: no year has day {min(days)} in month {given[3]}, so it would never run"
        )
    return " ".join(written for written, _ in fields)


def _field(
    text: str, name: str, least: int, greatest: int, names: dict[str, int], whole: str
) -> tuple[str, set[int]]:
    """(The field in numbers, the values that it stands for)."""

    def refuse(part: str, why: str) -> SettingsError:
        words = f" or {', '.join(names)}" if names else ""
        return SettingsError(
            f"--schedule {whole!r}: {name} = {part!r}: {why}; expected {least} to {greatest}{words}, "
            "a range (1-5), a list (1,3), * or a step (*/2)"
        )

    def number(word: str, part: str) -> int:
        value = names.get(word.upper())
        if value is None and _NUMBER.fullmatch(word):
            value = int(word)
        if value is None:
            raise refuse(part, f"{word!r} is no {name}")
        if name == "day of the week" and value == 7:
            raise refuse(part, "Sunday is 0")
        if not least <= value <= greatest:
            raise refuse(part, f"{value} is out of range")
        return value

    written, values = [], set()
    for part in text.split(","):
        found = _PART.fullmatch(part)
        if found is None:
            raise refuse(part, "it cannot be read")
        first, last, step = found["first"], found["last"], found["step"]
        if first is None:
            begin, end, said = least, greatest, "*"
        else:
            begin = number(first, part)
            end = begin if last is None else number(last, part)
            said = str(begin) if last is None else f"{begin}-{end}"
        if begin > end:
            raise refuse(part, "a range goes upwards")
        stride = 1
        if step is not None:
            if first is not None and last is None:
                raise refuse(part, "a step needs * or a range before it")
            if not (_NUMBER.fullmatch(step) and 1 <= int(step) <= greatest):
                raise refuse(part, f"the step {step!r} is none from 1 to {greatest}")
            stride = int(step)
            said += f"/{stride}"
        written.append(said)
        values.update(range(begin, end + 1, stride))
    return ",".join(written), values
