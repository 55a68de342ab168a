"""Minibatches: what they are drawn from, and that their weights keep every rate true."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from components.constrained_trainer.examples.data import Split
from components.constrained_trainer.examples.sampling import Rounds, Sampler, _shares
from fairgate.constraints.rates import Group
from fairgate.errors import DataError
from tests.components.constrained_trainer.toy import biased_split

SCHEMES = ("proportional", "balanced", "per_group")


def lopsided(n: int = 4000, seed: int = 0) -> Split:
    """One group of 5%, with few positives in it."""
    rng = np.random.default_rng(seed)
    rare = rng.random(n) < 0.05
    labels = (rng.random(n) < np.where(rare, 0.1, 0.6)).astype(np.float32)
    members = np.stack([rare, ~rare], axis=1).astype(np.float32)
    groups = (Group("G", "rare"), Group("G", "rest"))
    return Split({"numeric": np.zeros((n, 1), np.float32)}, labels, members, groups)


def drawn(sampler: Sampler, steps: int) -> np.ndarray:
    return sampler.rows_of(tf.range(steps, dtype=tf.int64)).numpy().ravel()


def test_proportional_minibatches_weigh_nothing_and_reach_everyone():
    split = lopsided(50)
    sampler = Sampler(split, 32, "proportional", seed=1, stream=0)
    assert sampler.weights is None
    counts = np.bincount(drawn(sampler, 2000), minlength=50)
    # 64,000 draws over 50 rows: 1280 each, with a standard deviation of 35.
    assert counts.min() > 1280 - 6 * 35 and counts.max() < 1280 + 6 * 35


def test_balanced_minibatches_hold_every_group_and_label_equally():
    split = lopsided()
    rows = drawn(Sampler(split, 64, "balanced", 0, 0), 5).reshape(5, 64)
    for minibatch in rows:
        cells = split.memberships[minibatch, 0] * 2 + split.labels[minibatch]
        assert np.bincount(cells.astype(int), minlength=4).tolist() == [16] * 4


def test_streams_per_group_hold_half_of_everyone_and_each_group():
    split = lopsided()
    rows = drawn(Sampler(split, 64, "per_group", 0, 0), 5).reshape(5, 64)
    assert (split.memberships[rows[:, 32:48], 0] == 1).all()
    assert (split.memberships[rows[:, 48:], 1] == 1).all()
    assert 0 < split.memberships[rows[:, :32], 0].mean() < 0.15


@pytest.mark.parametrize("scheme", ["balanced", "per_group"])
def test_the_expected_weighted_mean_over_minibatches_is_the_mean_over_the_data(scheme):
    """E_q[w f] = E_p[f], for every f: exactly, by enumerating the draw's distribution."""
    split = lopsided()
    sampler = Sampler(split, 40, scheme, 0, 0)
    # The distribution of one draw, from the sampler's own tables.
    chance = np.zeros(len(split))
    for size, offset in zip(sampler._sizes, sampler._offsets, strict=True):
        np.add.at(chance, sampler._order[offset : offset + size], 1 / (size * 40))
    assert chance.sum() == pytest.approx(1)
    np.testing.assert_allclose(
        chance * sampler.weights, np.full(len(split), 1 / len(split)), rtol=1e-5
    )


@pytest.mark.parametrize("scheme", SCHEMES)
def test_rows_follow_from_the_seed_and_the_step_alone(scheme):
    split = lopsided(300)
    one, two = (Sampler(split, 16, scheme, 5, 1) for _ in range(2))
    again = [two.rows(tf.constant(step)).numpy() for step in (7, 3)]
    np.testing.assert_array_equal(drawn(one, 8).reshape(8, 16)[[7, 3]], again)
    compiled = tf.function(one.rows, jit_compile=True)
    np.testing.assert_array_equal(compiled(tf.constant(7)), again[0])
    others = [Sampler(split, 16, scheme, 5, 0), Sampler(split, 16, scheme, 6, 1)]
    for other in others:
        assert (other.rows(tf.constant(7)).numpy() != again[0]).any()


@given(
    shares=st.lists(st.floats(0.01, 1), min_size=1, max_size=8),
    extra=st.integers(0, 100),
)
def test_shares_of_a_minibatch_are_whole_rows_that_add_up(shares, extra):
    normalized = np.array(shares) / sum(shares)
    size = len(shares) + extra
    counts = _shares(list(normalized), size, "balanced")
    assert counts.sum() == size and counts.min() >= 1
    assert np.abs(counts - normalized * size).max() <= len(shares)


def test_what_cannot_be_drawn_is_refused_in_words():
    split = lopsided(300)
    with pytest.raises(
        DataError, match=r"balanced: 4 parts .* minibatch of 3; raise trainer.batch"
    ):
        Sampler(split, 3, "balanced", 0, 0)
    nobody = split.take(np.flatnonzero(split.memberships[:, 1] > 0))
    with pytest.raises(DataError, match=r"no example is in \[G=rare\]"):
        Sampler(nobody, 32, "per_group", 0, 0)


# Going through all rows in turn.


def rounds_of(split, size, every=1, steps=None):
    rounds = Rounds(split, size, seed=0, every=every)
    return [np.asarray(rounds.rows(tf.constant(step, tf.int64))) for step in steps]


def test_a_round_holds_every_row_once_and_then_begins_again():
    split = biased_split(100, seed=1)
    seen = np.concatenate(rounds_of(split, 30, steps=range(10)))  # three rounds of 100
    assert (np.bincount(seen, minlength=100) == 3).all()


def test_the_player_s_steps_go_on_where_the_one_before_ended():
    split = biased_split(100, seed=1)
    rare = rounds_of(split, 30, every=4, steps=[3, 7, 11])
    np.testing.assert_array_equal(rare, rounds_of(split, 30, steps=[0, 1, 2]))


def test_every_part_is_like_the_whole():
    """Of each combination of group and label as many as its share, but for rounding at both ends."""
    split = biased_split(1000, seed=1)
    cells = split.memberships[:, 0] * 2 + split.labels
    for rows in rounds_of(split, 200, steps=range(7)):
        for cell in range(4):
            assert abs(np.sum(cells[rows] == cell) - np.sum(cells == cell) / 5) <= 2


def test_no_more_rows_than_there_are():
    split = biased_split(50, seed=1)
    [rows] = rounds_of(split, 80, steps=[9])
    assert sorted(rows) == list(range(50))
