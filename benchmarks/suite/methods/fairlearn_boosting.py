"""ExponentiatedGradient around gradient boosting, with fewer rounds than its default to save time."""

from __future__ import annotations

from sklearn.ensemble import HistGradientBoostingClassifier

from benchmarks.peers.serving import serve_tasks
from benchmarks.peers.tasks import Answer, Task
from benchmarks.suite.methods.fairlearn_reduction import reduce

ITERATIONS, TREES = 10, 30


def main(task: Task) -> Answer:
    estimator = HistGradientBoostingClassifier(
        max_iter=TREES, max_leaf_nodes=12, early_stopping=False, random_state=task.seed
    )
    return reduce(task, estimator, ITERATIONS)


if __name__ == "__main__":
    serve_tasks(main)
