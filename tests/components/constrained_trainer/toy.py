"""Splits on which the solution is known well enough to test training by."""

from __future__ import annotations

import numpy as np

from components.constrained_trainer.config import SelectionConfig, TrainingConfig
from components.constrained_trainer.examples.data import Split
from components.constrained_trainer.selection.snapshots import predict_scores
from fairgate.constraints.rates import Group

GROUPS = (Group("G", "a"), Group("G", "b"))
# Of snapshots alone, by the published heuristic: what is tested is the training.
AS_TRAINED = SelectionConfig(choose="ranked", thresholds="own")


def changed(config: TrainingConfig, **fields) -> TrainingConfig:
    """The same settings but for these fields, checked like any."""
    return TrainingConfig(**(config.model_dump() | fields))


def gap_of(model, split: Split) -> float:
    """The largest difference in false positive rate between groups."""
    counts = split.counts(predict_scores(model, split))
    rates = [counts[group].rate("FPR") for group in split.groups]
    return max(rates) - min(rates)


def biased_split(n: int, seed: int, groups: tuple[Group, ...] = GROUPS) -> Split:
    """Pictures 4x4x1: brightness tells the label, one corner the group; base rates differ by group.

    A network that is free uses the corner, and its false positive rate is higher for the last group.
    """
    rng = np.random.default_rng(seed)
    group = rng.integers(len(groups), size=n)
    share = np.linspace(0.25, 0.75, len(groups))[group]
    labels = (rng.random(n) < share).astype(np.float32)
    brightness = 128 + 36 * (labels * 2 - 1) + rng.normal(scale=30, size=n)
    pixels = brightness[:, None, None] + rng.normal(scale=5, size=(n, 4, 4))
    pixels[:, 0, 0] = 40 + 160 * group / (len(groups) - 1)
    images = np.clip(pixels, 0, 255).astype(np.uint8)[..., None]
    return Split({"image": images}, labels, np.eye(len(groups), dtype=np.float32)[group], groups)


def two_sided_split(n: int, seed: int) -> Split:
    """Pictures 4x4x1 whose left half tells the label of group b, the right half that of a, a quarter.

    A linear score that is free follows the left half, and ranks those of group a hardly better than
    chance does.
    """
    rng = np.random.default_rng(seed)
    halves = rng.normal(size=(n, 2))
    in_a = rng.random(n) < 0.25
    labels = (halves[np.arange(n), in_a.astype(int)] > 0).astype(np.float32)
    row = np.clip(128 + 32 * halves, 0, 255).astype(np.uint8).repeat(2, axis=1)
    images = np.tile(row[:, None, :, None], (1, 4, 1, 1))
    return Split({"image": images}, labels, np.stack([in_a, ~in_a], 1).astype(np.float32), GROUPS)


def linear_network(shape: tuple[int, int, int]):
    """A linear score: small, so that its training is quick and its optimum plain."""
    import keras

    return keras.Sequential(
        [
            keras.layers.Input(shape, dtype="uint8"),
            keras.layers.Rescaling(1 / 127.5, offset=-1),
            keras.layers.Flatten(),
            keras.layers.Dense(1),
        ]
    )


def two_scores(shape: tuple[int, int, int]):
    """A network with one output too many."""
    import keras

    return keras.Sequential(
        [keras.layers.Input(shape), keras.layers.Flatten(), keras.layers.Dense(2)]
    )


def exploding_network(shape: tuple[int, int, int]):
    """A network whose score is infinite from the start."""
    import keras

    return keras.Sequential(
        [
            keras.layers.Input(shape, dtype="uint8"),
            keras.layers.Rescaling(1e38),
            keras.layers.Flatten(),
            keras.layers.Dense(1, kernel_initializer=keras.initializers.Constant(1e38)),
        ]
    )


def dropout_network(shape: tuple[int, int, int]):
    """A network with random state of its own: its draws must go on where they stopped."""
    import keras

    return keras.Sequential(
        [
            keras.layers.Input(shape, dtype="uint8"),
            keras.layers.Rescaling(1 / 127.5, offset=-1),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(1),
        ]
    )


def late_exploding_network(shape: tuple[int, int, int]):
    """A network that counts its training steps, and whose score overflows after the thirtieth."""
    import keras

    class Counting(keras.layers.Layer):
        def build(self, input_shape):
            self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, inputs, training=False):
            if training:
                self.calls.assign_add(1.0)
            return inputs * keras.ops.where(self.calls > 30, float("inf"), 1.0)

    return keras.Sequential(
        [
            keras.layers.Input(shape, dtype="uint8"),
            keras.layers.Rescaling(1 / 127.5, offset=-1),
            keras.layers.Flatten(),
            keras.layers.Dense(1),
            Counting(),
        ]
    )
