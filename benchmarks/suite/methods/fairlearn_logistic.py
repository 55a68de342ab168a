"""ExponentiatedGradient around logistic regression."""

from __future__ import annotations

from sklearn.linear_model import LogisticRegression

from benchmarks.peers.serving import serve_tasks
from benchmarks.peers.tasks import Answer, Task
from benchmarks.suite.methods.fairlearn_reduction import reduce

ITERATIONS = 50  # its default


def main(task: Task) -> Answer:
    return reduce(task, LogisticRegression(solver="liblinear"), ITERATIONS)


if __name__ == "__main__":
    serve_tasks(main)
