"""A small classification problem with a rare group, and ways to constrain it."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from fairgate.optimization import problems as co


def examples(rows: int = 512, seed: int = 0) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """(rows, 3) features; labels and a group in which negatives look like positives."""
    random = np.random.default_rng(seed)
    group = (random.random(rows) < 0.3).astype(np.float32)
    labels = (random.random(rows) < 0.5).astype(np.float32)
    signal = 2 * labels - 1 + random.normal(size=rows) + 0.8 * group
    features = np.stack([signal, random.normal(size=rows), group], axis=1).astype(np.float32)
    return features, {"label": labels, "group": group}


def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input([3]), keras.layers.Dense(1)])


def fit_problem(limit: float = 0.1) -> co.RateMinimizationProblem:
    """Error rate, with FPR over the group at most `limit`, for `fit`."""
    context = co.rate_context(lambda b: b.y_pred, lambda b: b.y["label"])
    group = context.subset(lambda b: b.y["group"])
    constraint = (co.false_positive_rate(group) <= limit).named("fpr")
    return co.RateMinimizationProblem(co.error_rate(context), [constraint])


def loop_problem(network: Any, limit: float = 0.1) -> co.RateMinimizationProblem:
    """The same for batches (features, targets) of a loop."""
    context = co.rate_context(lambda b: network(b[0]), lambda b: b[1]["label"])
    group = context.subset(lambda b: b[1]["group"])
    constraint = (co.false_positive_rate(group) <= limit).named("fpr")
    return co.RateMinimizationProblem(co.error_rate(context), [constraint])


def group_fpr(network: keras.Model, x: np.ndarray, y: dict[str, np.ndarray]) -> float:
    scores = np.asarray(network(x))[:, 0]
    chosen = (y["label"] == 0) & (y["group"] == 1)
    return float((scores[chosen] > 0).mean())


def error(network: keras.Model, x: np.ndarray, y: dict[str, np.ndarray]) -> float:
    scores = np.asarray(network(x))[:, 0]
    return float(((scores > 0) != (y["label"] > 0)).mean())
