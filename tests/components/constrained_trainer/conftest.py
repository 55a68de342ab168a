"""What several tests train on and compare with, made once."""

from __future__ import annotations

import pytest

from components.constrained_trainer.training import train
from tests.components.constrained_trainer.toy import biased_split
from tests.components.constrained_trainer.trainings import CONFIG


@pytest.fixture(scope="session")
def splits():
    return biased_split(6000, seed=1), biased_split(4000, seed=2), biased_split(8000, seed=3)


@pytest.fixture(scope="session")
def baseline(splits):
    return train(splits[0], splits[1], CONFIG)
