"""Short trainings on people that a line divides, whose gap is there to be closed."""

from __future__ import annotations

from functools import partial

from components.constrained_trainer.config import MultiplierConfig, TrainingConfig
from tests.components.constrained_trainer.toy import AS_TRAINED, changed

LINEAR = "tests.components.constrained_trainer.toy:linear_network"
LIMIT = 0.04
GAP = f"max_gap(FPR, [G]) <= {LIMIT}"
CONFIG = TrainingConfig(
    network=LINEAR,
    constraints=(),
    steps=1200,
    batch_size=128,
    learning_rate=0.01,
    snapshots=12,
    multipliers=MultiplierConfig(learning_rate=0.1),
    jit="off",  # compiling would take longer than the steps; test_loop.py compares both
    seed=3,
    selection=AS_TRAINED,
)
configured = partial(changed, CONFIG)
