"""Multipliers that are the output of a model, for very many constraints.

Where there is a constraint per group of a huge family, or per value of a feature, a multiplier each
learns too slowly. Instead a model mu with weights theta gives them:

    min over the classifier, max over theta   f + sum_i |mu_theta(batch)_i| g_i

so that constraints with like features share what was learned. |x| has gradient 1 at 0, so that a
model which starts at zero can move.

Source: Narasimhan, Cotter, Zhou, Wang and Guo, "Approximate heavily-constrained learning with
Lagrange multiplier models", NeurIPS 2020.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from fairgate.optimization.games.formulation import Formulation, dual_optimizer, raw
from fairgate.optimization.problems.interface import ProblemValues
from fairgate.optimization.problems.sources import Batch


class MultiplierModel(Formulation):
    """The Lagrangian game with multipliers from a model.

    Args:
        num_constraints: m >= 1.
        model: batch -> (m,) or (m, 1) numbers, whose absolute values are the multipliers.
            `feature_multipliers` makes one from a Keras model and a table of features.
        variables: theta: the trainable variables of the model.
        optimizer: as for `Lagrangian`.
        dual_scale: as for `Lagrangian`.

    Raises:
        ValueError: for an argument out of range.
    """

    def __init__(
        self,
        num_constraints: int,
        model: Callable[[Batch], Any],
        variables: Sequence[Any],
        optimizer: keras.optimizers.Optimizer | float = 0.1,
        dual_scale: float = 1.0,
    ) -> None:
        super().__init__(num_constraints, dual_scale, name="multiplier_model")
        if not variables:
            raise ValueError("a multiplier model without variables cannot learn")
        self._model = model
        self._variables = list(variables)
        self.optimizer = dual_optimizer(optimizer, self._variables)

    @property
    def state(self) -> list[Any]:
        """theta."""
        return list(self._variables)

    def multipliers(self, batch: Batch = None) -> tf.Tensor:
        """|mu_theta(batch)|: (m,) float32."""
        values = tf.reshape(tf.cast(self._model(batch), tf.float32), [-1])
        # Not tf.abs, whose gradient at 0 is 0.
        return tf.where(values >= 0, values, -values)

    lagrange_multipliers = multipliers

    def lagrangian(self, values: ProblemValues, batch: Batch = None) -> tf.Tensor:
        """f + sum_i |mu_i| h_i, () float32, mu held fixed."""
        weights = tf.stop_gradient(self.multipliers(batch))
        return values.objective + tf.reduce_sum(weights * values.proxy_constraints)

    def dual_gradient(self, constraints: tf.Tensor, batch: Batch = None) -> list[tf.Tensor]:
        """-dual_scale * d/d theta sum_i |mu_i| g_i, one gradient per variable."""
        with tf.GradientTape() as tape:
            gain = tf.reduce_sum(self.multipliers(batch) * tf.stop_gradient(constraints))
        variables = [raw(variable) for variable in self._variables]
        gradients = tape.gradient(gain, variables, unconnected_gradients="zero")
        return [-self.dual_scale * gradient for gradient in gradients]


def feature_multipliers(
    model: keras.Model, features: Any
) -> tuple[Callable[[Batch], Any], list[Any]]:
    """A multiplier model for constraints that have features: arguments 2 and 3 of `MultiplierModel`.

    Args:
        model: (m, d) -> (m, 1).
        features: (m, d), one row per constraint: a table, or a function of the minibatch.
    """
    table = features if callable(features) else None
    constant = None if table else tf.constant(features, tf.float32)

    def outputs(batch: Batch) -> Any:
        return model(table(batch) if table else constant)

    if constant is not None:
        outputs(None)  # builds the model
    return outputs, model.trainable_variables
