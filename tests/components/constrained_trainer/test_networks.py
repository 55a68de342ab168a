"""The networks: one score for each picture, and in words what else was given."""

from __future__ import annotations

import numpy as np
import pytest

from components.constrained_trainer import networks
from components.constrained_trainer.config import BUILT_IN_NETWORKS
from components.errors import SettingsError

TOY = "tests.components.constrained_trainer.toy"


@pytest.mark.parametrize("name", [*networks.NETWORKS, f"{TOY}:linear_network"])
@pytest.mark.parametrize("shape", [(28, 28, 3), (64, 64, 1), (16, 20, 3)])
def test_every_network_gives_one_real_score_for_each_picture(name, shape):
    model = networks.build(name, shape, seed=0)
    pictures = np.random.default_rng(0).integers(0, 256, (7, *shape), dtype=np.uint8)
    scores = np.asarray(model(pictures, training=False))
    assert scores.shape == (7, 1) and scores.dtype == np.float32 and np.isfinite(scores).all()
    assert len(np.unique(scores)) == 7  # the picture matters


def test_the_settings_know_the_names_of_the_built_in_networks():
    assert set(BUILT_IN_NETWORKS) == set(networks.NETWORKS)


def test_the_reference_network_has_the_parameters_of_the_tutorials():
    assert networks.build("mlp", (28, 28, 3), seed=0).count_params() == (28 * 28 * 3 + 1) * 64 + 65


@pytest.mark.parametrize("name", list(networks.NETWORKS))
def test_the_seed_decides_the_weights(name):
    one, same, other = (networks.build(name, (28, 28, 3), seed) for seed in (5, 5, 6))
    for a, b in zip(one.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(one.get_weights()[0], other.get_weights()[0])


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("resnet", "no such network; expected one of mlp, cnn"),
        ("no_such_module:network", "no_such_module"),
        (f"{TOY}:no_such_function", "no_such_function"),
        (f"{TOY}:two_scores", "(None, 2)"),
        (f"{TOY}:GROUPS", "not a function"),
        ("tests.components.constrained_trainer.toy:", "module:function"),
    ],
)
def test_what_is_no_network_is_named(name, part):
    with pytest.raises(SettingsError) as error:
        networks.build(name, (8, 8, 3), seed=0)
    assert f"trainer.network = {name!r}" in str(error.value) and part in str(error.value)


def test_a_picture_too_small_for_a_network_names_the_setting():
    with pytest.raises(SettingsError, match=r"trainer\.network = 'cnn'.*\(4, 4, 3\)"):
        networks.build("cnn", (4, 4, 3), seed=0)
