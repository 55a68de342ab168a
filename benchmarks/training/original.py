"""Contender: the original library with TensorFlow 2.10, as its CelebA tutorial trains.

The tutorial's network, rates and optimizers; batches from tf.data. `eager` is the tutorial's loop,
which records objective and violations after every step; `function` puts the step into tf.function.
"""

from __future__ import annotations

import sys

import tensorflow as tf
import tensorflow_constrained_optimization as tfco

from benchmarks.training.examples import arrays
from benchmarks.training.protocol import serve


class Optimizer(tfco.ProxyLagrangianOptimizerV2):
    """The original's, in front of Keras 2.10, which passes one argument more than it knows of."""

    def _compute_gradients(self, loss, var_list=None, grad_loss=None, tape=None):
        return super()._compute_gradients(loss, var_list, grad_loss)


def main(kind: str, batch: int, examples: int) -> None:
    images, labels, group = arrays(examples)
    layers = tf.keras.layers
    shape = images.shape[1:]
    model = tf.keras.Sequential(
        [layers.Flatten(input_shape=shape), layers.Dense(64, activation="relu"), layers.Dense(1)]
    )
    inputs = tf.Variable(tf.zeros((batch, *shape)))
    targets = tf.Variable(tf.zeros((batch, 1)))
    groups = tf.Variable(tf.zeros((batch, 1)))
    context = tfco.rate_context(lambda: model(inputs), labels=lambda: targets)
    subset = context.subset(lambda: groups < 1)
    constraints = [tfco.false_positive_rate(subset) <= 0.05]
    problem = tfco.RateMinimizationProblem(tfco.error_rate(context), constraints)
    adam = tf.keras.optimizers.Adam
    optimizer = Optimizer(
        optimizer=adam(learning_rate=0.001),
        constraint_optimizer=adam(learning_rate=0.001),
        num_constraints=problem.num_constraints,
    )
    variables = model.trainable_weights + list(problem.trainable_variables)
    variables += optimizer.trainable_variables()

    def scaled(image, label, group):
        members = tf.cast(group[:, None] > 3, tf.float32)
        return tf.cast(image, tf.float32) / 255.0, label[:, None], members

    data = tf.data.Dataset.from_tensor_slices((images, labels, group))
    data = data.shuffle(1024).repeat().batch(batch).map(scaled)
    if kind == "function":
        data = data.prefetch(2)
    batches = iter(data)

    def minimize() -> None:
        optimizer.minimize(problem, var_list=variables)

    if kind == "function":
        minimize()  # makes its variables
        minimize = tf.function(minimize)
    size = 1 if kind == "eager" else 10

    def advance() -> int:
        for _ in range(size):
            image, label, member = next(batches)
            inputs.assign(image)
            targets.assign(label)
            groups.assign(member)
            minimize()
            if kind == "eager":
                float(problem.objective()), max(problem.constraints())
        return size

    advance()
    advance()
    serve(advance)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
