"""FairGate's trainer as it comes: a model without constraints, then one with them, nothing tuned.

The first is the baseline that every run of the pipeline trains, and one more to choose from for the
second. Both are answers, and so is what is known without constrained training: the commonest answer.
"""

from __future__ import annotations

import gc
import time

import keras
import numpy as np

from benchmarks.peers.serving import serve_tasks
from benchmarks.peers.tasks import TRAIN, VALIDATION, Answer, Task
from components.constrained_trainer import networks
from components.constrained_trainer.config import TrainingConfig
from components.constrained_trainer.data import Split
from components.constrained_trainer.training import TrainingResult, train
from fairgate.constraints.rates import Group


def split(task: Task, rows: np.ndarray) -> Split:
    """The rows of a task as the trainer takes them."""
    groups = tuple(map(Group, task.rule.features, task.rule.names))
    inputs = {"numeric": task.x[rows]}
    return Split(inputs, task.y[rows].astype("float32"), task.groups[rows], groups)


def main(task: Task) -> Answer:
    parts = [split(task, task.rows(part)) for part in (TRAIN, VALIDATION)]
    config = TrainingConfig(network="tabular", seed=task.seed, devices="cpu", constraints=())
    start = time.perf_counter()
    first = train(*parts, config)
    weights = first.model.get_weights()
    middle = time.perf_counter()
    lines = tuple(task.rule.lines())
    second = train(*parts, config.model_copy(update={"constraints": lines}), baseline=weights)
    end = time.perf_counter()
    commonest = np.full(len(task.y), float(parts[0].labels.mean() > 0.5))
    found = {
        "commonest": (commonest, 0.0),
        "baseline": (probabilities(first, task), middle - start),
        "constrained": (probabilities(second, task), end - start),
    }
    keras.backend.clear_session()  # otherwise every network of every task stays
    gc.collect()
    p, seconds = zip(*found.values(), strict=True)
    return Answer(list(found), np.stack(p), end - start, each=np.array(seconds))


def probabilities(result: TrainingResult, task: Task) -> np.ndarray:
    """(n,) of deciding 1: 0 or 1, but for a mixture."""
    total = np.zeros(len(task.y))
    predict = networks.predictor(result.model)
    for probability, weights in result.members():
        result.model.set_weights(weights)
        total += probability * (predict({"numeric": task.x})[:, 0] > 0)
    return total


if __name__ == "__main__":
    serve_tasks(main)
