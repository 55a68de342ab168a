"""MinDiff of TensorFlow Model Remediation: a penalty on the distance of the scores of two groups.

Its MMD loss compares a group with all others: on the negatives for the FPR, on the positives for the
TPR, on everybody for the positive rate; one application for each rate and each group (of two groups
one is enough). It knows no limit: the weight of the loss is tuned on validation.
"""

from __future__ import annotations

import os
import time

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from tensorflow_model_remediation import min_diff

from benchmarks.peers.serving import serve_tasks
from benchmarks.peers.tasks import TRAIN, Answer, Task, rated

BATCH, RATE = 512, 1e-3
WEIGHTS = (0.5, 1.5, 5.0, 15.0)


def main(task: Task) -> Answer:
    if "ERR" in task.rule.rates:
        return Answer.refused(
            "it compares scores of groups on examples of one label or on all, and errors are neither"
        )
    tf.config.threading.set_intra_op_parallelism_threads(1)
    start = time.perf_counter()
    found = [decided(task, weight) for weight in WEIGHTS]
    names = [f"weight {weight:g}" for weight in WEIGHTS]
    return Answer(names, np.stack(found), time.perf_counter() - start)


def decided(task: Task, weight: float) -> np.ndarray:
    """(n,) decisions of a network that was trained with this weight of the loss."""
    tf.keras.backend.clear_session()
    tf.keras.utils.set_random_seed(task.seed)
    sets = applications(task)
    network = tf.keras.Sequential(
        [
            tf.keras.layers.Dense(64, "relu"),
            tf.keras.layers.Dense(32, "relu"),
            tf.keras.layers.Dense(1, "sigmoid"),
        ]
    )
    losses = {name: min_diff.losses.MMDLoss() for name in sets}
    model = min_diff.keras.MinDiffModel(network, losses, weight / len(sets))
    model.compile(tf.keras.optimizers.Adam(RATE), "binary_crossentropy")
    rows = np.flatnonzero(task.rows(TRAIN))
    one, other = ({name: batches(task, s[i]) for name, s in sets.items()} for i in (0, 1))
    data = min_diff.keras.utils.pack_min_diff_data(
        batches(task, rows), sensitive_group_dataset=one, nonsensitive_group_dataset=other
    )
    steps = max(1, len(rows) // BATCH)
    model.fit(data, steps_per_epoch=steps, epochs=task.passes, verbose=0)
    return (network(task.x).numpy()[:, 0] > 0.5).astype(float)


def applications(task: Task) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Name -> the training rows of a group, and those of all others, that a rate is taken over."""
    training = task.rows(TRAIN)
    found = {}
    for columns in task.rule.columns.values():
        for column in columns[: 1 if len(columns) == 2 else None]:
            for rate in task.rule.rates:
                over = training & rated(rate, task.y.astype(float), task.y)[0]
                inside = task.groups[:, column] > 0
                rows = np.flatnonzero(over & inside), np.flatnonzero(over & ~inside)
                found[f"{rate.lower()}_{column}"] = rows
    return found


def batches(task: Task, rows: np.ndarray) -> tf.data.Dataset:
    """Minibatches of these rows, without an end."""
    x = tf.data.Dataset.from_tensor_slices((task.x[rows], task.y[rows, None].astype("float32")))
    return x.shuffle(len(rows), seed=task.seed).repeat().batch(BATCH)


if __name__ == "__main__":
    serve_tasks(main)
