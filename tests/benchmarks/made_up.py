"""People who are made up: a data set and a task of the suite."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.tasks import Task
from benchmarks.suite import tasks
from benchmarks.suite.sources import Source


def people(n: int, seed: int = 0) -> Source:
    """The first number tells the label; men are said Yes to more often without a cause."""
    random = np.random.default_rng(seed)
    male = random.random(n) < 0.5
    x = random.normal(size=(n, 3)) * [5, 1, 1] + [100, 0, 0]
    y = ((x[:, 0] - 100) / 5 + 0.8 * male + random.normal(size=n) * 0.7 > 0.4).astype(int)
    x[:, 1] += 2 * male
    ages = np.array(["a", "b", "c"])[random.integers(3, size=n)]
    return Source(
        x, np.eye(2)[random.integers(2, size=n)], y, {"Sex": np.where(male, "m", "f"), "Age": ages}
    )


def a_task(n: int = 600, rates=("FPR", "TPR"), limit: float = 0.1) -> Task:
    """A split of so many of them, 50%, 20% and 30%; the same each time."""
    return tasks.drawn(tasks.Asked("adult", rates, ("Sex", "Age"), limit), people(n), seed=3)
