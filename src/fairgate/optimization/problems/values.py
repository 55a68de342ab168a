"""The values of all forms of a problem on one minibatch, computed together.

Forms that apply the same loss to the same predictions differ only in their costs and thresholds, so
these are laid out as (rows, users, classes) and the loss is called once: a problem of a thousand
constraints is a handful of operations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from fairgate.optimization.problems.forms import Cost, DenominatorKey, Form, Scores
from fairgate.optimization.problems.losses import Loss
from fairgate.optimization.problems.sources import Evaluation

# Of so many numbers it costs nothing to add up some.
_FEW = 4096

Pair = tuple[DenominatorKey, DenominatorKey]


class User(NamedTuple):
    """The costs of one form at one threshold: the form's place among all, which scores, the costs."""

    form: int
    scores: Scores
    costs: tuple[Cost, ...]


def evaluate(forms: Sequence[Form], evaluation: Evaluation) -> list[tf.Tensor]:
    """The value of each form, () float32: see `forms` for the formula."""
    everything = list(dict.fromkeys(inner for form in forms for inner in form.within()))
    linear = tf.constant([form.constant for form in everything], tf.float32)
    alike: dict[tuple[Scores, Loss], list[User]] = {}
    for place, form in enumerate(everything):
        for (scores, loss), costs in form.costs.items():
            users = alike.setdefault((scores.without_threshold(), loss), [])
            users.append(User(place, scores, costs))
    for (scores, loss), users in alike.items():
        means = _of_loss(scores, loss, users, evaluation)
        linear += _added_up(means, [user.form for user in users], len(everything))
    parts = tf.unstack(linear)
    for place, form in enumerate(everything):
        for factor, scalar in form.scalars:
            parts[place] += factor * scalar.value(evaluation)
        evaluation.learn(form, parts[place])
    return [evaluation.known(form) for form in forms]


def _of_loss(
    scores: Scores, loss: Loss, users: Sequence[User], evaluation: Evaluation
) -> tf.Tensor:
    """(len(users),) float32: mean over the rows of the loss of each user's net costs."""
    z = scores.value(evaluation)
    net = _net_costs([user.costs for user in users], tf.shape(z)[0], evaluation)
    flat = tf.reshape(tf.stop_gradient(net), [-1, net.shape[-1]])
    # Each row as often as there are users; tf.repeat takes ten times as long in eager mode.
    tail = z.shape[1:].as_list()
    copies = tf.broadcast_to(z[:, tf.newaxis], [tf.shape(z)[0], len(users), *tail])
    if any(user.scores.threshold is not None for user in users):
        copies -= _thresholds([user.scores for user in users], evaluation)
    repeated = tf.reshape(copies, [-1, *tail])
    each = (loss.binary if scores.num_classes is None else loss.multiclass)(repeated, flat)
    return tf.reduce_mean(tf.reshape(each, [-1, len(users)]), axis=0)


def _thresholds(scores: Sequence[Scores], evaluation: Evaluation) -> tf.Tensor:
    """(len(scores),) float32: the trained threshold of each, 0 where it has none."""
    slacks = list(dict.fromkeys(s.threshold for s in scores if s.threshold is not None))
    values = [tf.reshape(evaluation.slack(slack), [-1]) for slack in slacks]
    starts = dict(zip(slacks, np.cumsum([1, *(int(v.shape[0]) for v in values)]), strict=False))
    places = [0 if s.threshold is None else starts[s.threshold] + (s.index or 0) for s in scores]
    return tf.gather(tf.concat([tf.zeros([1]), *values], axis=0), places)


def _added_up(values: tf.Tensor, forms: Sequence[int], size: int) -> tf.Tensor:
    """(size,) float32: the sum of the values of each form, 0 where it has none."""
    if size * len(forms) <= _FEW:
        # The gradient of `gather` would be a scatter: kernels that nothing fuses with.
        mine = np.equal.outer(np.arange(size), np.asarray(forms))
        return tf.reduce_sum(tf.where(mine, values, 0.0), axis=1)
    users: list[list[int]] = [[] for _ in range(size)]
    for place, form in enumerate(forms):
        users[form].append(place)
    # Forms with fewer users than others take the zero at the end.
    chosen = np.full((size, max(map(len, users))), len(forms), np.int32)
    for form, places in enumerate(users):
        chosen[form, : len(places)] = places
    return tf.reduce_sum(tf.gather(tf.pad(values, [[0, 1]]), chosen), axis=1)


def _net_costs(
    users: Sequence[tuple[Cost, ...]], rows: tf.Tensor, evaluation: Evaluation
) -> tf.Tensor:
    """(rows, len(users), classes) float32."""
    merged = [_merged(terms) for terms in users]
    pairs = list(dict.fromkeys(pair for costs in merged for pair in costs))
    place = {pair: index for index, pair in enumerate(pairs)}
    shares = tf.stack([_share(pair, rows, evaluation) for pair in pairs], axis=1)
    # Gathered, not multiplied as matrices: tensor cores would round the costs to ten bits.
    width, classes = max(map(len, merged)), len(users[0][0].per_class)
    chosen = np.zeros((len(users), width), np.int32)
    factors = np.zeros((len(users), width, classes), np.float32)
    for row, costs in enumerate(merged):
        for column, (pair, per_class) in enumerate(costs.items()):
            chosen[row, column] = place[pair]
            factors[row, column] = per_class
    gathered = tf.gather(shares, chosen, axis=1)
    return tf.reduce_sum(tf.expand_dims(gathered, -1) * factors, axis=2)


def _merged(terms: Sequence[Cost]) -> dict[Pair, NDArray[np.float64]]:
    """Costs per class of each numerator and denominator; those that cancel do so exactly."""
    merged: dict[Pair, NDArray[np.float64]] = {}
    for term in terms:
        pair = (term.numerator, term.denominator)
        merged[pair] = merged.get(pair, 0.0) + term.factor * np.asarray(term.per_class)
    return merged


def _share(pair: Pair, rows: tf.Tensor, evaluation: Evaluation) -> tf.Tensor:
    """(rows,) float32: w u / D."""
    numerator, denominator = pair

    def compute() -> tf.Tensor:
        share = numerator.rows(evaluation) / evaluation.denominator(denominator)
        return tf.broadcast_to(share, [rows])

    return evaluation.once((pair, "share"), compute)
