"""OxonFair: thresholds of each group, found by its grid on validation.

Its constraint is the largest difference between groups, as ours is. Of two features it gets the
combinations of their groups, which may differ no more either. The tolerance is tuned on validation.
"""

from __future__ import annotations

import time
from functools import reduce

import numpy as np
import oxonfair
from oxonfair.utils.group_metric_classes import MaxGroupMetrics

from benchmarks.peers.serving import serve_tasks
from benchmarks.peers.tasks import VALIDATION, Answer, Task
from benchmarks.suite.methods.base_scores import scores

SHARES = (1.0, 0.7, 0.4, 0.1)
METRICS = oxonfair.group_metrics
RATES = {
    "FPR": METRICS.false_pos_rate,
    "TPR": METRICS.true_pos_rate,
    "PPR": METRICS.pos_pred_rate,
    "ERR": METRICS.accuracy,
}
# Its fast search has 30^5 points at the most, each with 4 numbers a group: for 6 groups 4 GB. Its slow
# one took over two minutes with 4 divisions of each group's range.
MOST_GROUPS = 4


def main(task: Task) -> Answer:
    groups = task.rule.codes(task.groups)
    count = int(groups.max()) + 1
    if count > MOST_GROUPS:
        return Answer.refused(f"its search takes gigabytes or minutes for {count} groups")
    start = time.perf_counter()
    p = scores(task)
    pairs = np.column_stack([1 - p, p])
    rows = task.rows(VALIDATION)
    known = {"data": pairs[rows], "target": task.y[rows], "groups": groups[rows]}
    asked = {"data": pairs, "target": task.y, "groups": groups}
    gaps = [RATES[rate].max_diff for rate in task.rule.rates]
    metric = reduce(lambda a, b: MaxGroupMetrics(a, b, "the largest difference"), gaps)
    model = oxonfair.FairPredictor(None, known)
    found = []
    for share in SHARES:
        model.fit(
            METRICS.accuracy,
            metric,
            share * task.rule.limit,
            recompute=not found,
        )
        found.append(np.asarray(model.predict(asked), float))
    names = [f"tolerance {share * task.rule.limit:g}" for share in SHARES]
    return Answer(names, np.stack(found), time.perf_counter() - start)


if __name__ == "__main__":
    serve_tasks(main)
