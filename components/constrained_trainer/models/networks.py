"""The networks that can be trained: pictures, numbers and categories in, one real score out.

Yes where the score is above 0. Of a label with several classes there is a score for each, and the largest
decides. The last layer of each is called "score"; `split` takes any network
apart at its last layers, so that these can be trained alone.
"""

from __future__ import annotations

import importlib
import itertools
import math
import pathlib
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from components.constrained_trainer.examples.data import forget
from components.constrained_trainer.examples.encodings import PiecewiseLinear
from components.transform.inputs import CATEGORICAL, IMAGE, NUMERIC, ModelInput
from fairgate.errors import SettingsError

# Examples per call of `predictor`.
_BATCH = 1024

# Name -> shape and type of each input, and how many scores there are -> a model from those inputs,
# (n, ...) each, to float32 (n, scores).
Network = Callable[..., keras.Model]


def mlp(given: Mapping[str, ModelInput], scores: int = 1) -> keras.Model:
    """The reference network of the CelebA tutorials: flatten, 64 ReLU units, one score.

    Numbers are taken as they are, categories one-hot.
    """
    inputs = _inputs(given)
    parts = _numbers(inputs)
    if IMAGE in inputs:
        parts.insert(0, layers.Flatten()(_pixels(inputs)))
    if CATEGORICAL in inputs:
        total = sum(given[CATEGORICAL].vocabulary_sizes)
        encoding = layers.CategoryEncoding(total, output_mode="multi_hot")
        parts.append(encoding(_table_rows(inputs, given)))
    x = layers.Dense(64, activation="relu")(_joined(parts))
    return _scored(inputs, x, "mlp", scores)


def cnn(given: Mapping[str, ModelInput], scores: int = 1) -> keras.Model:
    """A small convolutional network: 16, 32 and 64 filters, each halving the picture, dropout.

    The first convolution has stride 2: at 64x64 that is a quarter of the work on a CPU. Numbers and
    categories, where there are any, join before the dense layer.
    """
    inputs = _inputs(given)
    convolution = {"padding": "same", "activation": "relu"}
    x = layers.Conv2D(16, 5, strides=2, **convolution)(_pixels(inputs))
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(32, 3, **convolution)(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(64, 3, **convolution)(x)
    x = layers.Dropout(0.4)(layers.Flatten()(x))
    x = layers.Dense(64, activation="relu")(_joined([x, *_table(inputs, given)]))
    return _scored(inputs, x, "cnn", scores)


def resnet(given: Mapping[str, ModelInput], scores: int = 1) -> keras.Model:
    """A residual network for pictures of about 64x64 to 224x224, 2.8 million weights.

    ResNet-18 (He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", CVPR 2016,
    table 1) at half its width. Two things differ, so that an example's score depends on that example
    alone, in training as in inference, on one device as on many: group normalization (Wu and He,
    ECCV 2018) in the place of batch normalization, and no dropout. The last scale of each block
    starts at zero, so that every block starts as the identity (Goyal et al., 2017, section 5.1).
    """
    inputs = _inputs(given)
    x = layers.Conv2D(32, 7, strides=2, padding="same", use_bias=False)(_pixels(inputs))
    x = layers.Activation("relu")(_normalized(x))
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    for width, stride in ((32, 1), (64, 2), (128, 2), (256, 2)):
        x = _residual_block(x, width, stride)
        x = _residual_block(x, width, 1)
    x = layers.GlobalAveragePooling2D()(x)
    return _scored(inputs, _joined([x, *_table(inputs, given)]), "resnet", scores)


def tabular(given: Mapping[str, ModelInput], scores: int = 1) -> keras.Model:
    """For tables: an embedding for each category, next to the numbers; 64 and 32 ReLU units.

    Numbers stand next to their places between quantiles, where these are known (`encodings`). Too many
    numbers for that are seen by 256 and 64 units: what bends at no quantile needs width to bend.
    """
    inputs = _inputs(given)
    parts = _table(inputs, given)
    cuts = given[NUMERIC].cuts if NUMERIC in given else ()
    if any(cuts):
        parts[0] = PiecewiseLinear(cuts, name="places")(parts[0])
    x = _joined(parts)
    for units in (64, 32) if all(cuts) else (256, 64):
        x = layers.Dense(units, activation="relu")(x)
    return _scored(inputs, x, "tabular", scores)


NETWORKS: dict[str, Network] = {"mlp": mlp, "cnn": cnn, "resnet": resnet, "tabular": tabular}


def build(name: str, inputs: Mapping[str, ModelInput], seed: int, scores: int = 1) -> keras.Model:
    """The network called `name`, with weights drawn from `seed`.

    Args:
      name: a key of NETWORKS, or `module:function`. Where a picture is the only input, that function
        is given its (height, width, channels); otherwise `inputs` itself. It returns a model that
        `call` can call, with one score for each example.
      inputs: name -> shape and type, as of `components.transform.inputs.model_inputs`.
      seed: the same seed gives the same weights, and the same draws of dropout.
      scores: of each example: one, or one for each of several classes.

    Raises:
      SettingsError: no such network, it cannot be made for these inputs, or its output is not so many
        scores for each example.
    """
    keras.utils.set_random_seed(seed)
    network = _find(name)
    picture_alone = set(inputs) == {IMAGE}
    own = name not in NETWORKS
    try:
        if own:
            model = _functional(
                network(inputs[IMAGE].shape if picture_alone else inputs), inputs, name
            )
        else:
            model = network(inputs, scores)
    except SettingsError:
        raise
    except Exception as error:  # whatever a user's function may raise
        shapes = (
            f"pictures of shape {inputs[IMAGE].shape} (the size is set in data.features.image)"
            if picture_alone
            else "inputs " + ", ".join(f"{key} {given.shape}" for key, given in inputs.items())
        )
        cause = f"it looks for {error}" if isinstance(error, KeyError) else error
        raise SettingsError(
            f"trainer.network = {name!r} cannot be made for {shapes}: {_place(error, name)}{cause}"
        ) from error
    if tuple(model.output_shape) != (None, scores):
        what = "one real score per example"
        if scores > 1:
            what = f"one real score for each of the {scores} classes of data.features.label.classes"
        raise SettingsError(
            f"trainer.network = {name!r}: its output has shape {model.output_shape}; "
            f"expected (None, {scores}), {what}"
        )
    return model


def _functional(model: Any, inputs: Mapping[str, ModelInput], name: str) -> keras.Model:
    """A model of a user's own with inputs and one output that are known, whatever kind it is of."""
    if not isinstance(model, keras.Model):
        raise SettingsError(
            f"trainer.network = {name!r}: the function returned {type(model).__name__}; expected a Keras "
            "model. Return the model at its end"
        )
    known = bool(getattr(model, "inputs", None))
    given = _given(model) if known else argument(_inputs(inputs))
    found = model(given)
    if known and not isinstance(found, dict | list | tuple):
        return model
    flat = tf.nest.flatten(found)
    if len(flat) != 1:
        raise SettingsError(
            f"trainer.network = {name!r}: it has {len(flat)} outputs; expected one real score per example"
        )
    return keras.Model(given, flat[0], name=model.name)


def _given(model: keras.Model) -> Any:
    """What `model` is called with, as Keras has it: one tensor, or several by their names."""
    return model.inputs[0] if len(model.inputs) == 1 else model.input


def _place(error: Exception, name: str) -> str:
    """File and line of the user's module at which `error` was raised, if it was there."""
    file = f"{name.partition(':')[0].replace('.', '/')}.py"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [each.lineno for each in frames if each.filename.endswith(f"/{file}")]
    return f"{file}, line {lines[-1]}: {type(error).__name__}: " if lines else ""


def call(model: keras.Model, inputs: Mapping[str, tf.Tensor], training: bool) -> tf.Tensor:
    """Scores (n, 1); of several classes (n, classes)."""
    return model(argument(inputs), training=training)


def predictor(model: keras.Model) -> Callable[[Mapping[str, np.ndarray]], np.ndarray]:
    """The model in inference mode over whole columns, batch by batch: (n, ...) float32.

    For more than one call: it is compiled once.
    """
    compiled = tf.function(lambda inputs: call(model, inputs, training=False))

    def outputs(inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        count = len(next(iter(inputs.values())))
        found = np.empty((count, *model.output_shape[1:]), np.float32)
        for start in range(0, count, _BATCH):
            # The last rows are computed again, so that every batch has the same size.
            start = max(0, min(start, count - _BATCH))
            part = slice(start, start + _BATCH)
            rows = {name: tf.constant(column[part]) for name, column in inputs.items()}
            found[part] = compiled(rows).numpy()
            forget(*inputs.values())
        return found

    return outputs


def argument(inputs: Mapping[str, tf.Tensor]) -> tf.Tensor | dict[str, tf.Tensor]:
    """What a network is called with: a single input as a tensor, several as a mapping."""
    return next(iter(inputs.values())) if len(inputs) == 1 else dict(inputs)


def split(model: keras.Model, trained: int = 1) -> tuple[keras.Model, keras.Model]:
    """(body, head): head(body(x)) is model(x), and both share its variables.

    Args:
      model: Sequential or functional.
      trained: how many of the last layers with weights belong to the head.

    Raises:
      SettingsError: the model has no such place: it is of another kind, has fewer layers with
        weights, or a connection leads around them.
    """
    weighted = [layer for layer in getattr(model, "layers", ()) if layer.weights]
    if not 1 <= trained <= len(weighted):
        raise SettingsError(
            f"network {model.name!r}: cannot train its last {trained} layer(s) alone: it has "
            f"{len(weighted)} with weights"
        )
    try:
        seam = weighted[-trained].input
        source = model.inputs[0] if len(model.inputs) == 1 else model.input
        body = keras.Model(source, seam, name=f"{model.name}_body")
        return body, keras.Model(seam, model.outputs[0], name=f"{model.name}_head")
    except (AttributeError, ValueError) as error:
        raise SettingsError(
            f"network {model.name!r} cannot be taken apart before its layer {weighted[-trained].name!r}: "
            f"{error}. Use a Sequential or functional model in which everything passes that layer"
        ) from error


def has_score_bias(model: keras.Model) -> bool:
    """Whether the last weight of `model` is a bias that is added to its score last of all."""
    last = getattr(model, "layers", [None])[-1]
    return (
        isinstance(last, layers.Dense)
        and last.units == 1
        and last.use_bias
        and last.activation is keras.activations.linear
        and bool(model.weights)
        and model.weights[-1] is last.bias
    )


def uses_convolution(model: keras.Model) -> bool:
    """Whether `model` has a convolution, which XLA runs on one core only on a CPU."""
    # In the graph, so that it is found in whatever layer or function it is.
    graph = traced(model, 2).as_graph_def()
    nodes = [*graph.node, *(node for each in graph.library.function for node in each.node_def)]
    return any("Conv" in node.op for node in nodes)


def traced(model: keras.Model, rows: int) -> tf.Graph:
    """What `model` does with so many examples, in inference mode, as a graph of operations."""
    examples = tf.nest.map_structure(
        lambda given: tf.TensorSpec((rows, *given.shape[1:]), given.dtype), _given(model)
    )
    inference = tf.function(lambda inputs: model(inputs, training=False))
    return inference.get_concrete_function(examples).graph


def _inputs(given: Mapping[str, ModelInput]) -> dict[str, keras.KerasTensor]:
    return {
        name: layers.Input(spec.shape, dtype=spec.dtype, name=name) for name, spec in given.items()
    }


def _scored(inputs: dict[str, Any], x: keras.KerasTensor, name: str, scores: int) -> keras.Model:
    # In float32 whatever the precision of the rest: rates are counted on the sign of this number.
    score = layers.Dense(scores, name="score", dtype="float32")(x)
    return keras.Model(
        next(iter(inputs.values())) if len(inputs) == 1 else inputs, score, name=name
    )


def _pixels(inputs: Mapping[str, keras.KerasTensor]) -> keras.KerasTensor:
    """The picture from -1 to 1."""
    return layers.Rescaling(1 / 127.5, offset=-1)(inputs[IMAGE])


def _numbers(inputs: Mapping[str, keras.KerasTensor]) -> list[keras.KerasTensor]:
    return [inputs[NUMERIC]] if NUMERIC in inputs else []


def _table(
    inputs: Mapping[str, keras.KerasTensor], given: Mapping[str, ModelInput]
) -> list[keras.KerasTensor]:
    """Numbers, and an embedding of each category: what there is of them."""
    parts = _numbers(inputs)
    if CATEGORICAL in inputs:
        sizes = given[CATEGORICAL].vocabulary_sizes
        # All columns share one table, so that a step looks up once; the largest decides the width.
        width = min(16, max(2, math.ceil(math.sqrt(max(sizes)))))
        embedded = layers.Embedding(sum(sizes), width)(_table_rows(inputs, given))
        parts.append(layers.Flatten()(embedded))
    return parts


def _table_rows(
    inputs: Mapping[str, keras.KerasTensor], given: Mapping[str, ModelInput]
) -> keras.KerasTensor:
    """Indices of each column -> rows of a table in which the columns' vocabularies follow each other."""
    sizes = given[CATEGORICAL].vocabulary_sizes
    starts = [0, *itertools.accumulate(sizes[:-1])]
    return inputs[CATEGORICAL] + keras.ops.convert_to_tensor([starts], dtype="int32")


def _joined(parts: list[keras.KerasTensor]) -> keras.KerasTensor:
    return parts[0] if len(parts) == 1 else layers.Concatenate()(parts)


def _residual_block(x: keras.KerasTensor, width: int, stride: int) -> keras.KerasTensor:
    convolution = {"padding": "same", "use_bias": False}
    around = x
    if stride != 1 or x.shape[-1] != width:
        around = _normalized(layers.Conv2D(width, 1, strides=stride, **convolution)(x))
    x = layers.Conv2D(width, 3, strides=stride, **convolution)(x)
    x = layers.Activation("relu")(_normalized(x))
    x = _normalized(layers.Conv2D(width, 3, **convolution)(x), gamma_initializer="zeros")
    return layers.Activation("relu")(layers.Add()([around, x]))


def _normalized(x: keras.KerasTensor, **arguments: Any) -> keras.KerasTensor:
    return layers.GroupNormalization(groups=8, **arguments)(x)


def _find(name: str) -> Callable[..., keras.Model]:
    if name in NETWORKS:
        return NETWORKS[name]
    module, colon, function = name.partition(":")
    expected = f"expected one of {', '.join(NETWORKS)}, or module:function"
    if not colon:
        raise SettingsError(f"trainer.network = {name!r}: no such network; {expected}")
    try:
        found = getattr(importlib.import_module(module), function)
    except Exception as error:  # a user's module may raise anything
        place = _place(error, name) or _syntax(error)
        raise SettingsError(f"trainer.network = {name!r}: {place}{error}; {expected}") from None
    _require_own_file(name, module)
    if not callable(found):
        raise SettingsError(f"trainer.network = {name!r}: {found!r} is not a function; {expected}")
    return found


def _syntax(error: Exception) -> str:
    return f"{error.filename}, line {error.lineno}: " if isinstance(error, SyntaxError) else ""


def _require_own_file(name: str, module: str) -> None:
    """Raises SettingsError where another module of this name stands before the user's file."""
    file = pathlib.Path(f"{module.replace('.', '/')}.py")
    found = getattr(sys.modules.get(module), "__file__", None)
    if file.is_file() and found and not file.samefile(found):
        raise SettingsError(
            f"trainer.network = {name!r}: {file} is here, but another module is called {module!r}, too "
            f"({found}), and comes first. Give the file another name"
        )
