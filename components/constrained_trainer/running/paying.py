"""What pays over a whole training: XLA, and a GPU. Decided by counts, never by a clock.

Two runs of the same training must come to the same digits, and a program that XLA has fused sums in
another order than one that it has not. What is counted is steps and multiplications, which are the same
on a busy machine and on one at rest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import keras
import tensorflow as tf

from components.constrained_trainer.config import TrainingConfig
from components.constrained_trainer.examples.data import Split
from components.constrained_trainer.models import networks
from components.constrained_trainer.resolving import resolve
from components.constrained_trainer.running import devices
from components.transform.inputs import ModelInput

# Compiling costs more, and saves more per step, the more operations a step has, so that the number of
# steps alone decides. On a CPU no fewer than `resolving` finds by itself, whose digits stay what they
# were: `python -m benchmarks.training --only compiling` finds that fewer do not pay. A GPU saves the
# start of a kernel per operation, and compiling for it takes longer, of convolutions much longer, because
# it tries several programs for each: estimated from the times in docs/training_speed.md.
_XLA_FROM = {"CPU": 1_000, "GPU": 3_000}
_XLA_OF_CONVOLUTIONS_FROM = {"CPU": math.inf, "GPU": 10_000}  # on a CPU XLA runs them on one core
# Operations of a training that CPUs do in the ten seconds or so that it takes a GPU to begin.
_GPU_FROM = 1e12
# A backward pass is about two forward ones.
_PASSES = 3

_PRODUCTS = {"MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"}
_CONVOLUTIONS = {"Conv1D", "Conv2D", "Conv3D", "Conv"}


def uses_xla(config: TrainingConfig, model: keras.Model, scope: tf.distribute.Strategy) -> bool:
    """Whether the loop is compiled by XLA: as `config.jit` says; `auto`: if it pays.

    Several replicas cannot: their sums are outside of what XLA compiles.

    Args:
      config: of the training, without any `auto` but `jit`.
      model: what is trained.
      scope: the strategy that trains.
    """
    if scope.num_replicas_in_sync > 1:
        return False
    if config.jit != "auto":
        return config.jit == "on"
    kind = devices.kind_of(scope)
    first = _XLA_FROM[kind]
    # Looked for last: it traces the network.
    if config.steps >= first and networks.uses_convolution(model):
        first = _XLA_OF_CONVOLUTIONS_FROM[kind]
    return config.steps >= first


def is_worth(
    scope: tf.distribute.Strategy,
    asked: TrainingConfig,
    training: Split,
    validation: Split,
    inputs: Mapping[str, ModelInput],
) -> bool:
    """Whether the training is long enough for `scope`: a GPU needs seconds before its first step.

    Args:
      scope: the strategy of `asked.devices`. What was asked for by name, or is of several workers, is
        taken as it is.
      asked: the settings, whose `auto` is as it would be on a CPU.
      training: examples of the model player.
      validation: examples that every snapshot is rated on.
      inputs: of the network.
    """
    if asked.devices != "auto" or devices.kind_of(scope) == "CPU" or devices.several_workers():
        return True
    config = resolve(asked, training, validation).config
    model = networks.build(config.network, inputs, config.seed, len(training.classes) or 1)
    rows = _PASSES * config.steps * config.batch_size + config.snapshots * len(validation)
    return rows * operations(model) >= _GPU_FROM


def operations(model: keras.Model) -> float:
    """Multiplications and additions of a forward pass over one example, in products and convolutions."""
    graph = networks.traced(model, 1)
    return float(sum(map(operations_of, graph.get_operations())))


def operations_of(node: tf.Operation) -> float:
    """Of a product or a convolution: 2 for each element of the output and each that it is summed over."""
    if node.type in _PRODUCTS:
        transposed = node.get_attr("transpose_a" if node.type == "MatMul" else "adj_x")
        summed = node.inputs[0].shape[-2 if transposed else -1]
    elif node.type in _CONVOLUTIONS:
        summed = math.prod(node.inputs[1].shape[:-1])
    elif node.type == "DepthwiseConv2dNative":
        summed = math.prod(node.inputs[1].shape[:2])
    else:
        return 0.0
    return 2.0 * summed * math.prod(node.outputs[0].shape)
