"""Disks that become full while a pipeline runs, and while other commands write; what is said of them."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.drill import disk, full, page
from benchmarks.drill.drill import Drill
from benchmarks.drill.kills import REPOSITORY, Kill

DRILL = [sys.executable, "-m", "benchmarks.drill", "--kills", "0", "--full", "1"]
needs_mounts = pytest.mark.skipif(
    not disk.may_mount(), reason="this machine lets nobody mount in a namespace of their own"
)


@pytest.mark.e2e
@pytest.mark.slow
@needs_mounts
def test_a_disk_that_becomes_full_in_any_step_is_told_and_gone_on_from(tmp_path):
    """Every step once, the making of data, and all other commands that write."""
    drill = subprocess.run(
        [*DRILL, "--work", str(tmp_path)],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'src'}"},
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert drill.returncode == 0, drill.stdout[-5000:] + drill.stderr[-5000:]
    steps = (
        "ImportExampleGen",
        "Transform",
        "ConstrainedTrainer.constrained",
        "Evaluator",
        "Report",
    )
    for what in (*steps, "Pusher", "Read verdict", "Make data", "judge", "serving roll-back"):
        assert f"| {what} | " in drill.stdout
    assert "| runs that did not go on to their end | 0 |" in drill.stdout


FILLED = """
import errno, sys
from pathlib import Path
from benchmarks.drill import disk
small = disk.Disk(Path(sys.argv[1]), 1)
before = small.folder / "before"
before.write_bytes(b"x" * 1000)
for left in (0, 4096):
    small.fill(left)
    for size in (left, left + 4096):
        try:
            (small.folder / f"{left}-{size}").write_bytes(b"x" * size)
            print(left, size, "written")
        except OSError as error:
            print(left, size, errno.errorcode[error.errno])
    small.make_room()
(small.folder / "after").write_bytes(b"x" * 100_000)
print(len(before.read_bytes()))
"""


@needs_mounts
def test_a_disk_is_filled_to_the_last_byte_and_emptied_again(tmp_path):
    inside = subprocess.run(
        [*disk.NAMESPACE, sys.executable, "-c", FILLED, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert inside.stdout.splitlines() == [
        "0 0 ENOSPC",
        "0 4096 ENOSPC",
        "4096 4096 written",
        "4096 8192 ENOSPC",
        "1000",
    ]
    assert not list(tmp_path.iterdir())  # what is mounted there, nobody else sees


@pytest.mark.parametrize(
    ("status", "said", "fault"),
    [
        (1, "x/runs: there is no room left to write (...). Make room, and run again", ""),
        (2, "x/runs: there is no room left to write (...). Make room, and run again", "status 2"),
        (1, "runs: there is no room left to write (...). Make room, and run again", "no sentence"),
        (1, "x/runs: there is no room left to write (...).", "no sentence"),
        (1, "Traceback ... x/runs: there is no room left to write. Make room", "traceback"),
        (-7, "", "status -7"),
    ],
)
def test_what_is_wrong_with_what_is_said_is_seen(status, said, fault):
    found = full._fault(status, said, Path("x"), pushed=False)
    assert (fault in found) if fault else not found
    told = said + " Its model was pushed before"
    assert full._fault(1, told, Path("x"), pushed=True) == full._fault(
        1, said, Path("x"), pushed=False
    )
    assert "not told" in full._fault(1, said, Path("x"), pushed=True) or "Traceback" in said


def test_the_page_has_the_steps_in_which_a_disk_was_full(tmp_path):
    drill = Drill(tmp_path, random.Random(0))
    drill.kills["full"] = [Kill("Pusher", "moment", after=0.0), Kill("judge", "moment", after=0.0)]
    drill.found.add("untold", "Pusher: a traceback")
    text = page.text(drill, 60)
    assert "Runs that were killed" not in text and "became full 2 times" in text
    assert "| Pusher | 1 |" in text and "untold: Pusher: a traceback" in text
