"""The random numbers of many steps at once, as TensorFlow draws them for one.

`tf.random.stateless_uniform(shape, (seed, step), alg="philox")` scrambles the seed and then draws: half
a dozen kernels a step, each of which takes longer to launch on a GPU than to run. The steps of a stretch
together take as many, for the same bits.

Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011, figure 4:
Philox-4x32 of ten rounds; the key and the counter that scramble a seed are TensorFlow's.
"""

from __future__ import annotations

import tensorflow as tf

_MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
_WEYL = 0x9E3779B9, 0xBB67AE85
_ROUNDS = 10
_WORD = 2**32
# What TensorFlow scrambles seeds with.
_SCRAMBLE = 0x3EC8F720, 0x02461E29

_Words = tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]


def draws(seed: int, steps: tf.Tensor, size: int) -> tf.Tensor:
    """(k, size) uint32: row i is what `stateless_uniform` draws with the seed (seed, steps[i]).

    Args:
      seed: 0 <= seed < 2^63.
      steps: (k,) int64, not negative.
      size: of a draw, at most 2^34.
    """
    steps = tf.cast(steps, tf.uint64)[:, tf.newaxis]
    ones = tf.ones_like(steps)
    upper, lower = _halves(steps)
    counter = (ones * (seed % _WORD), ones * (seed // _WORD), lower, upper)
    low, high, *rest = _philox(counter, *(ones * key for key in _SCRAMBLE))
    blocks = tf.cast(tf.range(-(-size // 4))[tf.newaxis, :], tf.uint64)
    nothing = tf.zeros_like(steps + blocks)
    words = _philox((blocks + nothing, nothing, rest[0] + nothing, rest[1] + nothing), low, high)
    drawn = tf.reshape(tf.stack(words, axis=2), [tf.shape(steps)[0], -1])
    return tf.cast(drawn[:, :size], tf.uint32)


def _philox(words: _Words, low: tf.Tensor, high: tf.Tensor) -> _Words:
    """Four words for each counter and key; all of them below 2^32, held in 64 bits."""
    a, b, c, d = words
    for _ in range(_ROUNDS):
        upper_a, lower_a = _halves(a * _MULTIPLIERS[0])
        upper_c, lower_c = _halves(c * _MULTIPLIERS[1])
        a, b, c, d = (
            tf.bitwise.bitwise_xor(tf.bitwise.bitwise_xor(upper_c, b), low),
            lower_c,
            tf.bitwise.bitwise_xor(tf.bitwise.bitwise_xor(upper_a, d), high),
            lower_a,
        )
        low, high = (low + _WEYL[0]) % _WORD, (high + _WEYL[1]) % _WORD
    return a, b, c, d


def _halves(words: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The upper and the lower 32 bits of 64."""
    return tf.bitwise.right_shift(words, tf.constant(32, tf.uint64)), words % _WORD
