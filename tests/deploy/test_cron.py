"""Cron expressions: what both platforms read alike, and what is refused."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairgate.errors import SettingsError
from pipeline.clusters.cron import checked

_LEAST, _GREATEST = (0, 0, 1, 1, 0), (59, 23, 31, 12, 6)
_NAMES = ("minute", "hour", "day of the month", "month", "day of the week")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("0 3 * * 1", "0 3 * * 1"),
        ("  0\t3  * *  MON ", "0 3 * * 1"),
        ("*/15 8-18/2 1,15 * *", "*/15 8-18/2 1,15 * *"),
        ("0 0 1 jan-Jun,DEC sun,Mon-FRI", "0 0 1 1-6,12 0,1-5"),
        ("05 03 29 2 *", "5 3 29 2 *"),
        ("0 0 30 2 1", "0 0 30 2 1"),  # every Monday of February
    ],
)
def test_an_expression_is_kept_with_numbers_for_names(given, meant):
    assert checked(given) == meant
    assert checked(meant) == meant


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ("0 fields", "'0 3 * * 1'")),
        ("@daily", ("1 fields", "expected 5")),
        ("0 0 3 * * 1", ("6 fields", "minute, hour")),
        ("TZ=Europe/Berlin 0 3 * * 1", ("6 fields", "UTC")),
        ("60 3 * * 1", ("minute = '60'", "0 to 59")),
        ("0 24 * * 1", ("hour = '24'", "0 to 23")),
        ("0 3 0 * *", ("day of the month = '0'", "1 to 31")),
        ("0 3 * 13 *", ("month = '13'", "1 to 12 or JAN")),
        ("0 3 * * 7", ("day of the week = '7'", "Sunday is 0")),
        ("0 3 * * 5-7", ("day of the week = '5-7'", "Sunday is 0")),
        ("0 3 * * Monday", ("'Monday' is no day of the week", "MON")),
        ("JAN 3 * * 1", ("'JAN' is no minute",)),
        ("5-1 3 * * 1", ("minute = '5-1'", "upwards")),
        ("3/5 3 * * 1", ("minute = '3/5'", "before it")),
        ("*/0 3 * * 1", ("the step '0'", "1 to 59")),
        ("*/60 3 * * 1", ("the step '60'",)),
        ("*/x 3 * * 1", ("the step 'x'",)),
        ("1,,2 3 * * 1", ("minute = ''", "cannot be read")),
        ("-1 3 * * 1", ("minute = '-1'", "cannot be read")),
        ("² 3 * * 1", ("'²' is no minute",)),
        (f"{'9' * 5000} 3 * * 1", ("is no minute",)),
        (f"*/{'9' * 5000} 3 * * 1", ("the step",)),
        ("? 3 * * 1", ("minute = '?'",)),
        ("0 3 L * *", ("'L' is no day of the month",)),
        ("0 3 31 4,6,9,11 *", ("no year has day 31 in month 4,6,9,11",)),
    ],
)
def test_what_is_none_is_refused_by_its_field(text, parts):
    with pytest.raises(SettingsError) as error:
        checked(text)
    for part in ("--schedule", *parts):
        assert part in str(error.value)


@given(st.integers(1, 31), st.sets(st.integers(1, 12), min_size=1), st.sampled_from(["*", "*/2"]))
def test_days_that_no_year_has_are_refused_and_no_others(day, months, weekday):
    def is_there(month: int) -> bool:
        try:
            datetime.date(2028, month, day)
        except ValueError:
            return False
        return True

    text = f"0 0 {day} {','.join(map(str, sorted(months)))} {weekday}"
    if any(is_there(month) for month in months):
        assert checked(text) == text
    else:
        with pytest.raises(SettingsError, match="no year has day"):
            checked(text)


@given(st.integers(0, 4), st.integers(-5, 70))
def test_a_number_is_taken_within_its_field_alone(field, value):
    fields = ["0", "0", "1", "1", "*"]
    fields[field] = str(value)
    if _LEAST[field] <= value <= _GREATEST[field]:
        assert checked(" ".join(fields)) == " ".join(fields)
    else:
        with pytest.raises(SettingsError, match=_NAMES[field]):
            checked(" ".join(fields))
