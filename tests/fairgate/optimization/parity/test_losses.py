"""Losses and their gradients against the reference implementation."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tests.fairgate.optimization.parity.cases import Case, close, loss, parameters


@pytest.mark.parametrize("case", parameters("1.losses"))
def test_losses_are_those_of_the_reference(case: Case) -> None:
    inputs, expected = case["inputs"], case["expected"]
    scores = tf.Variable(np.asarray(inputs["scores"], np.float32))
    costs = tf.constant(inputs["costs"], tf.float32)
    function = loss(inputs["loss"])
    with tf.GradientTape() as tape:
        evaluate = function.binary if scores.shape.rank == 1 else function.multiclass
        values = evaluate(scores, costs)
        total = tf.reduce_sum(values)
    close(values, expected["values"])
    if not function.is_differentiable:
        return
    gradient = np.asarray(tape.gradient(total, scores))
    wanted = np.asarray(expected["gradient_of_sum_wrt_scores"])
    # At kinks and ties any subgradient will do.
    close(
        np.where(smooth(inputs, gradient), gradient, 0),
        np.where(smooth(inputs, gradient), wanted, 0),
    )


def smooth(inputs: Case, like: np.ndarray) -> np.ndarray:
    """Where the hinge has no kink and no two classes tie."""
    scores, costs = np.asarray(inputs["scores"]), np.asarray(inputs["costs"])
    if inputs["loss"][0] != "hinge":
        return np.ones_like(like, bool)
    margin = inputs["loss"][1]
    if scores.ndim == 1:
        return np.abs(np.abs(scores) - margin) > 1e-6
    costs = np.broadcast_to(costs, scores.shape)
    clear = np.ones(len(scores), bool)
    for row in range(len(scores)):
        f = scores[row][np.argsort(costs[row], kind="stable")]
        for j in range(1, len(f)):
            dearer = np.sort(f[j:])
            clear[row] &= len(dearer) < 2 or dearer[-1] - dearer[-2] > 1e-6
            clear[row] &= abs(margin + dearer[-1] - f[:j].mean()) > 1e-6
        clear[row] &= len(set(costs[row])) == len(costs[row])
    return np.repeat(clear[:, None], scores.shape[1], axis=1)
