"""Pictures that differ a little each time they are drawn: mirrored, and shifted.

    flip            left and right change sides, of half of the pictures
    flip_and_shift  and each is moved by up to an eighth of its sides, the edge repeated where it leaves

Both happen on the device that trains, on bytes, before anything is scaled. What happens to a picture
follows from the seed, the step and its place in the minibatch, so that a training that was stopped goes
on with the pictures it would have had, on any device and on any number of them.

Source: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, section 4.2.
"""

from __future__ import annotations

import tensorflow as tf

from components.constrained_trainer import config
from components.constrained_trainer.examples import philox

# Of the sides of a picture.
_FURTHEST = 1 / 8
# So that draws differ from those of rows, whose seeds are small.
_STREAM = 2**62


class Augmentation:
    """What is done to the pictures of one training.

    Args:
      kind: see the top of this file; not "none".
      seed: of the training.
      batch_size: B, pictures per step over all devices.
    """

    def __init__(self, kind: config.Augmentation, seed: int, batch_size: int):
        self._shifts = kind == "flip_and_shift"
        self._seed = _STREAM + seed % _STREAM
        self._batch_size = batch_size

    def draws(self, step: tf.Tensor) -> tf.Tensor:
        """(B, 3) uint32: what decides about each picture of the minibatch of `step`, () int64."""
        drawn = philox.draws(self._seed, tf.reshape(step, [1]), 3 * self._batch_size)
        return tf.reshape(drawn, [self._batch_size, 3])

    def __call__(self, pictures: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
        """The pictures as they are learnt from.

        Args:
          pictures: (b, height, width, channels) uint8.
          draws: (b, 3) uint32, their part of `draws`.
        """
        mirrored = draws[:, 0] % 2 == 1
        pictures = tf.where(mirrored[:, None, None, None], pictures[:, :, ::-1], pictures)
        if self._shifts:
            for axis in (1, 2):
                pictures = _shifted(pictures, draws[:, axis], axis)
        return pictures


def _shifted(pictures: tf.Tensor, draws: tf.Tensor, axis: int) -> tf.Tensor:
    """Each picture moved along an axis by what its draw says."""
    size = pictures.shape[axis]
    furthest = int(size * _FURTHEST)
    by = tf.cast(draws % tf.constant(2 * furthest + 1, tf.uint32), tf.int32) - furthest
    places = tf.clip_by_value(tf.range(size)[tf.newaxis] + by[:, tf.newaxis], 0, size - 1)
    return tf.gather(pictures, places, axis=axis, batch_dims=1)
