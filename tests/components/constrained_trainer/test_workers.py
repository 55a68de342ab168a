"""Several workers: they take the steps of one, and one of them writes."""

from __future__ import annotations

import os

import numpy as np
import pytest

from benchmarks.training.cluster import run_workers
from components.constrained_trainer.config import MultiplierConfig, TrainingConfig

CONFIG = TrainingConfig(
    network="tests.components.constrained_trainer.toy:linear_network",
    constraints=("max_gap(FPR, [G]) <= 0.04", "TPR | [a] >= 0.8"),
    steps=400,
    batch_size=64,
    learning_rate=0.01,
    snapshots=2,
    jit="off",
    checkpoint_seconds=0,
    multipliers=MultiplierConfig(learning_rate=0.3, every=2),
)


@pytest.mark.slow
def test_two_workers_end_where_one_does(tmp_path):
    module = "tests.components.constrained_trainer.toy_worker"
    files = {}
    for workers in (1, 2):
        output, checkpoints = tmp_path / f"of-{workers}", tmp_path / f"checkpoints-{workers}"
        said = run_workers(["-m", module, str(output), str(checkpoints)], workers, timeout=240)
        roles = ["chief", "other"][:workers]
        assert [line.split() for line in said] == [[role, str(workers)] for role in roles]
        for role in roles:
            files[workers, role] = np.load(f"{output}-{role}.npz")
    for role in ("chief", "other"):
        for name, expected in files[1, "chief"].items():
            np.testing.assert_allclose(files[2, role][name], expected, rtol=1e-4, atol=1e-4)
    assert any(name.startswith("ckpt") for name in os.listdir(tmp_path / "checkpoints-2-chief"))
    assert not (tmp_path / "checkpoints-2-other").exists()
