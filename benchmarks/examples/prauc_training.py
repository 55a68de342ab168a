"""PRAUC_training: a model that maximises the area under its precision-recall curve

`pr_auc` with 10 bins brings 20 constraints and as many slack variables; a linear model follows them. The
yardstick is the same model fitted to the labels by cross-entropy.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from benchmarks.examples import common, communities
from fairgate import optimization as co

OBJECTIVE = "1 - average precision"
VIOLATION = "none, the constraints are inside the area"
STORED = {"best": common.Row(None, None, 1 - 0.7938)}
NOTE = "Simulated here: not comparable. The original keeps the last model, of the real communities."


def average_precision(scores: np.ndarray, labels: np.ndarray) -> float:
    """The mean of the precision at each positive: sum_k (recall_k - recall_k-1) precision_k."""
    hits = labels[np.argsort(-scores, kind="stable")] > 0
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(precision[hits].mean())


def measure(scores, data):
    return 1 - average_precision(scores, data["y"]), []


def run(seed: int, folder: Path | None, small: bool) -> common.Rows:
    data = communities.simulated(seed, rows=1329 + 10000, positives=0.3)
    splits = communities.split(data, train=1329)
    sample = common.minibatches(splits["train"], 128)
    plan = common.Plan(rounds=20, steps=10 if small else 100, batch=128, rate=0.01)
    loss = {"penalty_loss": co.SoftmaxCrossEntropyLoss()}
    rows = {}
    for area in (False, True):
        keras.utils.set_random_seed(seed)
        model = common.network(communities.FEATURES)
        context = co.rate_context(lambda b, model=model: model(b["x"]), labels=lambda b: b["y"])
        objective = -co.pr_auc(context, 10, **loss) if area else co.error_rate(context, **loss)
        problem = co.RateMinimizationProblem(objective)
        snapshots = common.train(model, problem, sample, plan, seed, co.Lagrangian)
        found = common.measured(model, snapshots, splits, measure)
        rows |= found.chosen() if area else {"cross-entropy": found.one(-1)}
    return {
        name: row._replace(train_violation=None, test_violation=None) for name, row in rows.items()
    }
