"""Where the numbers of a rate come from: functions of a minibatch, or constants.

An expression is written once and evaluated on every minibatch, so its inputs are given as

* a function of the minibatch, `lambda batch: batch["labels"]`: for compiled loops and `fit`;
* a function of nothing, `lambda: model(features)`: evaluated anew every time;
* a constant (array, number) or a `tf.Variable`, where nothing depends on the minibatch.

Two inputs are the same input if they are the same object: pass one function, not two equal
lambdas, and the rates over it share their denominators and merge their costs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import tensorflow as tf

Batch = Any
T = TypeVar("T")


class Hidden(Generic[T]):
    """Keeps a value out of sight of tf.Module and Checkpoint, which look into dicts and tuples."""

    def __init__(self, value: T) -> None:
        self.value = value


class Source:
    """One input, compared by identity of what it was made from.

    Raises:
        TypeError: for a callable that needs more than one argument.
    """

    def __init__(self, origin: Any) -> None:
        self.origin = origin
        self._arity = _arity(origin) if callable(origin) else None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Source) and self.origin is other.origin

    def __hash__(self) -> int:
        return id(self.origin)

    def read(self, batch: Batch) -> tf.Tensor:
        """The value on a minibatch, as a tensor."""
        if self._arity is None:
            return tf.convert_to_tensor(self.origin)
        value = self.origin(batch) if self._arity else self.origin()
        return tf.convert_to_tensor(value)


def as_source(origin: Any) -> Source:
    """A `Source` of anything it can be made from; sources pass through."""
    return origin if isinstance(origin, Source) else Source(origin)


def as_predictions(origin: Any) -> Source:
    """The same for model outputs, which must be able to change.

    Raises:
        TypeError: for a tensor or an array: it would be frozen at its present value, and no
            gradient could flow through it.
    """
    source = as_source(origin)
    if not callable(source.origin) and not isinstance(source.origin, tf.Variable):
        raise TypeError(
            "predictions must be a function, like lambda batch: model(batch['x']), not "
            f"{type(origin).__name__}: a value would stay as it is while the model trains"
        )
    return source


class Evaluation:
    """Everything that is computed at most once while a problem is evaluated on one minibatch.

    Args:
        batch: what functions of the minibatch are called with.
        slacks: the variable of each slack.
        denominators: (weights, predicate) -> () float32, the running denominators.
    """

    def __init__(
        self,
        batch: Batch,
        slacks: Mapping[Any, tf.Variable] | None = None,
        denominators: Callable[[Any], tf.Tensor] | None = None,
    ) -> None:
        self._batch = batch
        self._slacks = slacks or {}
        self._denominators = denominators
        self._known: dict[Any, tf.Tensor] = {}

    def once(self, key: Any, compute: Callable[[], tf.Tensor]) -> tf.Tensor:
        """`compute()`, or what it was the first time for this key."""
        if key not in self._known:
            self._known[key] = compute()
        return self._known[key]

    def read(self, source: Source) -> tf.Tensor:
        """The value of an input on this minibatch."""
        return self.once(source, lambda: source.read(self._batch))

    def floats(self, source: Source) -> tf.Tensor:
        """The value as float32: half precision is too coarse for costs of rare groups."""
        return self.once((source, "float"), lambda: tf.cast(self.read(source), tf.float32))

    def slack(self, slack: Any) -> tf.Tensor:
        """The present value of a slack variable."""
        return self.once(slack, lambda: tf.convert_to_tensor(self._slacks[slack]))

    def known(self, key: Any) -> tf.Tensor:
        """What `once` or `learn` were told under this key. KeyError if nothing."""
        return self._known[key]

    def learn(self, key: Any, value: tf.Tensor) -> None:
        """Keeps a value that was computed elsewhere."""
        self._known[key] = value

    def denominator(self, key: Any) -> tf.Tensor:
        """() float32: the running mean of weight * membership of a denominator set."""
        if self._denominators is None:
            raise RuntimeError("no denominators here: they are only known to a problem")
        compute = self._denominators
        return self.once((key, "denominator"), lambda: compute(key))


def _arity(function: Callable[..., Any]) -> int:
    """0 or 1: how many arguments the function needs."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 0
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [p for p in parameters if p.default is p.empty and p.kind in positional]
    if len(needed) > 1:
        raise TypeError(
            f"{function!r} needs {len(needed)} arguments; an input is a function of the "
            "minibatch, or of nothing"
        )
    return len(needed)
