"""Work is never lost: killed, terminated or gone wrong, a training ends as it would have."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from components.constrained_trainer.config import TrainingConfig
from components.constrained_trainer.training import train
from fairgate.errors import DataError
from tests.components.constrained_trainer.toy import (
    AS_TRAINED,
    biased_split,
    changed,
)

REPOSITORY = Path(__file__).parents[4]
CONFIG = TrainingConfig(
    network="tests.components.constrained_trainer.toy:dropout_network",
    constraints=("max_gap(FPR, [G]) <= 0.04", "PPV | [a] >= 0.6"),
    steps=3000,
    batch_size=64,
    learning_rate=0.01,
    snapshots=6,
    jit="off",
    checkpoint_seconds=0.0,
    selection=AS_TRAINED,
)
# As this process began: a run in it tells those it starts, but not itself any more, to leave oneDNN out.
ENVIRONMENT = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
# A training of its own in a process of its own, that says which step it is at.
SCRIPT = """
import sys
from tests.components.constrained_trainer.running import test_checkpoints as t
t.main(sys.argv[1], sys.argv[2])
"""


def main(folder: str, output: str) -> None:
    result = run(folder, lambda moment: print(moment.step, flush=True))
    np.savez(output, *result.snapshots[-1].weights, multipliers=result.snapshots[-1].multipliers)
    print("finished", result.best, [snapshot.step for snapshot in result.snapshots], flush=True)


def run(folder: str | None, on_moment=lambda moment: None, **changes):
    splits = biased_split(800, 1), biased_split(600, 2)
    return train(*splits, changed(CONFIG, **changes), on_moment, checkpoints=folder)


def start(folder, output) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(folder), str(output)],
        cwd=REPOSITORY,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        text=True,
    )


def wait_for(process: subprocess.Popen, step: int) -> int:
    """Reads until the process has passed `step`; returns where it is."""
    for line in process.stdout:
        if line.strip().isdigit() and int(line) >= step:
            return int(line)
    raise AssertionError("it ended before")


@pytest.fixture(scope="module")
def undisturbed():
    return run(None)


def assert_equal(output: Path, expected) -> None:
    found = np.load(output)
    last = expected.snapshots[-1]
    np.testing.assert_array_equal(found["multipliers"], last.multipliers)
    for index, weight in enumerate(last.weights):
        np.testing.assert_array_equal(found[f"arr_{index}"], weight)


@pytest.mark.slow
def test_killed_at_random_steps_it_ends_with_the_weights_of_an_undisturbed_one(
    undisturbed, tmp_path
):
    rng = np.random.default_rng()
    for _ in range(2):
        with start(tmp_path / "ckpt", tmp_path / "weights.npz") as process:
            wait_for(process, int(rng.integers(1, 1500)))
            time.sleep(rng.random() / 20)
            process.send_signal(signal.SIGKILL)
    with start(tmp_path / "ckpt", tmp_path / "weights.npz") as process:
        first = next(int(line) for line in process.stdout if line.strip().isdigit())
        rest = process.stdout.read()
    assert process.returncode == 0 and first > 10, "it began anew"
    steps = [500, 1000, 1500, 2000, 2500, 3000]
    assert f"finished {undisturbed.best} {steps}" in rest
    assert_equal(tmp_path / "weights.npz", undisturbed)


@pytest.mark.slow
def test_asked_to_terminate_it_writes_a_checkpoint_and_goes_on_from_there(undisturbed, tmp_path):
    with start(tmp_path / "ckpt", tmp_path / "weights.npz") as process:
        at = wait_for(process, 300)
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
    assert process.returncode == 128 + signal.SIGTERM
    assert not (tmp_path / "weights.npz").exists()
    steps = []
    # In this process, now: what it resumes is the state, not the process.
    result = run(str(tmp_path / "ckpt"), lambda moment: steps.append(moment.step))
    assert steps[0] > at
    assert result.best == undisturbed.best
    for one, two in zip(result.snapshots, undisturbed.snapshots, strict=True):
        assert one.step == two.step and one.error_rate == two.error_rate
        for a, b in zip(one.weights, two.weights, strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_finished_training_only_chooses_again(undisturbed, tmp_path):
    folder, steps = str(tmp_path / "ckpt"), []
    first = run(folder, steps=60, snapshots=3)
    again = run(folder, lambda moment: steps.append(moment.step), steps=60, snapshots=3)
    assert steps == [] and again.best == first.best
    for a, b in zip(again.model.get_weights(), first.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_checkpoints_of_another_training_are_refused(tmp_path):
    folder = str(tmp_path / "ckpt")
    run(folder, steps=4, snapshots=1)
    with pytest.raises(DataError, match=r"another training: config differ\. Give another folder"):
        run(folder, steps=4, snapshots=1, seed=1)


def test_half_written_files_are_no_checkpoints(tmp_path):
    folder = tmp_path / "ckpt"
    (folder / "snapshots").mkdir(parents=True)
    (folder / "ckpt-1.data-00000-of-00001").write_bytes(b"half")
    (folder / "snapshots" / "000000010.npz.partial").write_bytes(b"half")
    result = run(str(folder), steps=4, snapshots=2)
    assert [snapshot.step for snapshot in result.snapshots] == [2, 4]


def test_a_loss_that_is_lost_later_ends_training_with_the_snapshots_before(tmp_path):
    """The step size grows until the loss overflows; what was good before it stands."""
    network = "tests.components.constrained_trainer.toy:late_exploding_network"
    result = run(str(tmp_path / "ckpt"), network=network, steps=60, snapshots=6, constraints=())
    assert result.stopped is not None and 0 < len(result.snapshots) < 6
    assert "not finite at step" in result.stopped and "learning_rate" in result.stopped
    assert all(np.isfinite(weight).all() for weight in result.model.get_weights())
