"""What two splits share is counted where they are small, and estimated where they are large."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairgate import records as module
from fairgate.records import Records

hashes = st.lists(st.integers(0, 2**64 - 1), max_size=50)


def of(numbers) -> Records:
    return Records.of("digest", np.array(list(numbers), np.uint64))


@given(hashes, hashes)
def test_what_is_shared_is_counted_of_the_smaller(one, other):
    smaller = min(len(set(one)), len(set(other)))
    shared = len(set(one) & set(other)) / smaller if smaller else 0.0
    assert of(one).shared_with(of(other)) == of(other).shared_with(of(one)) == shared


@given(hashes)
def test_text_comes_back(numbers):
    records = of(numbers)
    again = Records.from_text(records.to_text())
    assert again.digest == records.digest and np.array_equal(again.hashes, records.hashes)


@pytest.mark.parametrize(
    ("mine", "others", "common"),
    [(100_000, 100_000, 50_000), (100_000, 20_000, 5000), (500, 100_000, 250), (300, 400, 100)],
)
def test_of_large_splits_the_share_is_estimated(mine, others, common, monkeypatch):
    monkeypatch.setattr(module, "MOST", 4096)
    drawn = np.random.default_rng(0).integers(0, 2**64, mine + others, np.uint64)
    one = Records.of("one", drawn[:mine])
    other = Records.of("other", drawn[mine - common : mine - common + others])
    assert len(one.hashes) <= 4096 and len(other.hashes) <= 4096
    shared = common / min(mine, others)
    assert one.shared_with(other) == pytest.approx(shared, abs=0.2 if mine == 500 else 0.03)
    assert one.shared_with(of([])) == 0


def test_rows_that_are_alike_by_chance_make_no_two_splits_the_same():
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 2**64, 30_000, np.uint64)
    one, other = (Records.of(name, rng.choice(kinds, 10_000)) for name in ("one", "other"))
    assert one.shared_with(other) > 0.2 and not one.is_of(other, 0.01)
    rows = rng.choice(kinds, 10_000)
    assert Records.of("all", rows).is_of(Records.of("one less", rows[1:]), 0.01)
    different = rng.integers(0, 2**64, 20_000, np.uint64)
    whole = Records.of("whole", different)
    assert whole.chance == 0 and whole.is_of(Records.of("a part", different[19_000:]), 0.01)
