"""The values of all forms of a problem on one minibatch, computed together.

Forms that apply the same loss to the same scores differ only in their costs, so these are laid out
as (rows, forms, classes) and the loss is called once: a problem of a thousand constraints is a
handful of operations.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.constrained_optimization.problems.forms import Cost, DenominatorKey, Form, Scores
from components.constrained_optimization.problems.losses import Loss
from components.constrained_optimization.problems.sources import Evaluation

Pair = tuple[DenominatorKey, DenominatorKey]


def evaluate(forms: Sequence[Form], evaluation: Evaluation) -> list[tf.Tensor]:
    """The value of each form, () float32: see `forms` for the formula."""
    everything = list(dict.fromkeys(inner for form in forms for inner in form.within()))
    linear = tf.constant([form.constant for form in everything], tf.float32)
    for key in dict.fromkeys(key for form in everything for key in form.costs):
        linear += _of_loss(*key, everything, evaluation)
    parts = tf.unstack(linear)
    for place, form in enumerate(everything):
        for factor, scalar in form.scalars:
            parts[place] += factor * scalar.value(evaluation)
        evaluation.learn(form, parts[place])
    return [evaluation.known(form) for form in forms]


def _of_loss(
    scores: Scores, loss: Loss, forms: Sequence[Form], evaluation: Evaluation
) -> tf.Tensor:
    """(len(forms),): mean over the rows of the loss of each form's net costs, 0 where it has none."""
    costs = [form.costs.get((scores, loss)) for form in forms]
    users = [terms for terms in costs if terms is not None]
    z = scores.value(evaluation)
    net = tf.stop_gradient(_net_costs(users, tf.shape(z)[0], evaluation))
    flat = tf.reshape(net, [-1, net.shape[-1]])
    # Each row as often as there are users; tf.repeat takes ten times as long in eager mode.
    tail = z.shape[1:].as_list()
    copies = tf.broadcast_to(z[:, tf.newaxis], [tf.shape(z)[0], len(users), *tail])
    repeated = tf.reshape(copies, [-1, *tail])
    each = (loss.binary if scores.num_classes is None else loss.multiclass)(repeated, flat)
    means = tf.reduce_mean(tf.reshape(each, [-1, len(users)]), axis=0)
    # Forms without this loss take the zero at the end.
    counter = iter(range(len(users)))
    places = [len(users) if terms is None else next(counter) for terms in costs]
    return tf.gather(tf.pad(means, [[0, 1]]), places)


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
