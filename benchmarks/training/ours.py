"""Contender: the trainer's compiled loop, with any number of constraints."""

from __future__ import annotations

import argparse

import numpy as np

from benchmarks.training.examples import GROUPS, arrays
from benchmarks.training.protocol import serve
from components.constrained_trainer import devices
from components.constrained_trainer.config import MultiplierConfig, TrainingConfig
from components.constrained_trainer.data import Split
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


def make_loop(training: Split, validation: Split, config: TrainingConfig):
    """The loop that `training.train` would run."""
    from components.constrained_trainer import networks, resolving
    from components.constrained_trainer import training as trainer

    scope = devices.strategy(config.devices)
    config = resolving.resolve(config, training, validation, scope.num_replicas_in_sync).config
    with scope.scope():
        model = networks.build(config.network, training.model_inputs(), config.seed)
        lines = trainer.parse(config.constraints, training)
        return trainer.make_loop(model, lines, training, validation, config, scope)


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
    loop = make_loop(training, validation, config)
    size = 16
    waited = 0.0

    def advance() -> int:
        loop.advance_to(loop.step + size)
        return size

    def more() -> dict[str, float]:
        nonlocal waited
        before, waited = waited, loop.waited
        return {"waited": waited - before}

    import time

    advance()
    for _ in range(3):  # a call of about a quarter of a second, as training has them
        began = time.perf_counter()
        advance()
        size = max(1, round(size * 0.25 / (time.perf_counter() - began)))
    waited = loop.waited
    serve(advance, more)


if __name__ == "__main__":
    main()
