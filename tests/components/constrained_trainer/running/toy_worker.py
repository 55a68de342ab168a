"""One worker of a training of the toy problem.

    python -m ...toy_worker <output> <checkpoints> [<checkpoints of the other> [<step> <role>]]

Writes the weights to <output>-<chief or other>.npz, and prints whether it is the chief, the number of
replicas and the first step. The worker of <role> gets a SIGTERM at <step>; where a worker stopped, it
writes the step to <output>-<chief or other>.stopped.
"""

from __future__ import annotations

import os
import pathlib
import signal
import sys
import time

import numpy as np

from components.constrained_trainer.running import devices, interruption

if __name__ == "__main__":
    scope = devices.strategy("auto")  # before anything else of TensorFlow
    from components.constrained_trainer.training import train
    from tests.components.constrained_trainer.running.test_workers import CONFIG
    from tests.components.constrained_trainer.toy import biased_split

    output, *rest = sys.argv[1:]
    is_chief = devices.is_chief()
    role = "chief" if is_chief else "other"
    checkpoints = rest[0] if is_chief or len(rest) == 1 else rest[1]
    evicted_at = int(rest[2]) if rest[3:] == [role] else None
    steps = []

    def moved(moment) -> None:
        """Sleeps, so that the clocks of the workers disagree about how many steps a call takes."""
        steps.append(moment.step)
        if not is_chief:
            time.sleep(0.2)
        if evicted_at is not None and moment.step >= evicted_at:
            os.kill(os.getpid(), signal.SIGTERM)

    training, validation = biased_split(1500, seed=1), biased_split(1000, seed=2)
    try:
        result = train(training, validation, CONFIG, moved, checkpoints=checkpoints)
    except interruption.Stopped as stopped:
        pathlib.Path(f"{output}-{role}.stopped").write_text(str(stopped.step))
        raise
    np.savez(f"{output}-{role}.npz", *result.chosen.weights, result.chosen.multipliers)
    print(role, scope.num_replicas_in_sync, steps[0])
