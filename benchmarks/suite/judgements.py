"""What was measured of the answers, kept beside them, so that a page is made in seconds.

judgements/METHOD/TASK-SEED.json   the result of each contender of the method, and what it depends on
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Sequence

from benchmarks.peers.tasks import Answer, Task
from benchmarks.suite.answers import Job, Key, Store
from benchmarks.suite.contenders import CONTENDERS
from benchmarks.suite.measuring import Result, measure
from benchmarks.suite.tasks import SPARE
from components.fingerprint import code_fingerprint
from fairgate.documents import to_json, write_text

# All that `measuring` runs on: with a change in one of them, every answer is measured anew.
JUDGING = (
    "benchmarks.experiments.protocol",
    "benchmarks.peers.tasks",
    "benchmarks.suite.measuring",
    "components.constrained_trainer.selection.thresholds",
    "fairgate.api",
    "fairgate.bounds",
    "fairgate.constraints",
    "fairgate.data",
    "fairgate.documents",
    "fairgate.errors",
    "fairgate.gate",
    "fairgate.records",
    "fairgate.strict",
    "fairgate.vocabulary",
)


class Judgements:
    """The results of a folder's answers.

    Args:
        store: the folder.
    """

    def __init__(self, store: Store):
        self._store = store
        self._question = functools.lru_cache(maxsize=1)(self._load)

    def results(
        self,
        contenders: Sequence[str],
        names: Sequence[str],
        seeds: int,
        advance: Callable[[], None] = lambda: None,
    ) -> dict[Key, Result]:
        """Of every answer that is there.

        Args:
            contenders: keys of CONTENDERS.
            names: keys of `tasks.TASKS`.
            seeds: how many.
            advance: called after each answer, `count` times.

        Raises:
            ValueError: the data of a task is missing, and one of its answers was never measured.
        """
        found = {}
        for task in names:
            for seed in range(seeds):
                for method in _methods(contenders):
                    measured = self.of(Job(method, task, seed))
                    found.update(
                        {(n, task, seed): r for n, r in measured.items() if n in contenders}
                    )
                    advance()
        return found

    @staticmethod
    def count(contenders: Sequence[str], names: Sequence[str], seeds: int) -> int:
        """How many answers `results` looks at."""
        return len(_methods(contenders)) * len(names) * seeds

    def of(self, job: Job) -> dict[str, Result]:
        """Contender -> result of one answer, measured if it was not before; {} without an answer.

        An answer that cannot be measured is told as a failure and removed.

        Raises:
            ValueError: as `results`.
        """
        path = self._store.answer(job)
        if not path.exists():
            return {}
        settings = {n: c.setting for n, c in CONTENDERS.items() if c.method == job.method}
        stamp = {
            "answer": hashlib.sha256(path.read_bytes()).hexdigest(),
            "question": self._store.question_file(job.task, job.seed).name,
            "code": code_fingerprint(*JUDGING),
            "spare": SPARE,
            "settings": settings,
        }
        file = self._store.judgement(job)
        known = json.loads(file.read_text()) if file.exists() else {}
        if known.get("stamp") != stamp:
            question = self._question(job.task, job.seed)
            try:
                results = self._measured(job, question, settings)
            except ValueError as error:
                self._store.reject(job, str(error))
                return {}
            known = {"stamp": stamp, "results": {n: r.as_json() for n, r in results.items()}}
            write_text(file, to_json(known, indent=1) + "\n")
        return {name: Result(**each) for name, each in known["results"].items()}

    def _measured(
        self, job: Job, question: Task, settings: dict[str, str | None]
    ) -> dict[str, Result]:
        answer = Answer.load(self._store.answer(job))
        return {
            name: measure(question, answer, setting)
            for name, setting in settings.items()
            if answer.refusal or setting is None or setting in answer.names
        }

    def _load(self, task: str, seed: int) -> Task:
        return Task.load(self._store.question(task, seed), inputs=False)


def _methods(contenders: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(CONTENDERS[name].method for name in contenders))
