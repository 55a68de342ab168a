"""One whole training, as a process: its time, its peak memory and its weights.

python -m benchmarks.training.one_training 10000 [--batch 32] [--devices auto] [--weights FILE]
    [--jit auto] [--compiled FOLDER]

`total` is from the start of the process, Python's own apart, until the weights are written.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import time

import numpy as np

from components import compiled

_STEPS = 1000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("examples", type=int)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--devices", default="auto")
    parser.add_argument("--weights")
    parser.add_argument("--jit", default="auto")
    parser.add_argument("--compiled", help="a folder for what XLA compiled; none without it")
    options = parser.parse_args()
    started = time.perf_counter()
    kept = compiled.kept_in(options.compiled) if options.compiled else contextlib.nullcontext()
    with kept:
        found = trained(options)
    print(json.dumps({"total": time.perf_counter() - started, **found}))


def trained(options: argparse.Namespace) -> dict[str, float]:
    """Seconds of the training, gigabytes, and steps per second."""
    from components.constrained_trainer.running import devices

    devices.strategy(options.devices)  # first: workers are joined before TensorFlow is used
    from benchmarks.training.ours import settings, split
    from components.constrained_trainer.training import train

    training, validation = split(options.examples), split(options.examples // 4)
    config = settings(
        2,
        steps=_STEPS,
        snapshots=4,
        batch_size=options.batch,
        devices=options.devices,
        jit=options.jit,
        learning_rate=1e-4,
    )
    began = time.perf_counter()
    moments = []
    result = train(training, validation, config, moments.append)
    seconds = time.perf_counter() - began
    if options.weights and devices.is_chief():
        last = result.snapshots[-1]
        np.savez(options.weights, *last.weights, last.multipliers)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    # The first calls compile.
    speeds = [moment.steps_per_second for moment in moments]
    return {
        "seconds": seconds,
        "gigabytes": peak,
        "steps_per_second": float(np.median(speeds[2:] or speeds)),
        "compile_seconds": moments[-1].compile_seconds or 0.0,
    }


if __name__ == "__main__":
    main()
