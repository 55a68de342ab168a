"""One worker of a training of the toy problem: python -m ...toy_worker <output> <checkpoints>.

Writes the weights to <output>-<chief or other>.npz, and prints whether it is the chief.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from components.constrained_trainer import devices

if __name__ == "__main__":
    scope = devices.strategy("auto")  # before anything else of TensorFlow
    from components.constrained_trainer.training import train
    from tests.components.constrained_trainer.test_workers import CONFIG
    from tests.components.constrained_trainer.toy import biased_split

    output, checkpoints = sys.argv[1:]
    role = "chief" if devices.is_chief() else "other"

    def wait(moment) -> None:
        """So that the clocks of the workers disagree about how many steps a call should take."""
        if role == "other":
            time.sleep(0.2)

    training, validation = biased_split(1500, seed=1), biased_split(1000, seed=2)
    result = train(training, validation, CONFIG, wait, checkpoints=f"{checkpoints}-{role}")
    np.savez(f"{output}-{role}.npz", *result.chosen.weights, result.chosen.multipliers)
    print(role, scope.num_replicas_in_sync)
