"""Transform beside StatisticsGen and ExampleValidator, as in every run in a process of its own.

Other tests run the pipeline in their own process, in which TensorFlow has begun: node by node.
"""

from __future__ import annotations

import subprocess
import time

import psutil
import pytest

from tests.e2e.runs import Run, Workplace
from tests.e2e.test_bad_input import with_hat

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

WAIT = 600.0  # s; only a failure waits for so long


def begun(place: Workplace) -> tuple[subprocess.Popen[str], str, list[psutil.Process]]:
    """A run whose StatisticsGen has begun; what it printed so far, and the processes that it has made."""
    process = place.start()
    printed = ""
    for line in process.stdout:
        printed += line
        if line.strip().endswith("] StatisticsGen ..."):
            return process, printed, psutil.Process(process.pid).children(recursive=True)
    raise AssertionError(printed)


def ended(place: Workplace, process: subprocess.Popen[str], printed: str = "") -> Run:
    rest, _ = process.communicate(timeout=WAIT)
    return Run(process.returncode, printed + rest, place.run_folders()[-1], place)


def test_killed_while_both_work_nothing_goes_on_and_the_next_run_ends_as_one_node_by_node(
    passed, place, tmp_path
):
    other = place.copy(tmp_path / "killed")
    process, _, copies = begun(other)
    assert len(copies) == 1
    end = time.monotonic() + WAIT
    while not other.executions().get("Transform"):
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.2)
    process.kill()  # and no other of its group
    process.communicate(timeout=WAIT)
    gone, left = psutil.wait_procs(copies, timeout=60)
    assert len(gone) == 1 and not left
    assert other.executions()["Transform"] == ["RUNNING"]

    run = ended(other, other.start())
    assert run.status == 0, run.output
    assert other.executions()["Transform"] == ["RUNNING", "COMPLETE"]
    assert run.steps["Transform"] == "done"
    assert run.verdict["models"] == passed.verdict["models"]
    assert run.verdict["gate"] == passed.verdict["gate"]

    again = other.run(first=False)
    assert again.status == 0, again.output
    assert {again.steps[node] for node in ("StatisticsGen", "Transform", "Pusher")} == {"reused"}


def test_what_is_killed_beside_a_run_is_done_again_by_it(place, tmp_path):
    other = place.copy(tmp_path / "alone")
    process, printed, [made] = begun(other)
    made.kill()
    run = ended(other, process, printed)
    assert run.status == 0, run.output
    assert other.executions()["Transform"][-1] == "COMPLETE"
    assert "what ran beside has failed" in run.log


def test_an_anomaly_ends_the_run_and_what_runs_beside_it(place, tmp_path):
    other = place.copy(tmp_path / "strange")
    with_hat(other, {"validation": {7: 7}})
    process, printed, copies = begun(other)
    run = ended(other, process, printed)
    assert run.status == 1
    assert "split 'validation': column 'attributes/Hat'" in run.words
    assert "ExampleValidator: failed" in run.words and "] Transform" not in run.words
    assert not psutil.wait_procs(copies, timeout=60)[1]
