"""Dual updates on data: FairGate's trainer on tasks of the suite, with nothing changed but the update.

All start from the same baseline, and all that is `auto` follows from the data as always.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from benchmarks.peers.tasks import TRAIN, VALIDATION, Answer, Task
from benchmarks.suite import measuring, tasks
from benchmarks.suite.answers import Store
from benchmarks.suite.methods.ours import split
from components.constrained_trainer import component
from components.constrained_trainer.config import TrainingConfig
from components.constrained_trainer.selection.snapshots import Snapshot, predict_scores
from components.constrained_trainer.training import train
from fairgate.documents import to_json, write_text

DEFAULT = "PI controller (the default)"
TASKS = ("law-fpr-race", "adult-odds-sex", "compas-tpr-race-sex", "credit-tpr-education")


@dataclass(frozen=True)
class Update:
    """A way to move multipliers.

    Attributes:
        settings: of `trainer.multipliers`.
        says: what it is.
    """

    settings: Mapping[str, Any]
    says: str


UPDATES: Mapping[str, Update] = {
    DEFAULT: Update({}, "`pi_lagrangian` as it comes"),
    "augmented Lagrangian": Update({"smoothing": 0.0}, "the same without smoothing"),
    "gradient ascent": Update(
        {"smoothing": 0.0, "proportional": 0.0},
        "the same without its proportional part: plain steps at the controller's rate",
    ),
    "multiplicative weights": Update(
        {"formulation": "proxy_lagrangian", "regret": "external"},
        "`proxy_lagrangian` with external regret: weights that sum to one, multiplied by exponentials "
        "of the violations",
    ),
    "proxy-Lagrangian": Update(
        {"formulation": "proxy_lagrangian"},
        "`proxy_lagrangian` as published: the same with swap regret (Cotter et al. 2019)",
    ),
}


@dataclass(frozen=True)
class Play:
    """What one training shows. Errors and violations are on test rows, but for what is varied.

    Attributes:
        baseline: error of the model without constraints.
        error: of the chosen model.
        violation: of the chosen model, its worst constraint's beyond the limit; 0 where all are kept.
        last_error: of the last snapshot, as it was trained: nothing is chosen, no threshold moved.
        last_violation: of the last snapshot.
        error_varies: max - min of the validation error over the snapshots of the last third.
        violation_varies: the same of the worst constraint's value.
        seconds: of the training under constraints.
    """

    baseline: float
    error: float
    violation: float
    last_error: float
    last_violation: float
    error_varies: float
    violation_varies: float
    seconds: float


Plays = Mapping[tuple[str, str, int], Play]
"""(update, task, seed) -> what it shows."""


def compare(
    names: Sequence[str],
    asked: Sequence[str],
    seeds: int,
    store: Store,
    done: Callable[[str], None] = lambda what: None,
) -> Plays:
    """Trains what was not trained yet; what was is in `duals/` of the store's folder.

    Args:
        names: keys of UPDATES.
        asked: keys of `benchmarks.suite.tasks.TASKS`.
        seeds: how many.
        store: of the suite's questions.
        done: called after each task and seed, with what it was.

    Raises:
        ValueError: the data of a task is missing.
    """
    found: dict[tuple[str, str, int], Play] = {}
    code = component.fingerprint(TrainingConfig(network="tabular"))
    for seed in range(seeds):
        for task in asked:
            file = store.folder / "duals" / f"{store.question_file(task, seed).stem}-{code}.json"
            known = json.loads(file.read_text()) if file.exists() else {}
            missing = [name for name in names if name not in known]
            if missing:
                file.parent.mkdir(exist_ok=True)
                question = Task.load(store.question(task, seed))
                for name, play in played(question, missing):
                    known[name] = asdict(play)
                    write_text(file, to_json(known, indent=1) + "\n")
            found.update({(name, task, seed): Play(**known[name]) for name in names})
            done(f"{task}, seed {seed}")
    return found


def played(task: Task, names: Iterable[str], **settings: Any) -> Iterable[tuple[str, Play]]:
    """(update, what it shows) of each; `settings` are the trainer's, for all."""
    everyone = split(task)
    parts = [everyone.take(np.flatnonzero(task.rows(part))) for part in (TRAIN, VALIDATION)]
    common = {"network": "tabular", "seed": task.seed, "devices": "cpu", **settings}
    free = train(*parts, TrainingConfig(**common, constraints=()))
    baseline = free.model.get_weights()
    unconstrained, _ = _measured(task, free.chances(everyone))
    for name in names:
        config = TrainingConfig(
            **common, constraints=task.rule.lines(), multipliers=UPDATES[name].settings
        )
        start = time.perf_counter()
        result = train(*parts, config, baseline=baseline)
        seconds = time.perf_counter() - start
        error, violation = _measured(task, result.chances(everyone))
        # The baseline is the first, at step 0; what is looked at with other thresholds comes last.
        own = [s for s in result.snapshots if s.step and not s.shift and s.rule is None]
        result.model.set_weights(own[-1].weights)
        last = _measured(task, (predict_scores(result.model, everyone) > 0).astype(float))
        yield name, Play(unconstrained, error, violation, *last, *_varies(own), seconds)
        keras.backend.clear_session()  # otherwise every network stays
        gc.collect()


def _measured(task: Task, p: np.ndarray) -> tuple[float, float]:
    """(error, violation) on test of (n,) probabilities of a Yes."""
    found = measuring.measure(task, Answer([""], p[None], 0.0))
    return found.error, max(0.0, found.worst)


def _varies(snapshots: Sequence[Snapshot]) -> tuple[float, float]:
    """(of the error, of the worst constraint's value): max - min over the last third of the steps."""
    late = [each for each in snapshots if 3 * each.step > 2 * snapshots[-1].step]
    return float(np.ptp([s.error_rate for s in late])), float(np.ptp([s.worst for s in late]))


def open_store(keep: Path, data: Path, names: Sequence[str]) -> Store:
    """The folder of questions and of what was trained; the suite's own will do.

    Args:
        keep: the folder.
        data: where the data sets are.
        names: of tasks.

    Raises:
        ValueError: the suite has no such task, or the folder's questions are of tasks made otherwise.
    """
    unknown = [name for name in names if name not in tasks.TASKS]
    if unknown:
        raise ValueError(f"--tasks {unknown[0]}: expected some of {', '.join(tasks.TASKS)}")
    store = Store(keep, data)
    store.require_same(names)
    return store
