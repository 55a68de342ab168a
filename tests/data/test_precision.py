"""Numbers of a CSV file that float32 does not keep are told, and all others are taken."""

from __future__ import annotations

import numpy as np
import pytest

from components.features import Features
from fairgate.errors import DataError
from pipeline.data.from_csv.precision import require_kept
from pipeline.data.from_csv.reading import Table

AGES = Features(image=None, numeric=["age"])


def check(values) -> None:
    require_kept([Table({"age": [None, *map(float, values)]})], AGES)


@pytest.mark.parametrize(
    "values",
    [
        range(17, 80),
        [1.5] * 10,
        [],
        [1e38, -1e38],
        np.linspace(1.6e9, 1.7e9, 100_000),  # seconds over three years
        np.random.default_rng(0).random(100_000),
        np.round(np.random.default_rng(0).normal(5e4, 2e4, 10_000), 2),  # money
        [2**24, 2**24 + 1, 0, 5e6, 1e7],
    ],
    ids=range(8),
)
def test_numbers_that_are_told_apart_are_taken(values):
    check(values)


@pytest.mark.parametrize("number", [1e39, -1e39, 3.5e38, 1e300])
def test_a_number_without_room_is_refused(number):
    with pytest.raises(DataError, match=r"column 'age' holds.*float32.*data\.csv\.missing"):
        check([30, number])


@pytest.mark.parametrize("offset", [1e9, -1e9, 1e12, 1e16])
def test_numbers_that_become_one_are_refused(offset):
    with pytest.raises(DataError, match=r"column 'age': 63 different numbers.*Subtract"):
        check(offset + np.arange(17, 80) * max(1.0, np.spacing(abs(offset))))


def test_numbers_too_small_to_be_told_from_none_are_refused():
    with pytest.raises(DataError, match=r"2 different numbers from 0 to .* are 1 in float32"):
        check([0, 1e-300])
