"""What a trained model answers, without serving it: networks, draws and thresholds over arrays."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from components.constrained_trainer.examples.data import Split
from components.constrained_trainer.selection.cells import CellThresholds
from components.constrained_trainer.selection.snapshots import scorer
from fairgate.optimization.serving import draws_by_key


def scores(
    network: keras.Model,
    members: Sequence[tuple[float, Sequence[np.ndarray]]],
    rule: CellThresholds | None,
    split: Split,
    keys: Sequence[bytes] | None = None,
) -> np.ndarray:
    """(n,) float32, Yes above 0: what `serving.ServedModel` says of the same examples.

    Of several classes (n, classes).

    Args:
      network: whose architecture; its weights are as before afterwards.
      members: (probability, weights) of each snapshot, of which a draw picks one.
      rule: thresholds of each group's own; None: all have the same.
      split: the examples.
      keys: (n,) that draws are by; None: the bytes of each example's inputs.
    """
    said = _said(network, members, split)
    if len(members) == 1 and rule is None:
        return said[:, 0]
    draws = draws_by_key(tf.constant(_keys(split) if keys is None else list(keys)))
    # The last one is left out: whatever a draw is, it meets some member.
    upto = np.cumsum([p for p, _ in members])[:-1]
    met = (draws.numpy()[:, np.newaxis] >= upto).sum(axis=1)
    found = said[np.arange(len(split)), met]
    if rule is None:
        return found
    return rule.shifted(tf.constant(found), tf.constant(rule.cells.index(split)), draws).numpy()


def chances(
    network: keras.Model,
    members: Sequence[tuple[float, Sequence[np.ndarray]]],
    rule: CellThresholds | None,
    split: Split,
) -> np.ndarray:
    """(n,) float64: the probability of a Yes over draws, 0 or 1 where nothing is drawn.

    Of several classes (n, classes), that each is told.

    Arguments as for `scores`.
    """
    said, probabilities = _said(network, members, split), np.array([p for p, _ in members])
    if said.ndim == 3:
        told = np.eye(said.shape[2])[said.argmax(axis=2)]
        return np.einsum("nmk,m->nk", told, probabilities)
    if rule is None:
        return (said > 0) @ probabilities
    cells = rule.cells.index(split)
    found = np.zeros(len(split))
    for cell, (own, shares) in enumerate(zip(rule.thresholds, rule.shares, strict=True)):
        rows = cells == cell
        yes = said[rows][:, :, np.newaxis] > np.array(own)
        found[rows] = np.einsum("nmt,m,t->n", yes, probabilities, np.array(shares))
    return found


def _said(
    network: keras.Model, members: Sequence[tuple[float, Sequence[np.ndarray]]], split: Split
) -> np.ndarray:
    """(n, members) float32 scores, or (n, members, classes); `network` is as before afterwards."""
    before, score = network.get_weights(), scorer(network)
    said = []
    for _, weights in members:
        network.set_weights(weights)
        said.append(score(split))
    network.set_weights(before)
    return np.stack(said, axis=1)


def _keys(split: Split) -> list[bytes]:
    columns = [np.ascontiguousarray(column) for column in split.inputs.values()]
    return [b"".join(column[row].tobytes() for column in columns) for row in range(len(split))]
