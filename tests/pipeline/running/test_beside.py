"""A copy of the process that works beside it: done, failed, killed, left, and where there is none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import psutil
import pytest
import tensorflow as tf

from pipeline.running import beside

# In processes of their own: TensorFlow has begun in that of the tests.
_ENDS = """
import os, signal, sys, time
import psutil
from pipeline.running import beside

def work(given):
    if given == b"raise":
        raise ValueError("no such column")
    if given == b"long":
        time.sleep(600)
    with open(sys.argv[1], "ab") as file:
        file.write(given)

def done(given, meanwhile=lambda made: None):
    with beside.hands(True, work) as made:
        assert not made.are_busy
        made.begin(given)
        assert made.are_busy
        meanwhile(made)
        found = made.finish()
        assert not made.are_busy
    return found

def kill(made):
    os.kill(made._process, signal.SIGKILL)

large = b"x" * 1_000_000
print(done(large), os.path.getsize(sys.argv[1]), done(b"raise"), done(b"long", kill))
with beside.hands(True, work) as made:
    pass  # nothing is given
with beside.hands(True, work) as made:
    made.begin(b"long")
print(psutil.Process().children())
"""

_KILLED = """
import sys, time
from pipeline.running import beside

with beside.hands(True, lambda given: time.sleep(600)) as made:
    if sys.argv[1] == "busy":
        made.begin(b"work")
    print(made._process, flush=True)
    time.sleep(600)
"""


_FULL = """
import os, sys
from pipeline.running import beside

def work(given):
    print("noise")
    if given == b"raise":
        raise ValueError

sys.stdout = sys.stderr = open("/dev/full", "w")  # a log on a full disk
for given in (b"work", b"raise"):
    made = beside.Hands(work)
    made.begin(given)
    found = made.finish()
    made.end()
    os.write(1, f"{found}\\n".encode())
"""


@pytest.fixture
def room(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1})
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=3e9))
    monkeypatch.setattr(beside, "_CONTROL", tmp_path / "no container")


@pytest.mark.slow
def test_they_do_their_work_or_say_that_they_did_not_and_are_gone_after(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", _ENDS, str(tmp_path / "written")], capture_output=True, text=True
    )
    assert done.stdout == "True 1000000 False False\n[]\n", done.stderr
    assert done.stderr.count("ValueError: no such column") == 1


@pytest.mark.slow
@pytest.mark.parametrize("state", ["idle", "busy"])
def test_they_end_with_a_process_that_is_killed(state):
    with subprocess.Popen(
        [sys.executable, "-c", _KILLED, state], stdout=subprocess.PIPE, text=True
    ) as process:
        made = psutil.Process(int(process.stdout.readline()))
        assert made.ppid() == process.pid
        process.send_signal(signal.SIGKILL)
        process.wait()
        end = time.monotonic() + 60
        while made.is_running() and made.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < end
            time.sleep(0.05)


@pytest.mark.slow
def test_a_copy_whose_log_is_full_ends_as_well(tmp_path):
    """And does not go on as the process that it is a copy of, which would tell everything twice."""
    done = subprocess.run([sys.executable, "-c", _FULL], capture_output=True, text=True)
    assert done.stdout == "True\nFalse\n", done.stderr


def test_there_are_none_where_tensorflow_has_begun(room):
    tf.constant(1)
    with beside.hands(True, print) as made:
        assert made is None


@pytest.mark.parametrize("lack", ["a wish", "a core", "memory", "a CPU that is all there is"])
def test_there_are_none_where_there_is_no_room(monkeypatch, room, tmp_path, lack):
    monkeypatch.setattr(beside.context, "context", lambda: SimpleNamespace(_initialized=False))
    monkeypatch.setattr(beside, "Hands", lambda work: SimpleNamespace(end=lambda: None))
    with beside.hands(True, print) as made:
        assert made is not None
    if lack == "a core":
        monkeypatch.setattr(os, "sched_getaffinity", lambda process: {1})
    elif lack == "memory":
        monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1.9e9))
    elif lack != "a wish":
        monkeypatch.setattr(beside, "_GPU", tmp_path)
    with beside.hands(lack != "a wish", print) as made:
        assert made is None


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    ("limit", "free"),
    [("max", 3.0), (str(2**63 - 4096), 3.0), ("2500000000", 1.7), ("4000000000", 3.0), ("0", -0.8)],
)
def test_what_is_free_is_what_a_container_may_still_take(
    monkeypatch, room, tmp_path, version, limit, free
):
    """1 GB is taken, 0.2 of it by files that were read."""
    folder = tmp_path if version == 2 else tmp_path / "memory"
    folder.mkdir(exist_ok=True)
    most, used, of_files = (
        ("memory.max", "memory.current", "inactive_file")
        if version == 2
        else ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    )
    (folder / most).write_text(f"{limit}\n")
    (folder / used).write_text("1000000000\n")
    (folder / "memory.stat").write_text(f"anon 800000000\n{of_files} 200000000\n")
    monkeypatch.setattr(beside, "_CONTROL", tmp_path)
    assert beside._free() == pytest.approx(free * 1e9)
    assert beside._has_room() == (free >= 2)
