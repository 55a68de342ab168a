"""A run in a process of its own, forked from one that has TFX loaded, that is struck as it was told."""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.drill.kills import Kill, Lines, in_scope

Work = Callable[[], int]

START = "Start"
"""What comes before the first step: the lock, the folder, the settings in it."""

# What takes long to load, and starts nothing when it is.
_HEAVY = ("IPython", "apache_beam", "matplotlib", "pandas", "scipy", "sklearn", "tfx", "tfx_bsl")
_HEAVY += ("tensorflow_data_validation", "tensorflow_model_analysis", "tensorflow_transform")


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def start(
    work: Work,
    log: Path,
    plan: Sequence[Kill],
    told: Path,
    strike: Callable[[], None] = kill,
) -> int:
    """Starts `work`, to be killed at the first of `plan` that it comes to; returns its process id.

    Args:
      work: returns the exit status.
      log: gets all that it prints.
      plan: in the order of the stages.
      told: gets the number of the kill in the plan, right before it.
      strike: what happens to it there, once, if it is something else.
    """
    return _fork(lambda: _arm(plan, told, strike), work, log)


def record(work: Work, log: Path, told: Path) -> int:
    """Starts `work` undisturbed, and keeps in `told` what lines each stage goes through."""
    return _fork(lambda: _record(told), work, log)


def command(arguments: Sequence[str]) -> int:
    """`fairgate ARGUMENTS`."""
    from pipeline.__main__ import main

    return main(list(arguments))


def recorded(told: Path) -> tuple[Lines, dict[str, float]]:
    """Lines and seconds of each stage, as `record` kept them."""
    tree = json.loads(told.read_text())
    return tree["lines"], tree["seconds"]


def load(told: Path | None = None) -> None:
    """Loads what a run loads, once for all that are forked; the second time what `told` has besides.

    Raises:
      RuntimeError: TensorFlow has begun to work, so that whatever is forked would wait for its threads.
    """
    import pipeline.running.runner  # noqa: F401  (TFX first: it patches what others import)

    names = [f"pipeline.{name}" for name in ("basis", "evaluation", "local", "report")]
    if told is not None:
        loaded = json.loads(told.read_text())["modules"]
        names = [name for name in loaded if name.partition(".")[0] in _HEAVY]
    for name in names:
        # What can only be loaded after something else, a run loads by itself.
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    # What is loaded is never garbage. A run looks for that after each step, which would take longer than
    # most steps do, and would copy every page that it shares with this process.
    gc.collect()
    gc.freeze()
    from tensorflow.python.eager import context

    if context.context()._initialized:
        raise RuntimeError("TensorFlow has started its threads: nothing can be forked any more")


def _fork(arm: Callable[[], None], work: Work, log: Path) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for target in (1, 2):
            os.dup2(file, target)
        arm()
        status = work()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.settrace(None)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


class _Stages:
    """Knows which step the run is in: START before the first; what follows the last counts as that."""

    def __init__(self) -> None:
        self.name = START
        self.began = time.monotonic()

    def watch(self, entered: Any) -> None:
        """Calls `entered` at the beginning of each."""
        entered(self.name)
        from pipeline.running import terminal

        real = terminal.Display.step

        @contextlib.contextmanager
        def step(display: terminal.Display, name: str) -> Iterator[terminal.Step]:
            with real(display, name) as made:
                self.name, self.began = name, time.monotonic()
                entered(name)
                yield made

        terminal.Display.step = step  # type: ignore[method-assign]


def _trace(wanted: Any, line: Any) -> None:
    """Calls `line(frame)` for each line of functions whose file is `wanted`, in all threads."""

    def inner(frame: Any, event: str, argument: Any) -> Any:
        if event == "line":
            line(frame)
        return inner

    def outer(frame: Any, event: str, argument: Any) -> Any:
        return inner if wanted(frame.f_code.co_filename) else None

    threading.settrace(outer)
    sys.settrace(outer)


def _record(told: Path) -> None:
    stages = _Stages()
    lines: dict[str, dict[str, set[int]]] = {}
    seconds: dict[str, float] = {}
    known: dict[str, bool] = {}

    def wanted(file: str) -> bool:
        if file not in known:
            known[file] = in_scope(file)
        return known[file]

    def line(frame: Any) -> None:
        files = lines.setdefault(stages.name, {})
        files.setdefault(frame.f_code.co_filename, set()).add(frame.f_lineno)
        seconds[stages.name] = time.monotonic() - stages.began

    def keep() -> None:
        plain = {
            stage: {file: sorted(numbers) for file, numbers in files.items()}
            for stage, files in lines.items()
        }
        tree = {"lines": plain, "seconds": seconds, "modules": sorted(sys.modules)}
        told.write_text(json.dumps(tree))

    stages.watch(lambda name: keep())
    real_exit = os._exit

    def leave(status: int) -> None:
        keep()
        real_exit(status)

    os._exit = leave  # type: ignore[assignment]
    _trace(wanted, line)


def _arm(plan: Sequence[Kill], told: Path, strike: Callable[[], None]) -> None:
    stages = _Stages()
    run = os.getpid()
    lock = threading.Lock()
    came: Counter[int] = Counter()
    pending = list(enumerate(plan))
    files = {kill.file for kill in plan if kill.file}

    def come_to(number: int) -> None:
        if os.getpid() != run:
            return  # a copy of the run, which works beside it and ends with it
        with lock:  # of several threads, one is it
            if not pending:
                return
            pending.clear()
            handle = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.write(handle, str(number).encode())
            os.close(handle)
            strike()

    def line(frame: Any) -> None:
        for number, kill in list(pending):
            if kill.stage != stages.name:
                break
            if kill.line == frame.f_lineno and kill.file == frame.f_code.co_filename:
                came[number] += 1
                if came[number] == kill.nth:
                    come_to(number)

    def entered(name: str) -> None:
        order = [kill.stage for _, kill in pending]
        while pending and pending[0][1].stage != name and name in order:
            pending.pop(0)  # its stage is over
        for number, kill in list(pending):
            if kill.stage == name and kill.after == 0:
                come_to(number)
            elif kill.stage == name and kill.after is not None:
                threading.Thread(target=_strike_later, args=(kill, number), daemon=True).start()

    def _strike_later(kill: Kill, number: int) -> None:
        time.sleep(kill.after or 0.0)
        if stages.name == kill.stage:
            come_to(number)

    stages.watch(entered)
    if files:
        _trace(lambda file: file in files, line)
