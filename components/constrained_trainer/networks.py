"""The networks that can be trained: pictures in, one real score out (Yes where it is above 0)."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import keras
from keras import layers

from components.errors import SettingsError

# (height, width, channels) -> a model from uint8 (n, height, width, channels) to float32 (n, 1).
Network = Callable[[tuple[int, int, int]], keras.Model]


def mlp(shape: tuple[int, int, int]) -> keras.Model:
    """The reference network of the CelebA tutorials: flatten, 64 ReLU units, one score."""
    return keras.Sequential(
        [
            layers.Input(shape, dtype="uint8"),
            layers.Rescaling(1 / 127.5, offset=-1),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(1),
        ],
        name="mlp",
    )


def cnn(shape: tuple[int, int, int]) -> keras.Model:
    """A small convolutional network: 16, 32 and 64 filters, each halving the picture, dropout.

    The first convolution has stride 2: at 64x64 that is a quarter of the work on a CPU.
    """
    convolution = {"padding": "same", "activation": "relu"}
    return keras.Sequential(
        [
            layers.Input(shape, dtype="uint8"),
            layers.Rescaling(1 / 127.5, offset=-1),
            layers.Conv2D(16, 5, strides=2, **convolution),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, **convolution),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, **convolution),
            layers.Flatten(),
            layers.Dropout(0.4),
            layers.Dense(64, activation="relu"),
            layers.Dense(1),
        ],
        name="cnn",
    )


NETWORKS: dict[str, Network] = {"mlp": mlp, "cnn": cnn}


def build(name: str, shape: tuple[int, int, int], seed: int) -> keras.Model:
    """The network called `name`, with weights drawn from `seed`.

    Args:
      name: a key of NETWORKS, or `module:function` of a function like those here.
      shape: (height, width, channels) of the pictures.
      seed: the same seed gives the same weights.

    Raises:
      SettingsError: no such network, it cannot be made for this shape, or its output is not one score
        per picture.
    """
    keras.utils.set_random_seed(seed)
    network = _find(name)
    try:
        model = network(shape)
    except (TypeError, ValueError) as error:
        raise SettingsError(
            f"trainer.network = {name!r} cannot be made for pictures of shape {shape} (the size is set "
            f"in data.features.image): {error}"
        ) from error
    if tuple(model.output_shape) != (None, 1):
        raise SettingsError(
            f"trainer.network = {name!r}: its output has shape {model.output_shape}; "
            "expected (None, 1), one real score per picture"
        )
    return model


def uses_convolution(model: keras.Model) -> bool:
    """Whether `model` has a convolution, which XLA runs on one core only on a CPU."""
    return any("conv" in layer.name or "Conv" in type(layer).__name__ for layer in model.layers)


def _find(name: str) -> Network:
    if name in NETWORKS:
        return NETWORKS[name]
    module, colon, function = name.partition(":")
    expected = f"expected one of {', '.join(NETWORKS)}, or module:function"
    if not colon:
        raise SettingsError(f"trainer.network = {name!r}: no such network; {expected}")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingsError(f"trainer.network = {name!r}: {error}; {expected}") from None
    if not callable(found):
        raise SettingsError(f"trainer.network = {name!r}: {found!r} is not a function; {expected}")
    return found
