"""Slack variables: numbers that are trained along with the model, such as thresholds and bounds.

A `Slack` is a description; the problem that uses it owns the variable. Slacks may be shared by
several expressions, and an expression by several problems.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf


@dataclass(frozen=True, eq=False)
class Slack:
    """A variable of a problem, compared by identity.

    Attributes:
        name: of the variable.
        initial: its first value; several numbers make a vector.
        project: (value, denominator lower bound) -> the nearest value that is allowed.
    """

    name: str
    initial: float | tuple[float, ...] = 0.0
    project: Callable[[tf.Tensor, float], tf.Tensor] | None = None

    def variable(self) -> tf.Variable:
        """A new variable at the first value, float32."""
        return tf.Variable(tf.constant(self.initial, tf.float32), name=self.name, trainable=True)


def at_least_zero(value: tf.Tensor, _: float) -> tf.Tensor:
    """max(0, value)."""
    return tf.nn.relu(value)


def zero_mean(value: tf.Tensor, _: float) -> tf.Tensor:
    """value - mean(value): offsets from a common threshold that the model itself provides."""
    return value - tf.reduce_mean(value)


def proportion(value: tf.Tensor, lower_bound: float) -> tf.Tensor:
    """clip(value, lower bound, 1)."""
    return tf.clip_by_value(value, lower_bound, 1.0)
