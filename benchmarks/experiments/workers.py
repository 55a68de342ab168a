"""Trials in parallel processes that stay: TensorFlow and the pool are loaded once in each."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

from benchmarks.experiments.plan import Plan
from benchmarks.experiments.records import Record
from components.constrained_trainer.config import TrainingConfig

# One thread each: the processes are the parallelism, and the numbers do not depend on it.
ENVIRONMENT = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
}


@dataclass(frozen=True)
class Job:
    """The methods that a trial still lacks at one amount of data."""

    fraction: float
    examples: int
    trial: int
    methods: tuple[str, ...]


@dataclass(frozen=True)
class Setting:
    """What a worker needs to know: it is sent once.

    Attributes:
        pool: folder of `pool.open_pool`.
        plan: of the experiment.
        base: the trainer's settings.
        fairlearn: Python of its environment; None: no method asks for it.
        log: where the libraries' chatter goes.
    """

    pool: Path
    plan: Plan
    base: TrainingConfig
    fairlearn: Path | None
    log: Path


def run_all(jobs: Sequence[Job], setting: Setting, processes: int) -> Iterator[list[Record]]:
    """The records of each job as it ends, in any order.

    Raises:
        BrokenProcessPool: a process was killed, by lack of memory for instance.
    """
    # Spawn: a forked copy of a parent with TensorFlow's threads in it may hang.
    pool = ProcessPoolExecutor(processes, get_context("spawn"), _start, (setting,))
    try:
        for finished in as_completed([pool.submit(_work, job) for job in jobs]):
            yield finished.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class Worker:
    """One process's state: the pool, and fairlearn's process if one is wanted."""

    def __init__(self, setting: Setting):
        from benchmarks.experiments.peer import Fairlearn
        from benchmarks.experiments.pool import open_pool

        self._setting = setting
        self._pool = open_pool(setting.pool)
        self._fairlearn = Fairlearn(setting.fairlearn) if setting.fairlearn else None

    def work(self, job: Job) -> list[Record]:
        """A record for each method of the job; one that failed holds its error, and stops nothing."""
        import keras

        from benchmarks.experiments import methods

        setting = self._setting
        trial = methods.Trial(
            self._pool, setting.plan, setting.base, job.examples, job.trial, self._fairlearn
        )
        found = []
        for method in job.methods:
            began = time.perf_counter()
            record = {"method": method, "fraction": job.fraction, "trial": job.trial}
            record["examples"] = job.examples
            try:
                record |= asdict(methods.run(trial, method))
            except Exception as error:
                record["error"] = f"{type(error).__name__}: {error}"
            found.append(record | {"seconds": round(time.perf_counter() - began, 3)})
        # Otherwise every network of every trial stays.
        del trial
        keras.backend.clear_session()
        gc.collect()
        return found


_worker: Worker | None = None


def _start(setting: Setting) -> None:
    global _worker
    log = os.open(setting.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    _worker = Worker(setting)


def _work(job: Job) -> list[Record]:
    assert _worker is not None
    return _worker.work(job)
