"""Head only: freeze the body of a network, compute its features once, train the last layer.

The method of the Seldonian guide to efficient training: the constrained problem that is left has as
many weights as the last layer, and a minibatch is a few thousand numbers instead of pictures.
"""

from __future__ import annotations

import dataclasses

import keras
import numpy as np

from components.constrained_trainer.examples.data import Split
from components.constrained_trainer.models import networks

FEATURES = "features"


def body_features(body: keras.Model, split: Split) -> Split:
    """The same examples with what the body makes of their inputs, float32 (n, d), as the only input.

    The body runs in inference mode: what is random or adaptive in training stays as it is served.
    """
    outputs = networks.predictor(body)(split.inputs)
    return dataclasses.replace(split, inputs={FEATURES: outputs})


def trained_weights(model: keras.Model, trained: list[np.ndarray]) -> list[int]:
    """Places, in the weights of `model`, of the weights of the part that was trained.

    All of them, or (head only) the last ones, which is where a network's last layer keeps its own.
    """
    count = len(model.get_weights())
    return list(range(count - len(trained), count))
