"""Examples are known again: however they are dealt, and after one of them more or less."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairgate.data.columns import encode
from fairgate.data.fingerprints import Fingerprints
from fairgate.records import Records


def known(labels, said=None, names=None, size: int = 10**6) -> Fingerprints:
    """The fingerprints of rows that come in batches of `size`."""
    labels = np.asarray(labels, np.int8)
    said = np.zeros(len(labels), int) if said is None else np.asarray(said)
    made = Fingerprints(named=names is not None)
    for start in range(0, len(labels), size):
        rows = slice(start, start + size)
        of = None if names is None else encode(np.asarray(names)[rows])
        made.add(labels[rows], encode(said[rows]), of)
    return made


def drawn(n: int, share: float = 0.5, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).random(n) < share).astype(np.int8)


def same(one: Records, other: Records) -> bool:
    return one.digest == other.digest and np.array_equal(one.hashes, other.hashes)


@given(st.lists(st.booleans(), min_size=1, max_size=200), st.integers(1, 50))
def test_batches_make_no_difference(labels, size):
    whole, dealt = known(labels), known(labels, size=size)
    assert same(whole.records, dealt.records) and whole.answers == dealt.answers


@pytest.mark.parametrize("share", [0.5, 0.1, 0.01, 0.99])
@pytest.mark.parametrize("n", [5000, 20_000])
def test_one_example_more_or_less_anywhere_shares_most(share, n):
    labels = drawn(n, share)
    records = known(labels).records
    for changed in (
        labels[1:],
        labels[:-1],
        np.delete(labels, n // 2),
        np.insert(labels, n // 3, 1),
        np.append(labels, drawn(n // 2, share, seed=9)),
    ):
        other = known(changed).records
        assert records.digest != other.digest
        assert records.shared_with(other) > 0.1


@pytest.mark.parametrize("share", [0.5, 0.1, 0.01, 0.99])
def test_other_examples_share_next_to_nothing(share):
    records = known(drawn(100_000, share)).records
    assert records.shared_with(known(drawn(100_000, share, seed=1)).records) < 1e-5


def test_half_of_the_examples_are_about_half_of_what_is_shared():
    labels = drawn(20_000)
    mixed = np.concatenate([labels[:5000], drawn(5000, seed=1)])
    shared = known(labels).records.shared_with(known(mixed).records)
    assert shared == pytest.approx(0.5, abs=0.03)


def test_sorted_labels_are_known_in_the_same_number_only():
    labels = np.sort(drawn(1000))
    assert known(labels).records.shared_with(known(labels).records) == 1
    assert known(labels).records.shared_with(known(labels[1:]).records) == 0


def test_names_know_examples_in_any_order_and_their_answers_too():
    n = 500
    labels, said, names = drawn(n), drawn(n, seed=1), np.array([f"person {i}" for i in range(n)])
    order = np.random.default_rng(0).permutation(n)
    one = known(labels, said, names)
    other = known(labels[order], said[order], names[order], size=64)
    assert one.records.digest == other.records.digest and one.answers == other.answers
    assert one.records.shared_with(other.records) > 0.5
    said[3] = 1 - said[3]
    assert known(labels, said, names).answers != one.answers
    fewer = known(labels[order][1:], said[order][1:], names[order][1:])
    assert fewer.records.digest != one.records.digest
    assert one.records.shared_with(fewer.records) > 0.5
    # Whoever leaves the names out the next time is known by the order of the labels.
    assert one.records.shared_with(known(labels).records) == 1
