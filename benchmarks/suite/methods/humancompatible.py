"""humancompatible-train: its augmented Lagrangian (ALM) with Adam, as its guide shows.

Cross-entropy; model and multipliers follow the sigmoid's rates, on the same minibatch. The dual rate
and the limit that is trained for are tuned on validation, and so is the snapshot.
"""

from __future__ import annotations

import time

import numpy as np
import torch
from humancompatible.train.dual_optim import ALM

from benchmarks.peers.serving import serve_tasks
from benchmarks.peers.tasks import Answer, Task
from benchmarks.suite.methods.torch_network import RATE, Rows, network, snapshots

# (dual rate, share of the limit).
SETTINGS = ((0.01, 1.0), (0.01, 0.5), (0.1, 1.0), (0.1, 0.5))
PENALTY = 1.0


def main(task: Task) -> Answer:
    rows = Rows(task)
    start = time.perf_counter()
    names, found = [], []
    for dual_rate, share in SETTINGS:
        model = network(task)
        limit = share * task.rule.limit
        primal = torch.optim.Adam(model.parameters(), lr=RATE)
        dual = ALM(m=rows.count, lr=dual_rate, penalty=PENALTY, is_ineq=True)

        def step(
            model: torch.nn.Module, batch: torch.Tensor, primal=primal, dual=dual, limit=limit
        ):
            logits = model(rows.x[batch])[:, 0]
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, rows.y[batch])
            constraints = rows.violations(torch.sigmoid(logits), batch, limit)
            dual.forward_update(loss, constraints).backward()
            primal.step()
            primal.zero_grad()

        decisions = snapshots(task, rows, step, model)
        setting = f"dual rate {dual_rate:g}, limit {limit:g}"
        names += [f"{setting}, snapshot {number}" for number in range(1, len(decisions) + 1)]
        found += decisions
    return Answer(names, np.stack(found), time.perf_counter() - start)


if __name__ == "__main__":
    serve_tasks(main)
