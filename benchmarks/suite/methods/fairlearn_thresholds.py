"""fairlearn's ThresholdOptimizer: a mixture of two thresholds for each group, found on validation.

Of two features it gets the combinations of their groups. The tolerance is tuned on validation; for
equalized odds it has none and makes the rates equal.
"""

from __future__ import annotations

import time

import numpy as np
from fairlearn.postprocessing import ThresholdOptimizer
from sklearn.base import BaseEstimator, ClassifierMixin

from benchmarks.peers.serving import serve_tasks
from benchmarks.peers.tasks import VALIDATION, Answer, Task
from benchmarks.suite.methods.base_scores import PARITIES, SHARES, scores


class Scored(ClassifierMixin, BaseEstimator):
    """What is to be decided upon is the score itself."""

    def fit(self, x, y):
        self.classes_ = np.array([0, 1])
        return self

    def predict(self, x):
        return x[:, 0]


def main(task: Task) -> Answer:
    constraint = PARITIES.get(task.rule.rates)
    if constraint is None:
        return Answer.refused("it has no constraint on the error rate")
    start = time.perf_counter()
    groups = task.rule.codes(task.groups)
    x, rows = scores(task)[:, None], task.rows(VALIDATION)
    tolerances = [share * task.rule.limit for share in SHARES]
    if constraint == "equalized_odds":
        tolerances = [None]
    names, found = [], []
    for tolerance in tolerances:
        model = ThresholdOptimizer(
            estimator=Scored().fit(None, None),
            constraints=constraint,
            objective="accuracy_score",
            prefit=True,
            predict_method="predict",
            tol=tolerance,
        )
        model.fit(x[rows], task.y[rows], sensitive_features=groups[rows])
        names.append(f"tolerance {tolerance or 0:g}")
        found.append(model._pmf_predict(x, sensitive_features=groups)[:, 1])
    return Answer(names, np.stack(found), time.perf_counter() - start)


if __name__ == "__main__":
    serve_tasks(main)
