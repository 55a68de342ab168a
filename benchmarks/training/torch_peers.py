"""PyTorch alone, and Cooper on it, on a GPU where there is one: steps per second.

python -m benchmarks.training.torch_peers BATCH [BATCH ...] [--examples 60000] [--seconds 1]

One line of JSON for each contender and minibatch size; Cooper is left out where it is not installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import time
from collections.abc import Callable

import torch

from benchmarks.training.examples import arrays


def plain(batch: int, examples: int) -> Callable[[], int]:
    """A function that takes ten unconstrained steps."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_default_device(device)
    images, labels, _ = (torch.tensor(column) for column in arrays(examples))
    model = torch.nn.Sequential(
        torch.nn.Flatten(),
        torch.nn.Linear(images[0].numel(), 64),
        torch.nn.ReLU(),
        torch.nn.Linear(64, 1),
    )
    adam = torch.optim.Adam(model.parameters(), lr=1e-3)

    def advance() -> int:
        for _ in range(10):
            rows = torch.randint(examples, (batch,))
            scores = model(images[rows].float() / 255.0)[:, 0]
            loss = torch.relu(1 - (2 * labels[rows] - 1) * scores).mean()
            adam.zero_grad()
            loss.backward()
            adam.step()
        if device == "cuda":
            torch.cuda.synchronize()
        return 10

    return advance


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training.torch_peers")
    parser.add_argument("batches", nargs="+", type=int)
    parser.add_argument("--examples", type=int, default=60_000)
    parser.add_argument("--seconds", type=float, default=1.0)
    options = parser.parse_args()
    kinds = {"PyTorch, unconstrained": plain}
    if importlib.util.find_spec("cooper"):
        from benchmarks.training.cooper_loop import stepping

        kinds["Cooper on PyTorch"] = stepping
    for batch in options.batches:
        for name, kind in kinds.items():
            advance, rates = kind(batch, options.examples), []
            for _ in range(6):
                steps, began = 0, time.perf_counter()
                while time.perf_counter() - began < options.seconds / 5:
                    steps += advance()
                rates.append(steps / (time.perf_counter() - began))
            # The first warms up.
            found = {"name": name, "batch": batch, "steps_per_second": statistics.median(rates[1:])}
            print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
