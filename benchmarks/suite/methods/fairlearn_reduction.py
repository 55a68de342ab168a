"""fairlearn's ExponentiatedGradient: a mixture of classifiers.

Its moments bound the distance of each group's rate from everyone's, and want groups that do not
overlap: of two features it gets their combinations. The bound is tuned on validation.
"""

from __future__ import annotations

import time
import warnings

import numpy as np
from fairlearn.reductions import (
    DemographicParity,
    EqualizedOdds,
    ErrorRateParity,
    ExponentiatedGradient,
    FalsePositiveRateParity,
    TruePositiveRateParity,
)
from sklearn.base import BaseEstimator

from benchmarks.peers.tasks import TRAIN, Answer, Task

# Of the limit of the gap between two groups; each may be that far from everyone.
SHARES = (1.0, 0.6, 0.3, 0.1)
MOMENTS = {
    ("FPR",): FalsePositiveRateParity,
    ("TPR",): TruePositiveRateParity,
    ("TPR", "FPR"): EqualizedOdds,
    ("PPR",): DemographicParity,
    ("ERR",): ErrorRateParity,
}


def reduce(task: Task, estimator: BaseEstimator, iterations: int) -> Answer:
    """An answer by classifiers like `estimator`, of which so many are fitted for each bound."""
    warnings.simplefilter("ignore")
    rows = task.rows(TRAIN)
    x, groups = task.x.astype("float64"), task.rule.codes(task.groups)
    start = time.perf_counter()
    names, found = [], []
    for share in SHARES:
        bound = share * task.rule.limit
        moment = MOMENTS[task.rule.rates](difference_bound=bound)
        model = ExponentiatedGradient(estimator, moment, max_iter=iterations)
        model.fit(x[rows], task.y[rows], sensitive_features=groups[rows])
        names.append(f"bound {bound:g}")
        found.append(model._pmf_predict(x)[:, 1])
    return Answer(names, np.clip(np.stack(found), 0, 1), time.perf_counter() - start)
