"""Adam, with a penalty on weights and their running mean: for small tables, and for calm snapshots.

    gradient <- gradient + penalty * w          for w of at least two axes: layers, not their biases
    mean     <- mean + (1 - a_t) (w - mean),    a_t = min(1 - 1 / horizon, (1 + t) / (10 + t))

The first is Adam on loss + penalty / 2 |w|^2. Not decoupled from the gradient (as in AdamW), whose
strength would depend on the step size and the number of steps.

The second is what is rated and served: the players of a game circle around its solution, and their
mean is nearer to it than either. Early on it follows closely, so that it forgets the start.

Source: Goodfellow, Bengio and Courville, "Deep Learning" (2016), section 7.1.1; Polyak and Juditsky,
SIAM J. Control and Optimization 30 (1992); the a_t of TensorFlow's ExponentialMovingAverage.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf


class CalmAdam(keras.optimizers.Adam):
    """See the top of this file.

    Args:
      learning_rate: as of Adam.
      penalty: on half the squared weights, >= 0.
      horizon: steps that the mean is over, about; >= 1, which is no mean.
    """

    def __init__(self, learning_rate: Any, penalty: float, horizon: float):
        super().__init__(learning_rate)
        self._penalty = penalty
        self._horizon = horizon

    def build(self, variables: Any) -> None:
        already = self.built
        super().build(variables)
        if not already:
            self.means = self.add_optimizer_variables(variables, "mean")
            for mean, variable in zip(self.means, variables, strict=True):
                mean.assign(variable)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        if self._penalty and len(variable.shape) > 1:
            weights = tf.cast(tf.convert_to_tensor(variable), tf.float32)
            gradient = tf.convert_to_tensor(gradient) + self._penalty * weights
        super().update_step(gradient, variable, learning_rate)
        taken = keras.ops.cast(self.iterations, variable.dtype)
        kept = keras.ops.minimum(1.0 - 1.0 / self._horizon, (1.0 + taken) / (10.0 + taken))
        mean = self.means[self._get_variable_index(variable)]
        self.assign_add(mean, (1.0 - kept) * (variable - mean))

    @contextlib.contextmanager
    def at_their_means(self, model: keras.Model) -> Iterator[None]:
        """The model with the means in the place of its trainable weights, until this is left."""
        places = {id(variable): place for place, variable in enumerate(self._trainable_variables)}
        variables = model.trainable_variables
        before = [variable.numpy() for variable in variables]
        for variable in variables:
            variable.assign(self.means[places[id(variable)]])
        try:
            yield
        finally:
            for variable, value in zip(variables, before, strict=True):
                variable.assign(value)
