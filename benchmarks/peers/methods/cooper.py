"""Cooper: its Lagrangian with a proxy (`violation`) and the true rate (`strict_violation`).

Cross-entropy and Adam for a linear model, plain ascent for the multipliers, both players on each
minibatch, as in its guide; the surrogate rate is the sigmoid. A rate of a minibatch is taken over
the exact denominator of all training rows, so that it is unbiased for rare groups too. The dual rate
and the margin are tuned on validation; so is the snapshot, every second pass of
the second half.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import cooper
import numpy as np
import torch

from benchmarks.peers.tasks import TRAIN, Answer, Rule, Task

BATCH = 512
DUAL_RATES = (0.01, 0.1)
MARGINS = (0.0, 0.02, 0.04)


class Fair(cooper.ConstrainedMinimizationProblem):
    def __init__(self, rule: Rule, slack: float, denominators: torch.Tensor, groups: int) -> None:
        super().__init__()
        self.rule, self.slack, self.denominators = rule, slack, denominators
        count = groups * (2 if rule.two_sided else 1)
        self.constraint = cooper.Constraint(
            constraint_type=cooper.ConstraintType.INEQUALITY,
            multiplier=cooper.multipliers.DenseMultiplier(num_constraints=count),
        )

    def compute_cmp_state(self, model, x, y, groups) -> cooper.CMPState:
        logits = model(x)[:, 0]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, y)
        state = cooper.ConstraintState(
            violation=self._violations(torch.sigmoid(logits), y, groups),
            strict_violation=self._violations((logits > 0).float(), y, groups).detach(),
        )
        return cooper.CMPState(loss=loss, observed_constraints={self.constraint: state})

    def _violations(self, p, y, groups) -> torch.Tensor:
        chosen = y if self.rule.rate == "tpr" else 1 - y
        everyone = torch.cat([torch.ones_like(p)[:, None], groups], dim=1)
        rates = (p * chosen) @ everyone / len(p) / self.denominators
        overall, each = rates[0], rates[1:]
        low = (overall * (1 - self.slack) if self.rule.relative else overall - self.slack) - each
        return torch.cat([each - overall - self.slack, low]) if self.rule.two_sided else low


def main(task: Task) -> Answer:
    torch.set_num_threads(1)
    rows = task.rows(TRAIN)
    x, y, groups = (
        torch.tensor(values[rows], dtype=torch.float32) for values in (task.x, task.y, task.groups)
    )
    chosen = y if task.rule.rate == "tpr" else 1 - y
    everyone = torch.cat([torch.ones(len(y), 1), groups], dim=1)
    denominators = (chosen[:, None] * everyone).mean(dim=0)
    start = time.perf_counter()
    names, decisions = [], []
    for dual_rate in DUAL_RATES:
        for margin in MARGINS:
            torch.manual_seed(task.seed)
            model = torch.nn.Linear(x.shape[1], 1)
            problem = Fair(task.rule, task.rule.slack - margin, denominators, groups.shape[1])
            optimizer = cooper.optim.SimultaneousOptimizer(
                cmp=problem,
                primal_optimizers=torch.optim.Adam(model.parameters(), lr=0.01),
                dual_optimizers=torch.optim.SGD(
                    problem.dual_parameters(), lr=dual_rate, maximize=True
                ),
            )
            for done in range(1, task.passes + 1):
                for batch in torch.randperm(len(y)).split(BATCH):
                    given = dict(model=model, x=x[batch], y=y[batch], groups=groups[batch])
                    optimizer.roll(compute_cmp_state_kwargs=given)
                if done % 2 == 0 and done > task.passes // 2:
                    with torch.no_grad():
                        decided = model(torch.tensor(task.x))[:, 0].numpy() > 0
                    names.append(f"dual rate {dual_rate:g}, margin {margin:g}, pass {done}")
                    decisions.append(decided)
    return Answer(names, np.stack(decisions), time.perf_counter() - start)


if __name__ == "__main__":
    main(Task.load(Path(sys.argv[1]))).save(Path(sys.argv[2]))
