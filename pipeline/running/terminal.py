"""What a person sees: progress while it runs, and none of the libraries' noise."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
import typing
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TextIO

import psutil
from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from fairgate.consoles import VisibleConsole
from fairgate.streams import Lasting

NOT_ASKED = "not asked"
"""Outcome of a gate that refused to ask the test split, because no model was worth it."""

_SAMPLING_SECONDS = 0.2
_SAMPLING_SHARE = 0.02  # of the time at the most: a large child is looked at more rarely
_NARROW = 120  # columns, which a name, a bar and what is said of it need side by side


@contextlib.contextmanager
def quiet(log_file: str, verbose: bool) -> Iterator[Console]:
    """Sends everything that libraries print to `log_file`; yields a console for what we say.

    TensorFlow's C++ and Beam write to the file descriptors themselves, so these are redirected.
    With `verbose` nothing is hidden: the noise goes to the terminal.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "0" if verbose else "1")
    os.environ.setdefault(
        "TF_ENABLE_ONEDNN_OPTS", "0"
    )  # same numbers on every machine, and no notice
    if verbose:
        yield VisibleConsole(highlight=False)
        return
    sys.stdout.flush()
    sys.stderr.flush()
    # Whoever stops reading what we say does not stop the work, nor change how it ends.
    terminal = Lasting(os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8", errors="replace"))
    saved = os.dup(1), os.dup(2)
    # What libraries print may hold what nobody else should read, such as the arguments of Beam.
    with open(
        os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab", buffering=0
    ) as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    level = logging.getLogger().level
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            logging.getLogger().setLevel(logging.INFO)
            yield VisibleConsole(file=typing.cast(TextIO, terminal), highlight=False)
    finally:
        logging.getLogger().setLevel(level)
        _flush_into_log()
        for descriptor, target in zip(saved, (1, 2), strict=True):
            os.dup2(descriptor, target)
            os.close(descriptor)
        terminal.close()


def _flush_into_log() -> None:
    """Or nowhere, where the log has no room left: what the work has come to is told all the same."""
    for stream, descriptor in ((sys.stdout, 1), (sys.stderr, 2)):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, descriptor)
            os.close(nowhere)
            with contextlib.suppress(OSError):
                stream.flush()


@dataclass(frozen=True)
class Note:
    """Something to tell a person about a step."""

    text: str
    warns: bool = False


@dataclass
class Step:
    """One step of a run, as it is shown and kept; `timings` are of parts of it, in seconds."""

    name: str
    seconds: float = 0.0
    peak_memory_gb: float = 0.0
    outcome: str = "running"  # then: done, reused, not asked, failed
    done: int = 0
    total: int = 0
    message: str = ""
    started: float = 0.0
    notes: list[Note] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)
    processor_seconds: float = 0.0  # of all cores


class Display:
    """Steps as they happen: a live table on a terminal, a line per event elsewhere."""

    def __init__(self, console: Console, steps: int):
        self._console = console
        self._expected = steps
        self._reported = 0.0
        self.steps: list[Step] = []
        # Live would otherwise bring back onto the terminal what `quiet` has sent to the log.
        self._live = Live(
            console=console,
            get_renderable=self._table,
            refresh_per_second=8,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._stop = threading.Event()
        self._sampler = threading.Thread(target=self._sample_memory, daemon=True)

    def __enter__(self) -> Display:
        if self._console.is_terminal:
            self._live.start()
        self._sampler.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        self._sampler.join()
        if self._console.is_terminal:
            self._live.stop()

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Shows `name` as running; the body may set `outcome` to "reused"."""
        step = Step(name, started=time.monotonic())
        used = sum(os.times()[:4])
        self.steps.append(step)
        if not self._console.is_terminal:
            self._console.print(f"[{len(self.steps)}/{self._expected}] {name} ...", markup=False)
        try:
            yield step
        except BaseException:
            step.outcome = "failed"
            raise
        else:
            step.outcome = "done" if step.outcome == "running" else step.outcome
        finally:
            step.seconds = time.monotonic() - step.started
            step.processor_seconds = round(sum(os.times()[:4]) - used, 2)
            step.peak_memory_gb = max(step.peak_memory_gb, memory_gb())
            if not self._console.is_terminal:
                self._console.print(
                    f"      {name}: {step.outcome}, {step.seconds:.1f} s", markup=False
                )

    def report(self, done: int, total: int, message: str) -> None:
        """A `progress.Listener`: how far the running step is."""
        step = self.steps[-1]
        step.done, step.total, step.message = done, total, message
        now = time.monotonic()
        if not self._console.is_terminal and now - self._reported > 5:
            self._reported = now
            share = f"{done / total:4.0%} " if total else ""
            self._console.print(f"      {share}{message}", markup=False, soft_wrap=True)

    def time(self, part: str, seconds: float) -> None:
        """A `progress.Timer`: how long a part of the running step took."""
        self.steps[-1].timings[part] = round(seconds, 3)

    def note(self, text: str, warns: bool = False) -> None:
        """Tells something about the running step, which stays to be seen."""
        note = Note(text, warns)
        self.steps[-1].notes.append(note)
        if not self._console.is_terminal:
            self._console.print(Padding(_shown(note), (0, 0, 0, 6)))

    def _table(self) -> Group:
        """A row for each step; what there is to tell of it below, over the whole width."""
        width = max((len(step.name) for step in self.steps), default=0)
        narrow = self._console.width < _NARROW
        shown: list[RenderableType] = []
        for step in self.steps:
            shown.append(_row(step, width, narrow))
            if narrow and step.outcome == "running" and step.message:
                shown.append(Padding(Text(step.message, "dim"), (0, 0, 0, 2)))
            shown += [Padding(_shown(note), (0, 0, 0, 2)) for note in step.notes]
        left = self._expected - len(self.steps)
        if left > 0 and self.steps and self.steps[-1].outcome != "failed":
            shown.append(Padding(Text(f"{left} more", "dim"), (0, 0, 0, 2)))
        return Group(*shown)

    def _sample_memory(self) -> None:
        wait = _SAMPLING_SECONDS
        while not self._stop.wait(wait):
            began = time.monotonic()
            if self.steps:
                step = self.steps[-1]
                step.peak_memory_gb = max(step.peak_memory_gb, memory_gb())
            wait = max(_SAMPLING_SECONDS, (time.monotonic() - began) / _SAMPLING_SHARE)


def _row(step: Step, width: int, narrow: bool = False) -> Table:
    """How a step stands, its name in `width` columns: these are as wide in every row.

    Where the terminal is `narrow`, what the step says has a line of its own below.
    """
    seconds = step.seconds or time.monotonic() - step.started
    row = Table.grid(padding=(0, 1))
    row.add_column(width=1)
    row.add_column(min_width=width, no_wrap=True)
    row.add_column(min_width=len("1234.5 s"), no_wrap=True, justify="right")
    row.add_column()
    detail: RenderableType
    if step.outcome != "running":
        detail = Text(_OUTCOMES.get(step.outcome, ""), "dim")
    elif step.total:
        bar = ProgressBar(step.total, step.done, width=24)
        detail = Table.grid(padding=(0, 1))
        detail.add_row(bar, Text("" if narrow else step.message))
    else:
        detail = Text("" if narrow else step.message, "dim")
    mark = Spinner("dots") if step.outcome == "running" else _MARKS[step.outcome]
    row.add_row(mark, Text(step.name), Text(f"{seconds:.1f} s", "dim"), detail)
    return row


_MARKS = {
    "done": Text("✓", "green"),
    "reused": Text("✓", "dim"),
    NOT_ASKED: Text("-", "yellow"),
    "failed": Text("✗", "red"),
}
# What is said of a step that has ended, where its mark does not say all.
_OUTCOMES = {"reused": "unchanged, reused", NOT_ASKED: "no solution found: not asked"}


def _shown(note: Note) -> Text:
    return Text(note.text, "yellow" if note.warns else "cyan")


def memory_gb() -> float:
    """Resident memory of this process and its children [GB]; what they share counts once."""
    process = psutil.Process()
    total = process.memory_info().rss
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            total += child.memory_full_info().uss
    return total / 1e9


def steps_table(steps: list[Step]) -> Table:
    """Where the time and the memory went."""
    table = Table(title="Steps", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for column in ("step", "", "seconds", "peak memory [GB]"):
        table.add_column(column, justify="left" if column in ("step", "") else "right")
    for step in steps:
        table.add_row(step.name, step.outcome, f"{step.seconds:.1f}", f"{step.peak_memory_gb:.2f}")
    table.add_section()
    total, peak = sum(s.seconds for s in steps), max((s.peak_memory_gb for s in steps), default=0)
    table.add_row("all", "", f"{total:.1f}", f"{peak:.2f}")
    return table
