"""Contender: the unconstrained step in one JAX scan over resident examples, which nothing surrounds.

python -m benchmarks.training.jax_floor BATCH [BATCH ...] [--examples 60000] [--seconds 1]

Rows are drawn, gathered, scaled and learnt from as in the trainer: hinge loss and Adam on the reference
network. One line of JSON for each minibatch size.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import statistics
import time

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
import jax
import jax.numpy as jnp

from benchmarks.training.examples import arrays

_RATE = 1e-4


def loss(weights, x, y):
    hidden = jax.nn.relu(x @ weights["w1"] + weights["b1"])
    score = (hidden @ weights["w2"] + weights["b2"])[:, 0]
    return jnp.mean(jnp.maximum(0, 1 - (2 * y - 1) * score))


def steps_per_second(images, labels, batch: int, seconds: float) -> float:
    key, width = jax.random.key(0), images.shape[1]
    weights = {
        "w1": jax.random.normal(key, (width, 64)) * 0.02,
        "b1": jnp.zeros(64),
        "w2": jax.random.normal(key, (64, 1)) * 0.1,
        "b2": jnp.zeros(1),
    }
    zeros = jax.tree.map(jnp.zeros_like, weights)

    def one(state, step, images, labels):
        weights, mean, square = state
        rows = jax.random.randint(jax.random.fold_in(key, step), (batch,), 0, len(images))
        x = images[rows].astype(jnp.float32) / 127.5 - 1
        value, gradient = jax.value_and_grad(loss)(weights, x, labels[rows])
        mean = jax.tree.map(lambda a, g: 0.9 * a + 0.1 * g, mean, gradient)
        square = jax.tree.map(lambda a, g: 0.999 * a + 0.001 * g * g, square, gradient)
        weights = jax.tree.map(
            lambda w, a, b: w - _RATE * a / (jnp.sqrt(b) + 1e-8), weights, mean, square
        )
        return (weights, mean, square), value

    def advance(state, images, labels, size: int):
        step = functools.partial(one, images=images, labels=labels)
        return jax.lax.scan(step, state, jnp.arange(size))

    compiled = jax.jit(advance, static_argnums=3)
    size, state = 8, (weights, zeros, zeros)

    def took(size: int) -> float:
        nonlocal state
        began = time.perf_counter()
        state, value = compiled(state, images, labels, size)
        jax.block_until_ready(value)
        return time.perf_counter() - began

    for _ in range(3):  # each size is compiled anew
        took(size)
        size = max(1, round(size * seconds / 5 / took(size)))
    took(size)
    return statistics.median(size / took(size) for _ in range(5))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training.jax_floor")
    parser.add_argument("batches", nargs="+", type=int)
    parser.add_argument("--examples", type=int, default=60_000)
    parser.add_argument("--seconds", type=float, default=1.0)
    options = parser.parse_args()
    images, labels, _ = arrays(options.examples)
    on_device = jnp.asarray(images.reshape(len(images), -1)), jnp.asarray(labels)
    for batch in options.batches:
        rate = steps_per_second(*on_device, batch, options.seconds)
        print(json.dumps({"batch": batch, "steps_per_second": round(rate, 2)}), flush=True)


if __name__ == "__main__":
    main()
