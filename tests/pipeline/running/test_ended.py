"""Commands that are asked to end, or are killed: a sentence, no process left, nothing half made."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from fairgate import signals
from fairgate.errors import DataError
from pipeline.data import unfinished
from pipeline.data.synthetic_celeba import generate

REPOSITORY = Path(__file__).parents[3]
NAME = "celeba-synthetic-150000-0"
WAIT = 120.0  # s; only a failure waits for so long


@pytest.fixture(autouse=True)
def nobody_ignores_that_the_terminal_is_gone():
    """As `nohup` does for all that it starts, the tests among them."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def drawing(folder: Path, **options) -> tuple[subprocess.Popen, list[psutil.Process]]:
    """A command that draws for minutes, once its workers write; and these."""
    command = [sys.executable, "-P", "-m", "pipeline", "data"]
    process = subprocess.Popen(
        [*command, "--set", "data.stand_in.images=150000"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )
    until(lambda: list(folder.glob(f"data/.{NAME}.incomplete-*/*-of-*")), process)
    workers = psutil.Process(process.pid).children(recursive=True)
    assert len(workers) >= 2
    return process, workers


def until(holds, process: subprocess.Popen | None = None) -> None:
    end = time.monotonic() + WAIT
    while not holds():
        assert process is None or process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.05)


def alive(workers: list[psutil.Process]) -> list[psutil.Process]:
    return [each for each in workers if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.slow
@pytest.mark.parametrize("number", signals.ASKED)
def test_a_command_that_is_asked_to_end_says_so_and_leaves_nothing(tmp_path, number):
    process, workers = drawing(tmp_path)
    process.send_signal(number)
    _, errors = process.communicate(timeout=WAIT)
    assert process.returncode == 128 + number, errors
    said = f"Ended by {signals.ASKED[number]}. Nothing half-made was left; run again to go on."
    assert said in errors and "Traceback" not in errors
    until(lambda: not alive(workers))
    assert list((tmp_path / "data").iterdir()) == []


@pytest.mark.slow
def test_workers_end_with_a_parent_that_is_killed_and_the_next_command_clears_up(tmp_path):
    process, workers = drawing(tmp_path)
    process.kill()
    process.communicate(timeout=WAIT)
    until(lambda: not alive(workers))
    [left] = (tmp_path / "data").iterdir()
    assert left.name.startswith(f".{NAME}.incomplete-")
    with unfinished.replacing(tmp_path / "data" / NAME) as made:
        (made / "file").write_text("whole")
    assert [path.name for path in (tmp_path / "data").iterdir()] == [NAME]


@pytest.mark.slow
def test_a_run_that_ignores_the_end_of_its_terminal_goes_on(tmp_path):
    process, workers = drawing(
        tmp_path, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
    )
    os.killpg(process.pid, signal.SIGHUP)
    time.sleep(1)
    assert process.poll() is None and len(alive(workers)) == len(workers)
    process.terminate()
    process.communicate(timeout=WAIT)
    assert process.returncode == 143


def test_a_second_signal_is_not_waited_for():
    script = (
        "import os, signal, time\n"
        "from fairgate import signals\n"
        "with signals.raising():\n"
        "    try:\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "        time.sleep(60)\n"
        "    finally:\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "        time.sleep(60)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "src")}
    ended = subprocess.run([sys.executable, "-c", script], env=environment, timeout=50)
    assert ended.returncode == -signal.SIGTERM


def test_handlers_of_others_stay():
    mine = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        handler = signal.getsignal(signal.SIGTERM)
        with signals.raising():
            assert signal.getsignal(signal.SIGTERM) is handler
            assert signal.getsignal(signal.SIGHUP) is not signal.SIG_DFL
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, mine)


# Folders that are there whole or not at all.


def test_what_a_living_process_makes_is_left_alone(tmp_path):
    with unfinished.replacing(tmp_path / "data") as first:
        with unfinished.replacing(tmp_path / "data") as second:
            assert first.exists() and first != second
            (second / "a").write_text("second")
        with pytest.raises(OSError):
            first.joinpath("no", "such").write_text("")
        (tmp_path / "data" / "a").unlink()
    assert (tmp_path / "data").is_dir() and len(list(tmp_path.iterdir())) == 1


def test_who_comes_second_is_told_and_touches_nothing(tmp_path):
    def slower() -> None:
        with unfinished.replacing(tmp_path / "data") as made:
            (made / "a").write_text("slower")
            with unfinished.replacing(tmp_path / "data") as faster:
                (faster / "a").write_text("faster")

    with pytest.raises(DataError, match="is there meanwhile, made by another command"):
        slower()
    assert (tmp_path / "data" / "a").read_text() == "faster"
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_links_are_not_followed_when_it_is_cleared_up(tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("mine")
    (tmp_path / ".data.incomplete-link").symlink_to(kept)
    left = tmp_path / ".data.incomplete-old"
    left.mkdir()
    (left / "link").symlink_to(kept)
    with unfinished.replacing(tmp_path / "data"):
        pass
    assert (kept / "file").read_text() == "mine" and not left.exists()


@pytest.mark.parametrize("is_there", [True, False])
def test_what_a_link_leads_to_is_made_there(tmp_path, is_there):
    """As people keep large data on another disk."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if is_there:
        (disk / "data").mkdir()
    link = tmp_path / "data"
    link.symlink_to(disk / "data")
    with unfinished.replacing(link) as made:
        assert made.parent == disk
        (made / "file").write_text("whole")
    assert link.is_symlink() and (link / "file").read_text() == "whole"


def test_what_a_killed_command_left_is_cleared_by_who_finds_it_made(tmp_path):
    left = tmp_path / ".data.incomplete-old"
    left.mkdir()
    assert not unfinished.is_made(tmp_path / "data") and left.exists()  # who makes it clears up
    (tmp_path / "data").mkdir()
    assert unfinished.is_made(tmp_path / "data") and not left.exists()


def test_a_failure_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), unfinished.replacing(tmp_path / "data") as made:
        (made / "a").write_text("half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_an_error_while_drawing_ends_the_workers(tmp_path):
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path / "data", images=2_000, processes=2, progress=stop)
    until(lambda: not multiprocessing.active_children())
    assert list(tmp_path.iterdir()) == []
