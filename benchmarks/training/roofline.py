"""What a step needs at least, and what the device could do: the roofline.

S. Williams, A. Waterman and D. Patterson, "Roofline: An Insightful Visual Performance Model for Multicore
Architectures" (CACM 52(4), 2009): a step cannot take less than

    max(operations / peak operations per second, bytes / peak bytes per second).

Operations are those of products and convolutions; bytes are what these read and write, each once, and
what the optimizer does. Peaks are measured on the device: one large product, one large copy.

python -m benchmarks.training.roofline [--side 8192] [--megabytes 1000]

One line of JSON for each precision.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from dataclasses import asdict, dataclass

import keras
import tensorflow as tf

from components.constrained_trainer.models import networks
from components.constrained_trainer.running import paying

# A forward pass, and two backward ones: for the inputs and for the weights.
_PASSES = 3
# Adam's means of the gradient and of its square, the weight, and the running mean of weights, each read
# and written, and the gradient.
_OF_OPTIMIZER = 9 * 4


@dataclass(frozen=True)
class Need:
    """Of one step: `operations` (multiplications and additions), and `bytes` to and from memory."""

    operations: float
    bytes: float


@dataclass(frozen=True)
class Peak:
    """Of a device, measured: operations and bytes per second."""

    operations: float
    bytes: float


def of_a_step(model: keras.Model, batch: int, precision: str) -> Need:
    """What a step of `batch` examples needs of a model."""
    size = 4 if precision == "float32" else 2
    elements = 0
    for node in networks.traced(model, 1).get_operations():
        if paying.operations_of(node):
            # The weights are read once for all examples.
            elements += batch * (math.prod(node.inputs[0].shape) + math.prod(node.outputs[0].shape))
            elements += math.prod(node.inputs[1].shape)
    pixels = sum(batch * math.prod(given.shape[1:]) for given in model.inputs)
    weights = sum(math.prod(each.shape) for each in model.trainable_variables)
    return Need(
        _PASSES * batch * paying.operations(model),
        float(_PASSES * size * elements + pixels + _OF_OPTIMIZER * weights),
    )


def peak(precision: str, side: int, megabytes: int) -> Peak:
    """Of the device that TensorFlow puts things on.

    Args:
      precision: of the product.
      side: of its matrices.
      megabytes: what is copied.
    """
    kind = tf.float32 if precision == "float32" else tf.as_dtype(precision.removeprefix("mixed_"))
    matrix = tf.cast(tf.random.stateless_normal([side, side], [1, 2]), kind)
    product = tf.function(lambda: tf.reduce_sum(tf.cast(tf.matmul(matrix, matrix), tf.float32)))
    column = tf.zeros([megabytes * 250_000], tf.float32)
    copy = tf.function(lambda x: x + 1.0)
    seconds = _seconds(lambda: float(product()))
    copied = _seconds(lambda: copy(column)[0].numpy())
    return Peak(2.0 * side**3 / seconds, 2e6 * megabytes / copied)


def _seconds(work) -> float:
    work()
    found = []
    for _ in range(5):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return statistics.median(found)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training.roofline")
    parser.add_argument("--side", type=int, default=8192)
    parser.add_argument("--megabytes", type=int, default=1000)
    options = parser.parse_args()
    for precision in ("float32", "mixed_bfloat16"):
        found = peak(precision, options.side, options.megabytes)
        print(json.dumps({"precision": precision, **asdict(found)}), flush=True)


if __name__ == "__main__":
    main()
