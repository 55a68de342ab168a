"""The trainer's compiled loop on whatever device it finds: steps per second, and how long it compiles.

python -m benchmarks.training.speeds [--seconds 1] [--examples 60000] [--xla-flags=FLAGS] CASE [CASE ...]

A case is what differs from the default, such as network=cnn,side=64,batch=512,precision=mixed_bfloat16.
One line of JSON for each.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import time
from dataclasses import asdict, dataclass, fields

_REPEATS = 5


@dataclass(frozen=True)
class Case:
    """What is trained, and how."""

    network: str = "mlp"
    side: int = 28
    batch: int = 512
    constraints: int = 1
    watch: str = "validation"
    precision: str = "float32"
    jit: str = "on"

    @classmethod
    def of(cls, text: str) -> Case:
        """Of NAME=VALUE,NAME=VALUE."""
        kinds = {field.name: type(field.default) for field in fields(cls)}
        pairs = [pair.split("=", 1) for pair in text.split(",") if pair]
        return cls(**{name: kinds[name](value) for name, value in pairs})

    def __str__(self) -> str:
        """What differs from the default."""
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        return ",".join(f"{k}={v}" for k, v in own.items() if v != getattr(Case, k))


def measure(case: Case, examples: int, seconds: float) -> dict[str, object]:
    """Steps and images per second, seconds of compiling, and what a step needs at least."""
    import keras
    import numpy as np

    from benchmarks.training import roofline
    from benchmarks.training.ours import make_loop, settings, split
    from components.constrained_trainer.config import MultiplierConfig

    keras.backend.clear_session()
    training = split(examples, case.side)
    watched = training.take(np.arange(examples // 3))
    config = settings(
        case.constraints,
        network=case.network,
        batch_size=case.batch,
        steps=10**9,
        learning_rate=1e-4,
        precision=case.precision,
        jit=case.jit,
        multipliers=MultiplierConfig(watch=case.watch),
        resident_gb=60.0,
    )
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(case.precision)
    try:
        loop = make_loop(training, watched, config)
        began = time.perf_counter()
        loop.advance_to(loop.end_of_call(8))
        compiled, first = time.perf_counter() - began, loop.step
    finally:
        keras.config.set_dtype_policy(policy)

    def rate_of(steps: int) -> float:
        """Steps per second of one call, of about so many."""
        before, began = loop.step, time.perf_counter()
        loop.advance_to(loop.end_of_call(before + steps))
        return (loop.step - before) / (time.perf_counter() - began)

    size = 8
    for _ in range(4):  # a call of about a fifth of what is measured
        size = max(1, min(8 * size, round(rate_of(size) * seconds / _REPEATS)))
    rate = statistics.median(rate_of(size) for _ in range(_REPEATS))
    need = roofline.of_a_step(loop.model, case.batch, case.precision)
    gc.collect()
    return {
        **asdict(case),
        "compiled": loop.is_compiled,
        "steps_per_second": round(rate, 2),
        "images_per_second": round(rate * case.batch),
        "compile_seconds": round(compiled - first / rate, 2),
        "operations_per_step": need.operations,
        "bytes_per_step": need.bytes,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training.speeds")
    parser.add_argument("cases", nargs="+", type=Case.of)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--examples", type=int, default=60_000)
    parser.add_argument("--xla-flags", help="XLA_FLAGS of this process")
    options = parser.parse_args()
    if options.xla_flags:
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {options.xla_flags}"
    for case in options.cases:
        try:
            found = measure(case, options.examples, options.seconds)
        except Exception as error:  # of one case; the others are still of interest
            found = {**asdict(case), "failed": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
