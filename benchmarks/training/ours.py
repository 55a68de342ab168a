"""Contender: the trainer's compiled loop, with any number of constraints."""

from __future__ import annotations

import argparse

import numpy as np

from benchmarks.training.examples import GROUPS, arrays
from benchmarks.training.protocol import serve
from components.constrained_trainer.config import MultiplierConfig, TrainingConfig
from components.constrained_trainer.examples.data import Split
from components.constrained_trainer.running import devices
from fairgate.constraints.rates import Group

_NAMES = tuple(Group("G", str(group)) for group in range(GROUPS))


def split(n: int, side: int = 28) -> Split:
    """The examples, with every group."""
    images, labels, group = arrays(n, side)
    return Split({"image": images}, labels, np.eye(GROUPS, dtype=np.float32)[group], _NAMES)


def settings(constraints: int, **others) -> TrainingConfig:
    """FPR | g <= 0.05 for the first groups."""
    lines = tuple(f"FPR | [{group.name}] <= 0.05" for group in _NAMES[:constraints])
    return TrainingConfig(constraints=lines, **others)


def make_loop(training: Split, validation: Split, config: TrainingConfig, in_stretches=None):
    """The loop that `training.train` would run; steps in stretches, or as it finds best."""
    from components.constrained_trainer import resolving
    from components.constrained_trainer import training as trainer
    from components.constrained_trainer.models import networks
    from components.constrained_trainer.running import loop

    scope = devices.strategy(config.devices)
    config = resolving.resolve(config, training, validation, scope.num_replicas_in_sync).config
    with scope.scope():
        model = networks.build(config.network, training.model_inputs(), config.seed)
        lines = trainer.parse(config.constraints, training)
        return loop.make_loop(model, lines, training, validation, config, scope, in_stretches)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--constraints", type=int, default=0)
    parser.add_argument("--watch", default="validation")
    parser.add_argument("--resident-gb", type=float, default=4.0)
    parser.add_argument("--examples", type=int, default=60_000)
    parser.add_argument("--network", default="mlp")
    parser.add_argument("--side", type=int, default=28)
    parser.add_argument("--devices", default="auto")
    parser.add_argument("--in-stretches", action="store_true", help="as on a GPU")
    options = parser.parse_args()
    devices.strategy(options.devices)
    training = split(options.examples, options.side)
    validation = training.take(np.arange(options.examples // 3))
    config = settings(
        options.constraints,
        network=options.network,
        batch_size=options.batch,
        steps=10**9,
        learning_rate=1e-4,
        resident_gb=options.resident_gb,
        devices=options.devices,
        multipliers=MultiplierConfig(watch=options.watch),
    )
    loop = make_loop(training, validation, config, options.in_stretches or None)
    size = 16
    waited = 0.0

    def advance() -> int:
        before = loop.step
        loop.advance_to(loop.end_of_call(loop.step + size))
        return loop.step - before

    def more() -> dict[str, float]:
        nonlocal waited
        before, waited = waited, loop.waited
        return {"waited": waited - before}

    import time

    advance()
    for _ in range(3):  # a call of about a quarter of a second, as training has them
        began = time.perf_counter()
        size = max(1, round(advance() * 0.25 / (time.perf_counter() - began)))
    waited = loop.waited
    serve(advance, more)


if __name__ == "__main__":
    main()
