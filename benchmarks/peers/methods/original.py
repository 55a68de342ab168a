"""The original: its proxy-Lagrangian game and its choice of candidates, as in its notebooks.

A graph and a session, Adam at 0.01 for both players, minibatches of 100, a snapshot
after each pass (Fairness_adult.ipynb); the rates' hinge and zero-one losses and everything else at its
defaults. The slack it trains with is tuned on validation, and so are the best snapshot and the best
mixture, by its own `find_best_candidate_*`.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow.compat.v1 as tf
import tensorflow_constrained_optimization as tfco

from benchmarks.peers.tasks import TRAIN, VALIDATION, Answer, Task

BATCH, RATE = 100, 0.01
MARGINS = (0.0, 0.02, 0.04)


def snapshots(task: Task, margin: float) -> np.ndarray:
    """(passes, n) decisions 0 or 1."""
    rows = np.flatnonzero(task.rows(TRAIN))
    graph = tf.Graph()
    with (
        graph.as_default(),
        tf.Session(
            config=tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
        ) as session,
    ):
        tf.set_random_seed(task.seed)
        x = tf.placeholder(tf.float32, [None, task.x.shape[1]])
        y = tf.placeholder(tf.float32, [None, 1])
        groups = tf.placeholder(tf.float32, [None, task.groups.shape[1]])
        scores = tf.layers.dense(x, 1)
        context = tfco.rate_context(scores, y)
        positive = task.rule.rate == "tpr"
        rated = context.subset(y > 0 if positive else y <= 0)
        overall = tfco.positive_prediction_rate(rated)
        slack = task.rule.slack - margin
        constraints = []
        for g in range(task.groups.shape[1]):
            member = groups[:, g : g + 1] > 0
            rate = tfco.positive_prediction_rate(rated.subset(member))
            if task.rule.relative:
                constraints.append(rate >= (1 - slack) * overall)
            else:
                constraints.append(rate >= overall - slack)
            if task.rule.two_sided:
                constraints.append(rate <= overall + slack)
        problem = tfco.RateMinimizationProblem(tfco.error_rate(context), constraints)
        optimizer = tfco.ProxyLagrangianOptimizerV1(tf.train.AdamOptimizer(RATE))
        step = optimizer.minimize(problem)
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        random = np.random.default_rng(task.seed)
        found = []
        for _ in range(task.passes):
            order = random.permutation(rows)
            for start in range(0, len(order), BATCH):
                batch = order[start : start + BATCH]
                given = {x: task.x[batch], y: task.y[batch, None], groups: task.groups[batch]}
                session.run(step, given)
            found.append(session.run(scores, {x: task.x})[:, 0] > 0)
        return np.array(found, dtype="float32")


def main(task: Task) -> Answer:
    start = time.perf_counter()
    names, probabilities = [], []
    held_out = task.rows(VALIDATION)
    y, groups = task.y[held_out], task.groups[held_out]
    for margin in MARGINS:
        found = snapshots(task, margin)
        errors = np.abs(found[:, held_out] - y).mean(axis=1)
        violations = np.stack([task.rule.violations(p[held_out], y, groups) for p in found])
        best = tfco.find_best_candidate_index(errors, violations)
        mixture = tfco.find_best_candidate_distribution(errors, violations)
        names += [f"margin {margin:g}, {kind}" for kind in ("last", "best", "mixture")]
        probabilities += [found[-1], found[best], mixture @ found]
    return Answer(names, np.stack(probabilities), time.perf_counter() - start)


if __name__ == "__main__":
    tf.disable_v2_behavior()
    tf.logging.set_verbosity(tf.logging.ERROR)
    main(Task.load(Path(sys.argv[1]))).save(Path(sys.argv[2]))
