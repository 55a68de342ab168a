"""The network that libraries on PyTorch train, and the rates of a minibatch as they need them.

A rate of a minibatch is taken over the exact denominator of all training rows, so that it is unbiased
for rare groups too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import permutations

import numpy as np
import torch

from benchmarks.peers.tasks import TRAIN, Task, rated

BATCH, RATE = 256, 1e-3
# Of each setting so many snapshots are rated, at equal distances in the second half.
SNAPSHOTS = 5


def network(task: Task) -> torch.nn.Module:
    """Two hidden layers of 64 and 32 ReLU units, one logit; drawn from the task's seed."""
    torch.set_num_threads(1)
    torch.manual_seed(task.seed)
    return torch.nn.Sequential(
        torch.nn.Linear(task.x.shape[1], 64),
        torch.nn.ReLU(),
        torch.nn.Linear(64, 32),
        torch.nn.ReLU(),
        torch.nn.Linear(32, 1),
    )


class Rows:
    """The training rows of a task.

    Attributes:
        x, y, groups: float32 tensors (n, d), (n,), (n, g).
        count: m, the number of constraints: each rate and each ordered pair of groups of a feature.
    """

    def __init__(self, task: Task):
        self.rule = task.rule
        rows = task.rows(TRAIN)
        self.x, self.y, self.groups = (
            torch.tensor(values[rows], dtype=torch.float32)
            for values in (task.x, task.y, task.groups)
        )
        y = task.y[rows]
        sets = [rated(rate, y.astype(float), y)[0] for rate in task.rule.rates]
        self._shares = [
            torch.tensor((each @ task.groups[rows]) / len(y), dtype=torch.float32) for each in sets
        ]
        pairs = [pair for own in task.rule.columns.values() for pair in permutations(own, 2)]
        self._one, self._other = (list(each) for each in zip(*pairs, strict=True))
        self.count = len(pairs) * len(task.rule.rates)

    def batches(self, passes: int) -> Iterator[tuple[int, torch.Tensor]]:
        """(pass, rows), pass by pass."""
        for done in range(1, passes + 1):
            for batch in torch.randperm(len(self.y)).split(BATCH):
                yield done, batch

    def violations(self, p: torch.Tensor, batch: torch.Tensor, limit: float) -> torch.Tensor:
        """(m,) rate_g - rate_h - limit, of (b,) probabilities of deciding 1."""
        y, groups = self.y[batch], self.groups[batch]
        found = []
        for rate, shares in zip(self.rule.rates, self._shares, strict=True):
            kept = {"FPR": 1 - y, "TPR": y}.get(rate, torch.ones_like(y))
            costs = torch.where(y > 0, 1 - p, p) if rate == "ERR" else p
            each = (kept * costs) @ groups / len(batch) / shares
            found.append(each[self._one] - each[self._other] - limit)
        return torch.cat(found)


def snapshots(
    task: Task, rows: Rows, step: Callable[[torch.nn.Module, torch.Tensor], None], model
) -> list[np.ndarray]:
    """SNAPSHOTS times (n,) decisions, of a model that `step` trains by minibatches."""
    x = torch.tensor(task.x)
    kept = np.linspace(task.passes, task.passes // 2, SNAPSHOTS, endpoint=False).round()
    found = []
    before = 1
    for done, batch in rows.batches(task.passes):
        if done > before and before in kept:
            found.append(_decided(model, x))
        before = done
        step(model, batch)
    return [*found, _decided(model, x)]


def _decided(model: torch.nn.Module, x: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        return (model(x)[:, 0] > 0).numpy().astype(float)
