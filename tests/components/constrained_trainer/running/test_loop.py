"""The compiled loop: the same steps however they are run."""

from __future__ import annotations

import numpy as np
import pytest

from components.constrained_trainer.config import MultiplierConfig, TrainingConfig
from components.constrained_trainer.training import train
from tests.components.constrained_trainer.toy import (
    AS_TRAINED,
    biased_split,
    changed,
)

TRAINING, VALIDATION = biased_split(1500, seed=1), biased_split(1000, seed=2)
CONFIG = TrainingConfig(
    network="tests.components.constrained_trainer.toy:linear_network",
    constraints=("max_gap(FPR, [G]) <= 0.04", "TPR | [a] >= 0.8"),
    steps=40,
    batch_size=64,
    learning_rate=0.01,
    snapshots=2,
    jit="off",
    multipliers=MultiplierConfig(learning_rate=0.3, every=3),
    selection=AS_TRAINED,
)


def trained(scope=None, **changes):
    return train(TRAINING, VALIDATION, changed(CONFIG, **changes), scope=scope)


@pytest.fixture(scope="module")
def expected():
    return trained()


def assert_same(result, expected, **tolerance) -> None:
    for one, two in zip(result.snapshots, expected.snapshots, strict=True):
        np.testing.assert_allclose(one.multipliers, two.multipliers, **tolerance)
        for a, b in zip(one.weights, two.weights, strict=True):
            np.testing.assert_allclose(a, b, **tolerance)


def test_the_multipliers_move_at_all(expected):
    first, last = expected.snapshots
    assert np.abs(first.multipliers - last.multipliers).max() > 1e-3
    assert len(expected.constraints) == len(first.multipliers) == 3


def test_compiled_by_xla_or_not(expected):
    assert_same(trained(jit="on"), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("scheme", ["proportional", "balanced"])
def test_examples_from_disk_make_the_steps_of_resident_ones(scheme):
    on_disk, resident = trained(batches=scheme, resident_gb=0.0), trained(batches=scheme)
    assert_same(on_disk, resident, rtol=0, atol=0)


@pytest.mark.parametrize("watch", ["validation", "training"])
def test_two_replicas_take_the_steps_of_one(watch, two_replicas):
    """Each on half of the same minibatch: equal to rounding, and so are the multipliers."""
    multipliers = CONFIG.multipliers.model_dump() | {"watch": watch, "every": 2}
    alone = trained(multipliers=multipliers)
    together = trained(two_replicas, multipliers=multipliers)
    assert_same(together, alone, rtol=1e-4, atol=1e-6)


def test_a_player_that_moves_less_often_takes_longer_steps():
    """While the multipliers are too small to act, both see the same violations: equal sums."""
    often, seldom = (
        trained(
            steps=400,
            constraints=("FPR | [b] <= 0.01",),  # violated from the first step to the last
            multipliers={
                "formulation": "lagrangian",
                "learning_rate": 1e-5,
                "every": every,
                "batch_share": 1.0,
            },
        )
        for every in (1, 8)
    )
    one, other = (result.snapshots[-1].multipliers[0] for result in (often, seldom))
    assert one > 1e-4 and other == pytest.approx(one, rel=0.2)


def test_half_precision_keeps_the_multipliers_in_float32():
    result = trained(precision="mixed_bfloat16", jit="on", steps=200)
    assert result.snapshots[-1].multipliers.dtype == np.float32
    assert result.model.layers[-1].compute_dtype == "bfloat16"
    assert result.model.weights[0].dtype == "float32"
    assert result.chosen.error_rate < 0.2
