"""Contender: the same network under `compile` and `fit`, without constraints."""

from __future__ import annotations

import sys

import keras

from benchmarks.training.examples import arrays
from benchmarks.training.protocol import serve
from components.constrained_trainer.models import networks
from components.transform.inputs import ModelInput


def main(batch: int, examples: int) -> None:
    images, labels, _ = arrays(examples)
    model = networks.build("mlp", {"image": ModelInput(images.shape[1:], "uint8")}, seed=0)
    model.compile(keras.optimizers.Adam(1e-4), loss="hinge")
    steps = 200 if batch <= 128 else 50  # about a second: the start of an epoch hardly counts
    rows = slice(0, steps * batch)

    def advance() -> int:
        model.fit(images[rows], labels[rows], batch_size=batch, verbose=0)
        return steps

    advance()
    serve(advance)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
