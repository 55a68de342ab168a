"""Several workers: they take the steps of one, and one of them writes."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.training.cluster import run_workers
from components.constrained_trainer.config import MultiplierConfig, TrainingConfig
from components.constrained_trainer.running import interruption

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


# Where a checkpoint has the number of steps.
_STEP = "step/.ATTRIBUTES/VARIABLE_VALUE"
MODULE = "tests.components.constrained_trainer.running.toy_worker"


def weights(output) -> dict[str, np.ndarray]:
    return dict(np.load(output))


@pytest.fixture(scope="module")
def of_one(tmp_path_factory) -> dict[str, np.ndarray]:
    """What one worker ends with."""
    folder = tmp_path_factory.mktemp("one")
    run_workers(["-m", MODULE, str(folder / "of-1"), str(folder / "checkpoints")], 1, timeout=240)
    return weights(folder / "of-1-chief.npz")


def assert_alike(found, expected):
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_two_workers_end_where_one_does_and_one_of_them_writes(of_one, tmp_path):
    folders = [str(tmp_path / name) for name in ("of-2", "of-chief", "of-other")]
    said = run_workers(["-m", MODULE, *folders], 2, timeout=240)
    assert [line.split()[:2] for line in said] == [["chief", "2"], ["other", "2"]]
    for role in ("chief", "other"):
        assert_alike(weights(tmp_path / f"of-2-{role}.npz"), of_one)
    assert any(name.startswith("ckpt") for name in os.listdir(tmp_path / "of-chief"))
    assert not (tmp_path / "of-other").exists()
    with pytest.raises(RuntimeError, match="give all workers one folder that they share"):
        run_workers(["-m", MODULE, *folders], 2, timeout=240)


@pytest.mark.slow
@pytest.mark.parametrize("evicted", ["other", "chief"])
def test_one_worker_is_evicted_and_both_stop_and_go_on_from_the_same_step(
    of_one, tmp_path, evicted
):
    output, shared = str(tmp_path / "of-2"), str(tmp_path / "checkpoints")
    with pytest.raises(RuntimeError, match=r"worker 0 failed with exit status 143"):
        run_workers(["-m", MODULE, output, shared, shared, "100", evicted], 2, timeout=240)
    [step, other] = [(tmp_path / f"of-2-{role}.stopped").read_text() for role in ("chief", "other")]
    assert step == other and int(step) >= 100
    assert tf.train.load_variable(tf.train.latest_checkpoint(shared), _STEP) == int(step)
    said = run_workers(["-m", MODULE, output, shared], 2, timeout=240)
    assert all(int(line.split()[2]) > int(step) for line in said), "they began anew"
    for role in ("chief", "other"):
        assert_alike(weights(f"{output}-{role}.npz"), of_one)


@pytest.mark.parametrize("nested", [True, False])
def test_a_signal_that_came_while_a_training_was_prepared_is_not_forgotten(nested):
    before = signal.getsignal(signal.SIGTERM)
    with interruption.watching() as asked:
        assert not asked()
        os.kill(os.getpid(), signal.SIGTERM)
        if nested:
            with interruption.watching() as asked_inside:
                assert asked_inside()
        assert asked()
    assert signal.getsignal(signal.SIGTERM) is before
    with interruption.watching() as asked:
        assert not asked()
