"""What is compiled: the same steps by both programs, and no more kernels than there were."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.training import compiled
from benchmarks.training.ours import make_loop, settings, split
from components.constrained_trainer.config import MultiplierConfig
from components.constrained_trainer.examples import philox

TRAINING, VALIDATION = split(400, side=8), split(200, side=8)


def loop_of(constraints: int, watch: str, every: int = 5, in_stretches: bool = True, **others):
    multipliers = MultiplierConfig(watch=watch, every=every)
    config = settings(
        constraints, batch_size=64, steps=600, jit="on", multipliers=multipliers, **others
    )
    return make_loop(TRAINING, VALIDATION, config, in_stretches)


@given(
    seed=st.integers(0, 2**62),
    steps=st.lists(st.integers(0, 2**62), min_size=1, max_size=3),
    size=st.sampled_from([1, 4, 7, 64]),
)
def test_draws_of_many_steps_are_those_of_each(seed, steps, size):
    several = philox.draws(seed, tf.constant(steps, tf.int64), size).numpy()
    for step, drawn in zip(steps, several, strict=True):
        one = tf.random.stateless_uniform(
            [size], (seed, step), minval=None, maxval=None, dtype=tf.uint32, alg="philox"
        )
        np.testing.assert_array_equal(drawn, one)


@pytest.mark.parametrize(
    ("constraints", "watch", "every"),
    [(0, "validation", 1), (2, "training", 1), (2, "validation", 5), (2, "validation", 23)],
)
def test_stretches_take_the_steps_that_single_calls_take(constraints, watch, every):
    """Over calls that end anywhere: within a stretch, and between two moves of the multipliers."""
    one, other = (loop_of(constraints, watch, every, stretches) for stretches in (False, True))
    assert one.stretch == 1 and other.stretch % every == 0 and other.stretch >= 16
    for last in (1, 7, 3 * other.stretch + 2, 8 * other.stretch):
        ours, theirs = one.advance_to(last), other.advance_to(last)
        assert ours.objective == pytest.approx(theirs.objective, rel=1e-5)
        np.testing.assert_allclose(ours.violations, theirs.violations, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(one.multipliers, other.multipliers, rtol=1e-4, atol=1e-6)
    for a, b in zip(one.model.get_weights(), other.model.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


def test_calls_end_where_stretches_do_and_snapshots_too_if_they_can():
    loop = loop_of(2, "validation", 5)
    assert loop.stretch == 20  # of the multiples of 5 the first from 16 on that divides 600 / 30
    assert [loop.end_of_call(step) for step in (0, 1, 20, 21)] == [0, 20, 20, 40]
    assert loop_of(2, "validation", 7).stretch == 21
    assert loop_of(2, "validation", 5, in_stretches=False).end_of_call(13) == 13
    streamed = loop_of(2, "validation", 5, resident_gb=0.0)
    assert streamed.stretch == 1


def test_how_long_calls_are_changes_no_bit():
    """Calls are as long as a clock says; snapshots at 60 and 120 lie within stretches of 21."""
    ends = []
    for size in (1, 50):
        loop = loop_of(2, "validation", 7)
        for target in (60, 120):
            while loop.step < target:
                loop.advance_to(min(loop.end_of_call(loop.step + size), target))
        ends.append([*loop.model.get_weights(), loop.multipliers])
    for one, other in zip(*ends, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_stretch_tells_the_first_step_that_went_wrong():
    loop = loop_of(0, "validation", 1, learning_rate=1e30)
    with pytest.raises(FloatingPointError, match=r"not finite at step ([2-9]|1\d) "):
        loop.advance_to(100)


@pytest.fixture(scope="module")
def kernels():
    """The innermost loop of the program that takes stretches, by constraints and what they watch."""
    found = {}
    for constraints, watch in (
        (0, "validation"),
        (1, "validation"),
        (8, "validation"),
        (1, "training"),
    ):
        loop = loop_of(constraints, watch)
        found[constraints, watch] = compiled.program(loop, loop.programs["stretches"])
    return found


def test_no_step_decides_or_waits(kernels):
    for key, program in kernels.items():
        inner = program.innermost()
        assert program.everywhere()["conditional"] == 0, key
        assert inner.kernels["sort"] == inner.kernels["scatter"] == 0, key
        # The number of turns is known, so that a GPU need not ask its host.
        assert inner.turns in (5, 20), key


def test_kernels_and_bytes_of_a_step_have_not_grown(kernels):
    """42 of them without constraints and 44 with one, 55 where both players see the same minibatch."""
    step = {key: program.innermost() for key, program in kernels.items()}
    assert step[0, "validation"].kernels.total() <= 44
    assert step[1, "validation"].kernels.total() <= step[0, "validation"].kernels.total() + 4
    assert step[8, "validation"].kernels.total() <= step[0, "validation"].kernels.total() + 20
    assert step[1, "training"].kernels.total() <= step[0, "validation"].kernels.total() + 16
    assert step[1, "validation"].bytes <= 1.1 * step[0, "validation"].bytes


def test_bytes_of_rows_that_are_gathered_are_those_of_the_rows():
    text = """
%taken (param_0: u8[1000,8], param_1: s32[4]) -> u8[4,8] {
  %param_0 = u8[1000,8]{1,0} parameter(0)
  %param_1 = s32[4]{0} parameter(1)
  ROOT %gather.1 = u8[4,8]{1,0} gather(%param_0, %param_1), offset_dims={1}
}

ENTRY %main (x: u8[1000,8], i: s32[4]) -> u8[4,8] {
  %x = u8[1000,8]{1,0} parameter(0)
  %i = s32[4]{0} parameter(1)
  ROOT %fusion = u8[4,8]{1,0} fusion(%x, %i), kind=kLoop, calls=%taken
}
"""
    found = compiled.read(text)
    assert found.kernels == {"fusion": 1} and found.bytes == 32 + 32 + 16
