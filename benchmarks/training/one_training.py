"""One whole training, as a process: its time, its peak memory and its weights.

python -m benchmarks.training.one_training 10000 [--batch 32] [--devices auto] [--weights FILE]
"""

from __future__ import annotations

import argparse
import json
import resource
import time

import numpy as np

from components.constrained_trainer import devices

_STEPS = 1000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("examples", type=int)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--devices", default="auto")
    parser.add_argument("--weights")
    options = parser.parse_args()
    devices.strategy(options.devices)  # first: workers are joined before TensorFlow is used
    from benchmarks.training.ours import settings, split
    from components.constrained_trainer.training import train

    training, validation = split(options.examples), split(options.examples // 4)
    speeds = []
    config = settings(
        2,
        steps=_STEPS,
        snapshots=4,
        batch_size=options.batch,
        devices=options.devices,
        learning_rate=1e-4,
    )
    began = time.perf_counter()
    result = train(training, validation, config, lambda m: speeds.append(m.steps_per_second))
    seconds = time.perf_counter() - began
    if options.weights and devices.is_chief():
        last = result.snapshots[-1]
        np.savez(options.weights, *last.weights, last.multipliers)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    # The first calls compile.
    speed = float(np.median(speeds[2:] or speeds))
    print(json.dumps({"seconds": seconds, "gigabytes": peak, "steps_per_second": speed}))


if __name__ == "__main__":
    main()
