"""Cooper: its Lagrangian with proxies, the multipliers moved by nuPI (Sohrabi et al., ICML 2024).

Cross-entropy and Adam; the model follows the sigmoid's rates, the multipliers the true ones. The dual
rate and the limit that is trained for are tuned on validation, and so is the snapshot.
"""

from __future__ import annotations

import time

import cooper
import numpy as np
import torch
from cooper.optim.torch_optimizers import nuPI

from benchmarks.peers.serving import serve_tasks
from benchmarks.peers.tasks import Answer, Task
from benchmarks.suite.methods.torch_network import RATE, Rows, network, snapshots

# (dual rate, share of the limit); the gains are those of the paper's figures.
SETTINGS = ((0.01, 1.0), (0.01, 0.5), (0.1, 1.0), (0.1, 0.5))
PROPORTIONAL, INTEGRAL, SMOOTHING = 10.0, 1.0, 0.9


class Fair(cooper.ConstrainedMinimizationProblem):
    def __init__(self, rows: Rows, limit: float) -> None:
        super().__init__()
        self.rows, self.limit = rows, limit
        self.constraint = cooper.Constraint(
            constraint_type=cooper.ConstraintType.INEQUALITY,
            multiplier=cooper.multipliers.DenseMultiplier(num_constraints=rows.count),
        )

    def compute_cmp_state(self, model, batch) -> cooper.CMPState:
        logits = model(self.rows.x[batch])[:, 0]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, self.rows.y[batch])
        decided = (logits > 0).float()
        state = cooper.ConstraintState(
            violation=self.rows.violations(torch.sigmoid(logits), batch, self.limit),
            strict_violation=self.rows.violations(decided, batch, self.limit).detach(),
        )
        return cooper.CMPState(loss=loss, observed_constraints={self.constraint: state})


def main(task: Task) -> Answer:
    rows = Rows(task)
    start = time.perf_counter()
    names, found = [], []
    for dual_rate, share in SETTINGS:
        model = network(task)
        problem = Fair(rows, share * task.rule.limit)
        optimizer = cooper.optim.SimultaneousOptimizer(
            cmp=problem,
            primal_optimizers=torch.optim.Adam(model.parameters(), lr=RATE),
            dual_optimizers=nuPI(
                problem.dual_parameters(),
                lr=dual_rate,
                Kp=torch.tensor(PROPORTIONAL),
                Ki=torch.tensor(INTEGRAL),
                ema_nu=SMOOTHING,
                maximize=True,
            ),
        )

        def step(model: torch.nn.Module, batch: torch.Tensor, optimizer=optimizer) -> None:
            optimizer.roll(compute_cmp_state_kwargs={"model": model, "batch": batch})

        decisions = snapshots(task, rows, step, model)
        setting = f"dual rate {dual_rate:g}, limit {share * task.rule.limit:g}"
        names += [f"{setting}, snapshot {number}" for number in range(1, len(decisions) + 1)]
        found += decisions
    return Answer(names, np.stack(found), time.perf_counter() - start)


if __name__ == "__main__":
    serve_tasks(main)
