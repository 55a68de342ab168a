"""Losses of net costs."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf

from fairgate.optimization import losses


def apply(loss, scores, costs, **options):
    weights = tf.constant(costs, tf.float32)[:, tf.newaxis, :]
    return loss(tf.constant(scores, tf.float32), weights, **options).numpy()[:, 0]


def test_ties_count_half():
    np.testing.assert_allclose(apply(losses.zero_one, [1, -1, 0], [[3, 5]] * 3), [3, 5, 4])


def test_hinge_is_the_plain_hinge_of_the_dearer_sign():
    np.testing.assert_allclose(apply(losses.hinge, [0.5, -2], [[1, 0], [1, 0]]), [1.5, 0])
    np.testing.assert_allclose(apply(losses.hinge, [0.5], [[-1, 0]]), [-1 + 0.5])
    np.testing.assert_allclose(apply(losses.hinge, [0.5], [[1, 0]], margin=0.25), [0.75])


def test_cross_entropy_is_the_log_loss():
    np.testing.assert_allclose(
        apply(losses.softmax_cross_entropy, [0, 2], [[0, 1], [1, 0]]),
        [math.log(2), math.log1p(math.exp(2))],
        rtol=1e-6,
    )


@pytest.mark.parametrize(
    "loss", [losses.zero_one, losses.hinge, losses.softmax, losses.softmax_cross_entropy]
)
def test_equal_costs_leave_nothing_to_choose(loss):
    np.testing.assert_allclose(apply(loss, [-3, 0, 7], [[2, 2]] * 3), [2, 2, 2], rtol=1e-6)


def test_hinge_bounds_zero_one_from_above():
    rng = np.random.default_rng(0)
    scores, costs = rng.normal(size=500), rng.normal(size=(500, 2))
    assert np.all(
        apply(losses.hinge, scores, costs) >= apply(losses.zero_one, scores, costs) - 1e-5
    )


def test_constraints_are_evaluated_side_by_side():
    costs = np.random.default_rng(0).normal(size=(5, 3, 2)).astype("float32")
    together = losses.hinge(tf.range(5.0), tf.constant(costs)).numpy()
    assert together.shape == (5, 3)
    for column in range(3):
        alone = apply(losses.hinge, np.arange(5), costs[:, column])
        np.testing.assert_allclose(together[:, column], alone, rtol=1e-6)


def test_a_negative_margin_is_refused():
    with pytest.raises(ValueError, match="margin"):
        apply(losses.hinge, [0], [[1, 0]], margin=-1)


def test_values_are_those_of_the_reference(reference):
    for case in reference["losses"]:
        name, *margin = case["loss"]
        options = {"margin": margin[0]} if margin else {}
        values = apply(getattr(losses, name), case["scores"], case["costs"], **options)
        np.testing.assert_allclose(values, case["values"], rtol=1e-5, atol=1e-5, err_msg=case["id"])
