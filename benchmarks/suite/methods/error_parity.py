"""error-parity: its linear program over the ROC curves of the groups, on validation.

Of two features it gets the combinations of their groups. The tolerance is tuned on validation.
"""

from __future__ import annotations

import time

import numpy as np
from error_parity import RelaxedThresholdOptimizer

from benchmarks.peers.serving import serve_tasks
from benchmarks.peers.tasks import VALIDATION, Answer, Task
from benchmarks.suite.methods.base_scores import PARITIES, SHARES, scores


def main(task: Task) -> Answer:
    constraint = PARITIES.get(task.rule.rates)
    if constraint is None:
        return Answer.refused("it has no constraint on the error rate")
    start = time.perf_counter()
    groups = task.rule.codes(task.groups)
    p = scores(task)
    rows = task.rows(VALIDATION)
    names, found = [], []
    for share in SHARES:
        tolerance = share * task.rule.limit
        model = RelaxedThresholdOptimizer(
            predictor=lambda x: x, constraint=constraint, tolerance=tolerance, seed=task.seed
        )
        model.fit(p[rows], task.y[rows], group=groups[rows])
        names.append(f"tolerance {tolerance:g}")
        found.append(np.asarray(model.predict(p, group=groups), float))
    return Answer(names, np.stack(found), time.perf_counter() - start)


if __name__ == "__main__":
    serve_tasks(main)
