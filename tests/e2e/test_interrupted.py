"""Stopped anywhere and run again: it goes on, and serving never holds half a model."""

from __future__ import annotations

import os
import signal
import time

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def stop_in(place, node: str, how: signal.Signals, after: float = 0.5) -> tuple[int, str]:
    """Starts a run, and stops it while `node` is running; returns its exit status and output."""
    process = place.start()
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.strip().endswith(f"] {node} ..."):
            time.sleep(after)
            os.killpg(process.pid, how)
            break
    rest, _ = process.communicate(timeout=120)
    output = "".join(lines) + rest
    assert f"] {node} ..." in output, output
    return process.returncode, output


def test_a_run_that_was_stopped_twice_goes_on_and_ends_as_it_would_have(passed, place, tmp_path):
    other = place.copy(tmp_path / "stopped")
    status, output = stop_in(other, "Transform", signal.SIGINT)
    assert status == 130 and "run again to go on" in output and "Traceback" not in output
    assert other.served() == {}
    status, _ = stop_in(other, "ConstrainedTrainer.constrained", signal.SIGKILL)
    assert status == -signal.SIGKILL
    assert other.served() == {}
    run = other.run()
    assert run.status == 0, run.output
    done_before = {"ImportExampleGen", "ImportSchemaGen", "StatisticsGen", "ExampleValidator"}
    done_before |= {"Transform", "ConstrainedTrainer.baseline"}
    assert {node for node, outcome in run.steps.items() if outcome == "reused"} == done_before
    # As it would have: the same data and settings elsewhere, never stopped.
    assert run.verdict["models"] == passed.verdict["models"]
    assert run.verdict["gate"] == passed.verdict["gate"]
    [version] = other.versions()
    assert (version / "saved_model.pb").is_file()
    assert [path.name for path in (other.folder / "serving").iterdir()] == ["happy"]


def test_killed_while_pushing_serves_nothing_and_then_the_whole_model(passed, place, monkeypatch):
    from components.pusher import versions

    before, real_copy = place.versions(), versions.tf.io.gfile.copy

    def die(*arguments, **named):
        real_copy(*arguments, **named)
        raise KeyboardInterrupt  # as good as a kill: nothing after it runs but what a `finally` does

    monkeypatch.setattr(versions.tf.io.gfile, "copy", die)
    interrupted = place.run("trainer.seed=21")
    assert interrupted.status == 130 and place.versions() == before
    monkeypatch.undo()
    run = place.run("trainer.seed=21")
    assert run.status == 0
    assert set(run.steps.values()) - {"reused"} == {"done"}  # the Pusher, and what is no node
    assert run.steps["Evaluator"] == "reused" and run.steps["Pusher"] == "done"
    assert len(place.versions()) == len(before) + 1
    assert (place.versions()[-1] / "saved_model.pb").is_file()
