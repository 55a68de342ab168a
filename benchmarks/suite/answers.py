"""A folder of questions and answers: what makes the suite go on where it was stopped.

questions/TASK-SEED-DIGEST.npz   benchmarks.peers.tasks.Task
answers/METHOD/TASK-SEED.npz     benchmarks.peers.tasks.Answer
failures/METHOD/TASK-SEED.txt    why the last attempt brought none
logs/METHOD.log                  what the library wrote
sources/                         pictures, decoded or drawn once
judgements/METHOD/TASK-SEED.json what was measured of the answers, see `judgements`
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.suite import tasks
from benchmarks.suite.contenders import CONTENDERS
from fairgate.documents import to_json, write_text


@dataclass(frozen=True)
class Job:
    """A method's answer to one task and seed."""

    method: str
    task: str
    seed: int


Key = tuple[str, str, int]
"""(contender, task, seed)"""


class Store:
    """The folder.

    Args:
        folder: is made if it is not there.
        data: where the data sets are.
    """

    def __init__(self, folder: Path, data: Path):
        self.folder = folder
        self._data = data
        folder.mkdir(parents=True, exist_ok=True)

    def require_same(self, names: Iterable[str]) -> None:
        """Notes how these tasks are made, so that answers to others are never mixed with theirs.

        Raises:
            ValueError: the folder holds answers to a task of that name that was made otherwise.
        """
        file = self.folder / "tasks.json"
        known = json.loads(file.read_text()) if file.exists() else {}
        for name in names:
            made = json.loads(json.dumps(tasks.described(tasks.TASKS[name])))
            if known.setdefault(name, made) != made:
                raise ValueError(
                    f"--keep {self.folder}: its answers to {name} are of {known[name]}, and the task is "
                    f"{made} now; give another folder"
                )
        write_text(file, to_json(known, indent=1) + "\n")

    def question_file(self, task: str, seed: int) -> Path:
        """Where a task is, if it is there; another task has another name."""
        described = json.dumps(tasks.described(tasks.TASKS[task])).encode()
        digest = hashlib.sha256(described).hexdigest()[:8]
        return self._made("questions") / f"{task}-{seed}-{digest}.npz"

    def question(self, task: str, seed: int) -> Path:
        """The file of a task, which is made if it is not there; ValueError if its data is missing."""
        path = self.question_file(task, seed)
        if not path.exists():
            made = tasks.make(tasks.TASKS[task], self._data, self.folder / "sources", seed)
            unfinished = path.with_name(f"unfinished-{os.getpid()}.npz")
            made.save(unfinished)
            unfinished.replace(path)
        return path

    def answer(self, job: Job) -> Path:
        return self._of(job, "answers", "npz")

    def failure(self, job: Job) -> Path:
        return self._of(job, "failures", "txt")

    def judgement(self, job: Job) -> Path:
        return self._of(job, "judgements", "json")

    def log(self, method: str) -> Path:
        return self._made("logs") / f"{method}.log"

    def missing(self, jobs: Iterable[Job]) -> list[Job]:
        """Those without an answer that holds all that is asked of it; what failed is among them."""
        return [job for job in jobs if not self._has(job)]

    def forget(self, jobs: Iterable[Job]) -> None:
        """Removes answers, so that they are made again."""
        for job in jobs:
            self.answer(job).unlink(missing_ok=True)

    def reject(self, job: Job, why: str) -> None:
        """Removes an answer that is none."""
        self.failure(job).write_text(f"{why}\n")
        self.answer(job).unlink()

    def _has(self, job: Job) -> bool:
        """Whether there is an answer with the settings of all contenders of its method."""
        path = self.answer(job)
        if not path.exists():
            return False
        asked = [c.setting for c in CONTENDERS.values() if c.method == job.method]
        with np.load(path) as file:
            return {each for each in asked if each} <= set(file["names"].tolist())

    def _of(self, job: Job, kind: str, ending: str) -> Path:
        return self._made(kind, job.method) / f"{job.task}-{job.seed}.{ending}"

    def _made(self, *names: str) -> Path:
        path = self.folder.joinpath(*names)
        path.mkdir(parents=True, exist_ok=True)
        return path
