"""What a person sees: progress, and none of the libraries' noise."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.running import terminal

REPOSITORY = Path(__file__).parents[3]

NOISE = """
import ctypes, logging, os, subprocess, sys, warnings
from pipeline.running import terminal
from absl import logging as absl_logging

with terminal.quiet({log!r}, verbose={verbose}) as console:
    os.write(1, b'fd 1\\n')
    os.write(2, b'fd 2\\n')
    print('python out')
    print('python err', file=sys.stderr)
    warnings.warn('deprecated since yesterday', DeprecationWarning)
    logging.getLogger('noisy').warning('logged')
    absl_logging.error('absl')
    ctypes.CDLL(None).puts(b'from C')
    ctypes.CDLL(None).fflush(None)
    subprocess.run(['sh', '-c', 'echo from a child'])
    console.print('what we say')
print('after')
"""

NOISES = ("fd 1", "fd 2", "python out", "python err", "logged", "absl", "from C", "from a child")


def run_noise(log: Path, verbose: bool) -> str:
    """What a terminal shows of a noisy program."""
    result = subprocess.run(
        [sys.executable, "-c", NOISE.format(log=str(log), verbose=verbose)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    return result.stdout


def test_noise_of_every_kind_goes_to_the_log_and_not_to_the_terminal(tmp_path):
    shown = run_noise(tmp_path / "run.log", verbose=False)
    assert shown.splitlines() == ["what we say", "after"]
    log = (tmp_path / "run.log").read_text()
    for noise in NOISES:
        assert noise in log
    assert "what we say" not in log and "after" not in log


def test_verbose_shows_all_of_it_and_writes_no_log(tmp_path):
    shown = run_noise(tmp_path / "run.log", verbose=True)
    for noise in (*NOISES, "what we say", "after"):
        assert noise in shown
    assert not (tmp_path / "run.log").exists()


def test_descriptors_and_warnings_are_as_before_afterwards_even_after_an_error(tmp_path, capfd):
    filters, level = list(warnings.filters), logging.getLogger().level
    open_before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with (
            pytest.raises(RuntimeError),
            terminal.quiet(str(tmp_path / "run.log"), verbose=False) as console,
        ):
            os.write(2, b"hidden\n")
            console.print("shown")
            raise RuntimeError
    os.write(1, b"back\n")
    assert len(os.listdir("/proc/self/fd")) == open_before
    assert capfd.readouterr().out.splitlines() == ["shown"] * 3 + ["back"]
    assert warnings.filters == filters and logging.getLogger().level == level


def display(is_terminal: bool = False, steps: int = 3) -> tuple[terminal.Display, io.StringIO]:
    output = io.StringIO()
    console = Console(file=output, force_terminal=is_terminal, width=80)
    return terminal.Display(console, steps=steps), output


def test_off_a_terminal_every_step_has_a_line_at_its_begin_and_at_its_end():
    shown, output = display()
    with shown:
        with shown.step("Transform"):
            pass
        with shown.step("Evaluator") as step:
            step.outcome = "reused"
    lines = output.getvalue().splitlines()
    assert lines[0] == "[1/3] Transform ..." and lines[2] == "[2/3] Evaluator ..."
    assert lines[1].strip().startswith("Transform: done, ")
    assert lines[3].strip().startswith("Evaluator: reused, ")
    assert "\x1b" not in output.getvalue()


def test_a_failing_step_is_shown_as_failed_and_its_error_goes_on():
    shown, output = display()
    with pytest.raises(KeyError), shown, shown.step("Transform"):
        raise KeyError("lost")
    assert shown.steps[0].outcome == "failed"
    assert "Transform: failed" in output.getvalue()


def test_reports_off_a_terminal_are_spaced_in_time(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now[0])
    shown, output = display()
    with shown, shown.step("Trainer"):
        for done in range(1, 101):
            now[0] += 1.0
            shown.report(done, 100, f"step {done}")
    reports = [line for line in output.getvalue().splitlines() if "%" in line]
    assert 10 <= len(reports) <= 20  # a hundred seconds, one line in more than five
    assert reports[0].split()[1:] == ["step", reports[0].split()[-1]]
    assert shown.steps[0].done == 100 and shown.steps[0].seconds == pytest.approx(100)


def test_on_a_terminal_the_table_shows_what_runs_and_what_is_left():
    shown, output = display(is_terminal=True, steps=4)
    with shown:
        with shown.step("Load TFX"):
            pass
        with shown.step("Trainer"):
            shown.report(30, 100, "validation accuracy 0.81")
            shown._live.refresh()
    text = output.getvalue()
    for part in ("Load TFX", "Trainer", "validation accuracy 0.81", "2 more"):
        assert part in text


def test_memory_peaks_are_sampled_while_a_step_runs():
    shown, _ = display()
    with shown, shown.step("Hungry") as step:
        hunger = bytearray(200_000_000)
        hunger[::4096] = b"x" * len(hunger[::4096])
        time.sleep(0.6)
        del hunger
    assert step.peak_memory_gb >= 0.2
    assert shown.steps[0].seconds >= 0.6 and shown.steps[0].processor_seconds >= 0


def test_the_table_of_steps_sums_the_seconds_and_fits_80_columns():
    steps = [
        terminal.Step("ConstrainedTrainer.constrained", 62.25, 1.5, "done"),
        terminal.Step("Evaluator", 30.5, 2.25, "reused"),
    ]
    output = io.StringIO()
    Console(file=output, width=80).print(terminal.steps_table(steps))
    lines = output.getvalue().splitlines()
    assert "ConstrainedTrainer.constrained" in output.getvalue() and "…" not in output.getvalue()
    [total] = [line for line in lines if line.split()[:1] == ["all"]]
    assert total.split() == ["all", "92.8", "2.25"]


def test_a_note_stays_with_its_step_and_is_wrapped():
    output = io.StringIO()
    text = " ".join(["a promise that takes more than a line of eighty columns"] * 3)
    with (
        terminal.Display(Console(file=output, width=80), steps=1) as display,
        display.step("StatisticsGen"),
    ):
        display.note(text, warns=True)
    shown = output.getvalue()
    assert text in " ".join(shown.split()) and max(map(len, shown.splitlines())) <= 80
    assert all(line.startswith("      ") for line in shown.splitlines()[1:-1])
    assert display.steps[0].notes == [terminal.Note(text, warns=True)]


@pytest.mark.parametrize("outcome", ["done", "reused"])
@pytest.mark.parametrize("width", [60, 80, 140])
def test_the_live_table_shows_notes_whole_and_as_wide_as_the_terminal(outcome, width):
    output = io.StringIO()
    console = Console(file=output, width=width, force_terminal=True, color_system=None)
    display = terminal.Display(console, steps=2)
    text = " ".join(["a promise that takes more than a line of eighty columns"] * 3)
    with display.step("StatisticsGen") as step:
        step.outcome = outcome if outcome == "reused" else step.outcome
        display.note(text)
    with display.step("ConstrainedTrainer.constrained"):
        pass
    console.print(display._table())
    lines = output.getvalue().splitlines()
    words = " ".join(output.getvalue().split())
    assert text in words and ("unchanged, reused" in words) == (outcome == "reused")
    assert max(map(len, lines)) <= width
    # Not in a strip beside the names: as many lines as the words need, and one for each step.
    assert len(lines) <= 2 + -(-len(text) // (width - 12))
    seconds = [line.index(" s") for line in lines if "✓" in line]
    assert len(set(seconds)) == 1  # one below the other


@pytest.mark.parametrize("width", [80, 200])
def test_what_a_running_step_says_is_on_one_line(width):
    output = io.StringIO()
    console = Console(file=output, width=width, force_terminal=True, color_system=None)
    display = terminal.Display(console, steps=1)
    said = "5 steps/s, loss 0.388, accuracy 0.862, violation +0.055, 123 s left"
    with display.step("ConstrainedTrainer.constrained"):
        display.report(30, 100, said)
        console.print(display._table())
    assert any(said in line for line in output.getvalue().splitlines())
