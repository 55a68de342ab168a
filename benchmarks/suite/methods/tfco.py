"""The original: its proxy-Lagrangian game on the network that the others train, as in its notebooks.

A graph and a session, Adam for both players, hinge and zero-one losses, everything else at its
defaults. The limit that it trains for is tuned on validation, and so are the best snapshot and the
best mixture, by its own `find_best_candidate_*`.
"""

from __future__ import annotations

import os
import time
from itertools import permutations

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow.compat.v1 as tf
import tensorflow_constrained_optimization as tfco

from benchmarks.peers.serving import serve_tasks
from benchmarks.peers.tasks import TRAIN, VALIDATION, Answer, Task

BATCH, RATE, DUAL_RATE, SNAPSHOTS = 256, 1e-3, 1e-2, 10
SHARES = (1.0, 0.75, 0.5, 0.25)


def constraints(task: Task, context, y, groups, limit: float) -> list:
    """Each rate and each ordered pair of groups of a feature."""
    rates = {
        "FPR": tfco.false_positive_rate,
        "TPR": tfco.true_positive_rate,
        "PPR": tfco.positive_prediction_rate,
        "ERR": tfco.error_rate,
    }
    found = []
    for columns in task.rule.columns.values():
        own = {c: context.subset(groups[:, c : c + 1] > 0) for c in columns}
        for rate in task.rule.rates:
            each = {c: rates[rate](own[c]) for c in columns}
            found += [each[a] <= each[b] + limit for a, b in permutations(columns, 2)]
    return found


def snapshots(task: Task, limit: float) -> np.ndarray:
    """(SNAPSHOTS, n) decisions 0 or 1."""
    rows = np.flatnonzero(task.rows(TRAIN))
    threads = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    with tf.Graph().as_default(), tf.Session(config=threads) as session:
        tf.set_random_seed(task.seed)
        x = tf.placeholder(tf.float32, [None, task.x.shape[1]])
        y = tf.placeholder(tf.float32, [None, 1])
        groups = tf.placeholder(tf.float32, [None, task.groups.shape[1]])
        hidden = x
        for units in (64, 32):
            hidden = tf.layers.dense(hidden, units, tf.nn.relu)
        scores = tf.layers.dense(hidden, 1)
        context = tfco.rate_context(scores, y)
        problem = tfco.RateMinimizationProblem(
            tfco.error_rate(context), constraints(task, context, y, groups, limit)
        )
        step = tfco.ProxyLagrangianOptimizerV1(
            tf.train.AdamOptimizer(RATE), constraint_optimizer=tf.train.AdamOptimizer(DUAL_RATE)
        ).minimize(problem)
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        random = np.random.default_rng(task.seed)
        kept = np.linspace(task.passes, 0, SNAPSHOTS, endpoint=False).round()
        found = []
        for done in range(1, task.passes + 1):
            order = random.permutation(rows)
            for start in range(0, len(order), BATCH):
                batch = order[start : start + BATCH]
                given = {x: task.x[batch], y: task.y[batch, None], groups: task.groups[batch]}
                session.run(step, given)
            if done in kept:
                found.append(session.run(scores, {x: task.x})[:, 0] > 0)
        return np.array(found, dtype="float32")


def main(task: Task) -> Answer:
    tf.disable_v2_behavior()
    tf.logging.set_verbosity(tf.logging.ERROR)
    start = time.perf_counter()
    names, probabilities = [], []
    held_out = task.rows(VALIDATION)
    y, groups = task.y[held_out], task.groups[held_out]
    for share in SHARES:
        limit = share * task.rule.limit
        found = snapshots(task, limit)
        errors = np.abs(found[:, held_out] - y).mean(axis=1)
        violations = np.stack([task.rule.violations(p[held_out], y, groups) for p in found])
        best = tfco.find_best_candidate_index(errors, violations)
        mixture = tfco.find_best_candidate_distribution(errors, violations)
        names += [f"limit {limit:g}, {kind}" for kind in ("last", "best", "mixture")]
        probabilities += [found[-1], found[best], np.clip(mixture @ found, 0, 1)]
    return Answer(names, np.stack(probabilities), time.perf_counter() - start)


if __name__ == "__main__":
    serve_tasks(main)
