"""What is post-processed: the scores of the best of three plain classifiers on validation."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from benchmarks.peers.tasks import TRAIN, VALIDATION, Task

# Tolerances that are tried, as shares of the limit.
SHARES = (1.0, 0.7, 0.4, 0.1)
# Rates whose gaps are limited -> what both error-parity and fairlearn call that.
PARITIES = {
    ("FPR",): "false_positive_rate_parity",
    ("TPR",): "true_positive_rate_parity",
    ("PPR",): "demographic_parity",
    ("TPR", "FPR"): "equalized_odds",
}


def scores(task: Task) -> np.ndarray:
    """(n,) float64 probability of label 1, of all rows; learnt on the training rows.

    Logistic regression, gradient boosting, and a network of the size that the others train.
    """
    rows, held_out = task.rows(TRAIN), task.rows(VALIDATION)
    models = [
        LogisticRegression(max_iter=500),
        HistGradientBoostingClassifier(max_iter=60, random_state=task.seed),
        MLPClassifier((64, 32), alpha=0.1, early_stopping=True, random_state=task.seed),
    ]
    found = [model.fit(task.x[rows], task.y[rows]).predict_proba(task.x)[:, 1] for model in models]
    errors = [((p > 0.5) != task.y)[held_out].mean() for p in found]
    return found[int(np.argmin(errors))].astype("float64")
