"""A folder of questions, answers and results: what makes the suite go on where it was stopped.

questions/TASK-SEED-DIGEST.npz   benchmarks.peers.tasks.Task
answers/METHOD/TASK-SEED.npz     benchmarks.peers.tasks.Answer
failures/METHOD/TASK-SEED.txt    why the last attempt brought none
logs/METHOD.log                  what the library wrote
sources/                         pictures, decoded or drawn once
results.json                     what was measured of the answers
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.peers.tasks import Answer, Task
from benchmarks.suite import tasks
from benchmarks.suite.contenders import CONTENDERS, Contender
from benchmarks.suite.measuring import Result, measure
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

    def question(self, task: str, seed: int) -> Path:
        """The file of a task, which is made if it is not there; ValueError if its data is missing."""
        described = json.dumps(tasks.described(tasks.TASKS[task])).encode()
        digest = hashlib.sha256(described).hexdigest()[:8]
        path = self._made("questions") / f"{task}-{seed}-{digest}.npz"
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

    def log(self, method: str) -> Path:
        return self._made("logs") / f"{method}.log"

    def missing(self, jobs: Iterable[Job]) -> list[Job]:
        """Those without an answer that holds all that is asked of it; what failed is among them."""
        return [job for job in jobs if not self._has(job)]

    def forget(self, jobs: Iterable[Job]) -> None:
        """Removes answers, so that they are made again."""
        for job in jobs:
            self.answer(job).unlink(missing_ok=True)

    def results(
        self, contenders: Iterable[str], names: Iterable[str], seeds: int
    ) -> dict[Key, Result]:
        """Of every answer that is there; one that was measured before is not measured again."""
        file = self.folder / "results.json"
        known = json.loads(file.read_text()) if file.exists() else {}
        found, fresh = {}, {}
        for task in names:
            for seed in range(seeds):
                for name in contenders:
                    contender = CONTENDERS[name]
                    job = Job(contender.method, task, seed)
                    path = self.answer(job)
                    if not self._has(job, contender.setting):
                        continue
                    place = f"{name}/{task}/{seed}"
                    stamp = path.stat().st_mtime_ns
                    if known.get(place, {}).get("stamp") != stamp:
                        result = self._measured(contender, task, seed)
                        fresh[place] = {"stamp": stamp, "result": result.as_json()}
                    found[name, task, seed] = Result(**(fresh.get(place) or known[place])["result"])
        if fresh:
            write_text(file, to_json(known | fresh, indent=1) + "\n")
        return found

    def _has(self, job: Job, *settings: str | None) -> bool:
        """Whether there is an answer with these settings; without any, those of all its contenders."""
        path = self.answer(job)
        if not path.exists():
            return False
        asked = settings or [c.setting for c in CONTENDERS.values() if c.method == job.method]
        with np.load(path) as file:
            return {each for each in asked if each} <= set(file["names"].tolist())

    def _measured(self, contender: Contender, task: str, seed: int) -> Result:
        question = Task.load(self.question(task, seed))
        answer = Answer.load(self.answer(Job(contender.method, task, seed)))
        return measure(question, answer, contender.setting)

    def _of(self, job: Job, kind: str, ending: str) -> Path:
        return self._made(kind, job.method) / f"{job.task}-{job.seed}.{ending}"

    def _made(self, *names: str) -> Path:
        path = self.folder.joinpath(*names)
        path.mkdir(parents=True, exist_ok=True)
        return path
