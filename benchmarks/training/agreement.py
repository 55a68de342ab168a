"""The same 300 steps on two devices: how far apart weights and rates are at each snapshot.

python -m benchmarks.training.agreement gpu cpu [--steps 300] [--examples 8000]

Each device trains twice. One line of JSON for each pair of trainings.
"""

from __future__ import annotations

import argparse
import json

import numpy as np


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training.agreement")
    parser.add_argument(
        "devices", nargs="+", help="values of trainer.devices; the first is compared"
    )
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--examples", type=int, default=8000)
    options = parser.parse_args()
    import tensorflow as tf

    tf.config.list_logical_devices()  # or a training on the CPU would hide the GPU from the next one
    from benchmarks.training.ours import settings, split
    from components.constrained_trainer.training import train

    training, validation = split(options.examples), split(options.examples // 4)

    def trained(devices: str):
        config = settings(
            2,
            steps=options.steps,
            snapshots=3,
            batch_size=64,
            devices=devices,
            jit="on",
            learning_rate=1e-4,
        )
        return train(training, validation, config).snapshots

    first = trained(options.devices[0])
    for devices in options.devices:
        other = trained(devices)
        pairs = list(zip(first, other, strict=True))
        weights = max(
            float(np.abs(a - b).max())
            for one, two in pairs
            for a, b in zip(one.weights, two.weights, strict=True)
        )
        found = {
            "devices": [options.devices[0], devices],
            "weights": weights,
            "rates": max(float(np.abs(a.violations - b.violations).max()) for a, b in pairs),
            "multipliers": max(
                float(np.abs(a.multipliers - b.multipliers).max()) for a, b in pairs
            ),
        }
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
