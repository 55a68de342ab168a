"""FairGate's trainer as it comes: a model without constraints, then one with them, nothing tuned.

The first is the baseline that every run of the pipeline trains, and one more to choose from for the
second. Both are answers, and so is what is known without constrained training: the commonest answer,
and the baseline with thresholds of each group's own by the linear program of the yardsticks.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence

import keras
import numpy as np

from benchmarks.peers.serving import serve_tasks
from benchmarks.peers.tasks import TRAIN, VALIDATION, Answer, Task
from components.constrained_trainer.config import TrainingConfig
from components.constrained_trainer.examples.data import Split
from components.constrained_trainer.selection import deciding
from components.constrained_trainer.selection.cell_program import CellProgram
from components.constrained_trainer.selection.cells import Cells
from components.constrained_trainer.training import TrainingResult, parse, train
from fairgate.constraints.linear import linearize
from fairgate.constraints.rates import Group


def split(task: Task, rows: np.ndarray | slice = slice(None)) -> Split:
    """The rows of a task as the trainer takes them."""
    groups = tuple(map(Group, task.rule.features, task.rule.names))
    inputs = {"numeric": task.x[rows]}
    return Split(inputs, task.y[rows].astype("float32"), task.groups[rows], groups)


def main(task: Task) -> Answer:
    everyone = split(task)
    parts = [everyone.take(np.flatnonzero(task.rows(part))) for part in (TRAIN, VALIDATION)]
    config = TrainingConfig(network="tabular", seed=task.seed, devices="cpu", constraints=())
    lines = {"constraints": tuple(task.rule.lines())}
    start = time.perf_counter()
    first = train(*parts, config)
    weights = first.model.get_weights()
    baseline_seconds = time.perf_counter() - start
    found = {
        "commonest": (np.full(len(task.y), float(parts[0].labels.mean() > 0.5)), 0.0),
        "baseline": (first.chances(everyone), baseline_seconds),
        "baseline by group": (
            by_group(first, parts[1], lines["constraints"], everyone),
            baseline_seconds,
        ),
    }
    for name, changed in {
        "constrained": lines,
        "constrained by group": lines | {"thresholds": "per_group"},
    }.items():
        start = time.perf_counter()
        result = train(*parts, config.model_copy(update=changed), baseline=weights)
        seconds = baseline_seconds + time.perf_counter() - start
        found[name] = result.chances(everyone), seconds
    keras.backend.clear_session()  # otherwise every network of every task stays
    gc.collect()
    p, seconds = zip(*found.values(), strict=True)
    return Answer(list(found), np.stack(p), max(seconds), each=np.array(seconds))


def by_group(
    baseline: TrainingResult, validation: Split, lines: Sequence[str], everyone: Split
) -> np.ndarray:
    """(n,) probability of a Yes: the baseline, with the best thresholds of each group on validation."""
    pieces = [piece for line in parse(lines, validation) for piece in linearize(line)]
    cells = Cells.of(validation, list(validation.group_names))
    scores = baseline.scores(validation)
    program = CellProgram(validation, scores, pieces, cells, useful=False)
    shares = program.best()
    if shares is None:
        raise ValueError("no thresholds keep the constraints on validation")
    members = [(1.0, baseline.model.get_weights())]
    return deciding.chances(baseline.model, members, program.rule(shares), everyone)


if __name__ == "__main__":
    serve_tasks(main)
