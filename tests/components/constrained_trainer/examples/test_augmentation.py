"""Pictures that are mirrored and shifted on the device."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from benchmarks.training.ours import settings, split
from components.constrained_trainer.config import TrainingConfig
from components.constrained_trainer.examples.augmentation import Augmentation
from components.constrained_trainer.training import train
from fairgate.errors import SettingsError
from tests.components.constrained_trainer.toy import changed

PICTURES = np.random.default_rng(0).integers(0, 256, (64, 16, 8, 3), dtype=np.uint8)
CONFIG = settings(2, steps=8, batch_size=16, snapshots=2, jit="off")


def seen(kind: str, step: int = 3, jit: bool = False) -> np.ndarray:
    augmentation = Augmentation(kind, seed=1, batch_size=len(PICTURES))

    @tf.function(jit_compile=jit)
    def function(step):
        return augmentation(tf.constant(PICTURES), augmentation.draws(step))

    return function(tf.constant(step, tf.int64)).numpy()


@pytest.mark.parametrize("jit", [False, True])
def test_half_of_them_are_mirrored_and_nothing_else(jit):
    after = seen("flip", jit=jit)
    mirrored = (after == PICTURES[:, :, ::-1]).all(axis=(1, 2, 3))
    same = (after == PICTURES).all(axis=(1, 2, 3))
    assert (mirrored ^ same).all() and 16 < mirrored.sum() < 48
    assert (seen("flip", step=4) != after).any()


@pytest.mark.parametrize("jit", [False, True])
def test_a_shift_of_an_eighth_at_most_repeats_the_edge(jit):
    flipped, after = seen("flip"), seen("flip_and_shift", jit=jit)
    padded = np.pad(flipped, ((0, 0), (2, 2), (1, 1), (0, 0)), mode="edge")
    places = set()
    for picture, around in zip(after, padded, strict=True):
        every = [(y, x) for y in range(5) for x in range(3)]
        at = [(y, x) for y, x in every if (around[y : y + 16, x : x + 8] == picture).all()]
        assert len(at) == 1
        places.add(at[0])
    assert len(places) > 10  # of 15


def test_several_devices_see_the_pictures_that_one_does(two_replicas):
    training, validation = split(400, side=16), split(200, side=16)
    config = changed(CONFIG, augmentation="flip_and_shift")
    alone, together = (
        train(training, validation, config, scope=scope) for scope in (None, two_replicas)
    )
    plain = train(training, validation, CONFIG)
    for one, two, three in zip(
        *(r.snapshots[-1].weights for r in (alone, together, plain)), strict=True
    ):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)
        assert (one != three).any()


def test_it_is_for_pictures_that_are_learnt_from_at_each_step():
    pictures = split(200, side=4)
    table = dataclasses.replace(pictures, inputs={"numeric": np.zeros((200, 2), np.float32)})
    config = changed(CONFIG, network="tabular", augmentation="flip")
    with pytest.raises(SettingsError, match="augmentation = flip: it is for pictures"):
        train(table, table, config)
    with pytest.raises(ValidationError, match="layers: head looks at them once"):
        TrainingConfig(augmentation="flip", layers="head", warm_start="baseline")
