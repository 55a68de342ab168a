"""Contender: Cooper on PyTorch; the same network, proxy and true false positive rate of one group.

On a GPU where PyTorch finds one, with the examples on it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import cooper
import torch

from benchmarks.training.examples import arrays
from benchmarks.training.protocol import serve


class Problem(cooper.ConstrainedMinimizationProblem):
    def __init__(self) -> None:
        super().__init__()
        self.constraint = cooper.Constraint(
            constraint_type=cooper.ConstraintType.INEQUALITY,
            multiplier=cooper.multipliers.DenseMultiplier(num_constraints=1),
        )

    def compute_cmp_state(self, model, x, y, member) -> cooper.CMPState:
        scores = model(x)[:, 0]
        loss = torch.relu(1 - (2 * y - 1) * scores).mean()
        chosen = (1 - y) * member
        total = chosen.sum().clamp(min=1)
        state = cooper.ConstraintState(
            violation=(torch.relu(1 + scores) * chosen).sum()[None] / total - 0.05,
            strict_violation=((scores > 0) * chosen).sum()[None].detach() / total - 0.05,
        )
        return cooper.CMPState(loss=loss, observed_constraints={self.constraint: state})


def stepping(batch: int, examples: int) -> Callable[[], int]:
    """A function that takes ten steps."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_default_device(device)
    images, labels, group = (torch.tensor(column) for column in arrays(examples))
    members = (group > 3).float()
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Flatten(),
        torch.nn.Linear(images[0].numel(), 64),
        torch.nn.ReLU(),
        torch.nn.Linear(64, 1),
    )
    problem = Problem()
    optimizer = cooper.optim.SimultaneousOptimizer(
        cmp=problem,
        primal_optimizers=torch.optim.Adam(model.parameters(), lr=1e-3),
        dual_optimizers=torch.optim.SGD(problem.dual_parameters(), lr=1e-2, maximize=True),
    )

    def advance() -> int:
        for _ in range(10):
            rows = torch.randint(examples, (batch,))
            x = images[rows].float() / 255.0
            given = {"model": model, "x": x, "y": labels[rows], "member": members[rows]}
            optimizer.roll(compute_cmp_state_kwargs=given)
        if device == "cuda":
            torch.cuda.synchronize()
        return 10

    return advance


def main(batch: int, examples: int) -> None:
    advance = stepping(batch, examples)

    def seconds(threads: int) -> float:
        torch.set_num_threads(threads)
        advance()
        began = time.perf_counter()
        advance()
        return time.perf_counter() - began

    # Its threads wait for each other at every operation: whichever is faster here.
    if not torch.cuda.is_available():
        torch.set_num_threads(min((1, torch.get_num_threads()), key=seconds))
    serve(advance)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
