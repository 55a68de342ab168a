"""Networks as users write them, right and wrong."""

from __future__ import annotations

import keras
from keras import layers


def _of(*inner: layers.Layer, last: str | None = None, units: int = 1) -> keras.Model:
    first = [keras.Input((8, 8, 3), dtype="uint8"), layers.Rescaling(1 / 127.5, offset=-1)]
    end = [layers.Flatten(), layers.Dense(units, activation=last)]
    return keras.Sequential([*first, *inner, *end])


def right(shape):
    return _of(layers.Flatten(), layers.Dense(4, activation="relu"))


def tanh(shape):
    return _of(last="tanh")  # of both signs, which is all that is asked of a score


def sigmoid(shape):
    return _of(last="sigmoid")


def relu(shape):
    return _of(last="relu")


def softmax(shape):
    return _of(last="softmax")


def probability_in_a_layer(shape):
    model = _of()
    return keras.Model(model.inputs, layers.Activation("sigmoid")(model.outputs[0]))


def two_classes(shape):
    return _of(last="softmax", units=2)


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.rescale = layers.Rescaling(1 / 127.5, offset=-1)
        self.filters = layers.Conv2D(2, 3)
        self.flat = layers.Flatten()
        self.one = layers.Dense(1)

    def call(self, x, training=False):
        return self.one(self.flat(self.filters(self.rescale(x))))


def subclassed(shape):
    return Net()


def without_input(shape):
    return keras.Sequential(
        [layers.Rescaling(1 / 127.5, offset=-1), layers.Flatten(), layers.Dense(1)]
    )


def named_output(shape):
    model = _of()
    return keras.Model(model.inputs, {"score": model.outputs[0]})


def two_outputs(shape):
    model = _of()
    return keras.Model(model.inputs, [model.outputs[0], model.outputs[0] + 1.0])


def nested_convolution(shape):
    return _of(keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3, name="filters")]))


def called_conv(shape):
    return _of(layers.Dense(2, name="conv_like"))


def nothing(shape):
    _of()


def typo(shape):
    return keras.Sequential([keras.Input(shape), layers.Denze(1)])


def wrong_name(shape):
    return keras.Sequential([keras.Input(shape), layers.Dense(undefined)])  # noqa: F821


def flip(shape):
    return _of(layers.RandomFlip("horizontal"))


def contrast(shape):
    return _of(layers.RandomContrast(0.1))


def rotation(shape):
    return _of(layers.RandomRotation(0.1))


def dropout(shape):
    return _of(layers.Dropout(0.5), layers.GaussianNoise(0.1))


class Blocked(layers.Layer):
    """Has an operation in training that XLA does not compile."""

    def call(self, x, training=False):
        import tensorflow as tf

        if not training:
            return x
        return tf.ensure_shape(tf.numpy_function(lambda y: y, [x], tf.float32), x.shape)


def not_for_xla(shape):
    return _of(Blocked())
