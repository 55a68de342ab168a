"""FairGate's library: exact denominators, a Lagrangian game, the best mixture of snapshots.

Cross-entropy for the error and the sigmoid for the rates that the model follows, zero-one rates for
the multipliers, Adam with a cosine schedule, a snapshot after each pass. All snapshots of all margins
are rated together, and the linear program picks the mixture of least error (on train and validation)
that keeps each constraint with some standard errors to spare, on validation alone and on both
together. How many is the user's wish, not a setting to tune: each number is an answer of its own.
docs/peers.md says how the other settings were found.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from benchmarks.peers.tasks import TEST, TRAIN, VALIDATION, Answer, Task
from fairgate import optimization as co

BATCH, RATE, DUAL_RATE = 512, 0.01, 0.1
MARGINS = (0.0, 0.02, 0.04)  # as the peers
SPARE = (0.0, 0.5, 1.0)  # standard errors


def constraints(task: Task, context: co.Context, slack: float) -> list[co.Constraint]:
    kind = {"tpr": co.true_positive_rate, "fpr": co.false_positive_rate}[task.rule.rate]
    overall = kind(context, penalty_loss=co.SoftmaxLoss())
    found = []
    for g in range(task.groups.shape[1]):
        group = context.subset(lambda b, g=g: b["groups"][:, g])
        rate = kind(group, penalty_loss=co.SoftmaxLoss())
        least = (1 - slack) * overall if task.rule.relative else overall - slack
        found.append(rate >= least)
        if task.rule.two_sided:
            found.append(rate <= overall + slack)
    return found


def snapshots(task: Task, margin: float | None) -> np.ndarray:
    """(passes, n) decisions 0 or 1; a margin of None is no constraints."""
    rows = task.rows(TRAIN)
    arrays = {"x": task.x[rows], "y": task.y[rows].astype("float32"), "groups": task.groups[rows]}
    data = {name: tf.constant(values) for name, values in arrays.items()}
    steps = len(arrays["y"]) // BATCH
    weights, bias = tf.Variable(tf.zeros([task.x.shape[1]])), tf.Variable(0.0)
    context = co.rate_context(
        lambda b: tf.linalg.matvec(b["x"], weights) + bias, labels=lambda b: b["y"]
    )
    problem = co.RateMinimizationProblem(
        co.error_rate(context, penalty_loss=co.SoftmaxCrossEntropyLoss()),
        [] if margin is None else constraints(task, context, task.rule.slack - margin),
    )
    problem.count([data])
    schedule = keras.optimizers.schedules.CosineDecay(RATE, steps * task.passes, alpha=0.05)
    optimizer = co.ConstrainedOptimizer(
        problem,
        co.Lagrangian(problem.num_constraints, optimizer=DUAL_RATE),
        keras.optimizers.Adam(schedule),
        [weights, bias],
    )

    @tf.function(jit_compile=True, autograph=False)
    def advance(order: tf.Tensor) -> None:
        def step(i: tf.Tensor) -> tuple[tf.Tensor]:
            batch = {name: tf.gather(values, order[i]) for name, values in data.items()}
            optimizer.minimize(batch)
            return (i + 1,)

        tf.while_loop(lambda i: i < steps, step, (tf.constant(0),))

    random = np.random.default_rng(task.seed)
    found = []
    for _ in range(task.passes):
        order = random.permutation(len(arrays["y"]))[: steps * BATCH].reshape(steps, BATCH)
        advance(tf.constant(order, tf.int32))
        found.append(task.x @ weights.numpy() + bias.numpy() > 0)
    return np.array(found, dtype="float32")


def mixture(task: Task, found: np.ndarray, spare: float) -> np.ndarray:
    """(c,) the proportions of (c, n) decisions."""
    both, held_out = ~task.rows(TEST), task.rows(VALIDATION)
    errors = np.abs(found[:, both] - task.y[both]).mean(axis=1)
    bounds = [upper(task, found, rows, spare) for rows in (both, held_out)]
    return co.find_best_candidate_distribution(errors, np.hstack(bounds))


def upper(task: Task, found: np.ndarray, rows: np.ndarray, spare: float) -> np.ndarray:
    """(c, m) constraint values plus `spare` standard errors of the group's rate."""
    y, groups = task.y[rows], task.groups[rows]
    values = np.stack([task.rule.violations(p, y, groups) for p in found[:, rows]])
    rated = rows & (task.y == (task.rule.rate == "tpr"))
    sizes = task.groups[rated].sum(axis=0)
    rates = found[:, rated] @ task.groups[rated] / sizes
    errors = np.sqrt(rates * (1 - rates) / sizes)
    return values + spare * np.tile(errors, values.shape[1] // errors.shape[1])


def main(task: Task) -> Answer:
    start = time.perf_counter()
    found = np.concatenate([snapshots(task, margin) for margin in MARGINS])
    p = np.stack([mixture(task, found, spare) @ found for spare in SPARE])
    names = [f"{spare:g} s.e. to spare" for spare in SPARE]
    return Answer(names, p, time.perf_counter() - start)


def unconstrained(task: Task) -> Answer:
    start = time.perf_counter()
    return Answer(["last"], snapshots(task, None)[-1:], time.perf_counter() - start)


if __name__ == "__main__":
    tf.config.threading.set_intra_op_parallelism_threads(1)
    main(Task.load(Path(sys.argv[1]))).save(Path(sys.argv[2]))
