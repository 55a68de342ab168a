"""Warm starts, and training the last layer alone."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from components.constrained_trainer.config import TrainingConfig
from components.constrained_trainer.models import networks
from components.constrained_trainer.training import train
from fairgate.errors import SettingsError
from tests.components.constrained_trainer.toy import (
    AS_TRAINED,
    biased_split,
    changed,
    gap_of,
)

TRAINING, VALIDATION, TEST = (biased_split(3000, seed=seed) for seed in (1, 2, 3))
CONFIG = TrainingConfig(
    network="mlp",
    constraints=(),
    steps=300,
    batch_size=128,
    snapshots=3,
    jit="off",
    selection=AS_TRAINED,
)
GAP = ("max_gap(FPR, [G]) <= 0.04",)
configured = partial(changed, CONFIG)


@pytest.fixture(scope="module")
def baseline():
    return train(TRAINING, VALIDATION, CONFIG)


def test_a_warm_start_begins_where_the_other_model_ended(baseline):
    start = baseline.model.get_weights()
    config = configured(constraints=GAP, warm_start="baseline", steps=1, snapshots=1)
    result = train(TRAINING, VALIDATION, config, start=start)
    for before, after in zip(start, result.model.get_weights(), strict=True):
        np.testing.assert_allclose(before, after, atol=2 * config.learning_rate)


def test_the_head_alone_is_trained_and_closes_the_gap(baseline):
    start = baseline.model.get_weights()
    config = configured(
        constraints=GAP,
        warm_start="baseline",
        layers="head",
        learning_rate=0.02,
        steps=1500,
        snapshots=15,
    )
    result = train(TRAINING, VALIDATION, config, start=start)
    *body, head, bias = result.model.get_weights()
    for before, after in zip(start, body, strict=False):
        np.testing.assert_array_equal(before, after)
    assert not np.array_equal(head, start[-2]) and not np.array_equal(bias, start[-1])
    assert result.chosen.worst < 0.015
    assert gap_of(result.model, TEST) < 0.6 * gap_of(baseline.model, TEST)
    # The snapshots are of the head; the members are whole models, the chosen one the result.
    [(probability, weights)] = result.members()
    assert probability == 1 and len(weights) == len(start) > len(result.chosen.weights)
    for one, two in zip(weights, result.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_members_of_a_mixture_are_its_snapshots(baseline):
    config = configured(
        constraints=("max_gap(FPR, [G]) <= 0.1",), selection={"choose": "distribution"}
    )
    result = train(TRAINING, VALIDATION, config, start=baseline.model.get_weights())
    members = result.members()
    assert sum(probability for probability, _ in members) == pytest.approx(1)
    chosen = np.flatnonzero(result.probabilities)
    for index, (_, weights) in zip(chosen, members, strict=True):
        for one, two in zip(weights, result.snapshots[index].weights, strict=True):
            np.testing.assert_array_equal(one, two)


def test_weights_of_another_network_are_refused(baseline):
    config = configured(network="cnn", warm_start="baseline")
    small = networks.build("mlp", TRAINING.model_inputs(), 0).get_weights()[:-1]
    with pytest.raises(
        SettingsError, match=r"trainer.warm_start = baseline: its weights have shapes"
    ):
        train(TRAINING, VALIDATION, configured(warm_start="baseline"), start=small)
    with pytest.raises(SettingsError, match=r"trainer.network = 'cnn'"):
        big = biased_split(300, 1)
        train(big, big, config, start=small)


def test_the_head_needs_something_to_stand_on():
    with pytest.raises(ValueError, match="set warm_start to baseline, blessed or served"):
        configured(layers="head")
