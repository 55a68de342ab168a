"""Asks the methods what is not answered yet, each in its environment, in processes that stay."""

from __future__ import annotations

import collections
import itertools
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.peers.environments import Unavailable, python_of
from benchmarks.peers.process import Process
from benchmarks.suite.answers import Job, Store
from benchmarks.suite.contenders import CONTENDERS

# One that takes longer is ended, and is told as a failure.
MOST_SECONDS = 600.0


def jobs(contenders: Iterable[str], names: Sequence[str], seeds: Iterable[int]) -> list[Job]:
    """Method by method, so that a process is started once, and seed by seed within."""
    methods = dict.fromkeys(CONTENDERS[name].method for name in contenders)
    return [Job(m, task, seed) for m, seed in itertools.product(methods, seeds) for task in names]


def interpreters(methods: Iterable[str], say: Callable[[str], None]) -> dict[str, Path]:
    """Method -> the Python that it runs in; of those that cannot run here a sentence is said."""
    found: dict[str, Path] = {}
    for method in methods:
        [environment] = {c.environment for c in CONTENDERS.values() if c.method == method}
        try:
            found[method] = python_of(environment) if environment else Path(sys.executable)
        except Unavailable as reason:
            say(f"{method} is left out: {reason}.")
    return found


def run_all(
    wanted: Sequence[Job],
    store: Store,
    pythons: Mapping[str, Path],
    workers: int,
    finished: Callable[[Job, str], None],
) -> None:
    """Runs jobs, in their order.

    Args:
        wanted: jobs whose methods are all keys of `pythons`.
        store: where answers go; what went wrong is written beside them.
        pythons: from `interpreters`.
        workers: processes at a time.
        finished: called after each job, with what went wrong or "". Not from two threads at once.

    Raises:
        ValueError: the data of a task is missing; jobs that are running are finished first.
    """
    waiting = collections.deque(wanted)
    turn = threading.Lock()

    def work() -> None:
        process: Process | None = None
        method = ""
        try:
            while waiting:
                with turn:  # the sources are read once
                    if not waiting:
                        return
                    job = waiting.popleft()
                    question = store.question(job.task, job.seed)
                if process is None or job.method != method:
                    if process is not None:
                        process.close()
                    method = job.method
                    module = f"benchmarks.suite.methods.{method}"
                    process = Process(pythons[method], module, store.log(method))
                problem = _ask(process, store, job, question)
                with turn:
                    finished(job, problem)
        except BaseException:
            waiting.clear()  # the others end after what they are at
            raise
        finally:
            if process is not None:
                process.close()

    with ThreadPoolExecutor(workers) as pool:
        running = [pool.submit(work) for _ in range(min(workers, len(wanted)))]
        try:
            for each in running:
                each.result()
        except BaseException:
            waiting.clear()
            raise


def _ask(process: Process, store: Store, job: Job, question: Path) -> str:
    failure = store.failure(job)
    try:
        process.ask(question, store.answer(job), seconds=MOST_SECONDS)
    except RuntimeError as error:
        failure.write_text(f"{error}\n")
        return str(error)
    failure.unlink(missing_ok=True)
    return ""
