"""The networks: one score for each example, and in words what else was given."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.constrained_trainer.config import BUILT_IN_NETWORKS
from components.constrained_trainer.models import networks
from components.transform.inputs import ModelInput
from fairgate.errors import SettingsError

TOY = "tests.components.constrained_trainer.toy"


TABLE = {
    "numeric": ModelInput((3,), "float32"),
    "categorical": ModelInput((2,), "int32", (4, 9)),
}


def picture(*shape: int) -> dict[str, ModelInput]:
    return {"image": ModelInput(shape, "uint8")}


def examples(given: dict[str, ModelInput], n: int) -> dict[str, np.ndarray]:
    """`n` different examples of every input."""
    rng = np.random.default_rng(0)
    made = {}
    for name, spec in given.items():
        if name == "image":
            made[name] = rng.integers(0, 256, (n, *spec.shape), dtype=np.uint8)
        elif name == "numeric":
            made[name] = rng.normal(size=(n, *spec.shape)).astype(np.float32)
        else:
            columns = [rng.permutation(max(n, size)) % size for size in spec.vocabulary_sizes]
            made[name] = np.stack([column[:n] for column in columns], axis=1).astype(np.int32)
    return made


def scores(model: keras.Model, inputs: dict[str, np.ndarray], training: bool = False) -> np.ndarray:
    return np.asarray(networks.call(model, inputs, training=training))


KINDS = [
    *(("mlp", kind) for kind in ("picture", "table", "both")),
    *(("cnn", kind) for kind in ("picture", "both")),
    *(("resnet", kind) for kind in ("picture", "both")),
    *(("tabular", kind) for kind in ("table", "numbers", "categories")),
]
GIVEN = {
    "picture": picture(32, 36, 3),
    "table": TABLE,
    "both": picture(32, 36, 3) | TABLE,
    "numbers": {"numeric": TABLE["numeric"]},
    "categories": {"categorical": TABLE["categorical"]},
}


@pytest.mark.parametrize("name", ["mlp", "cnn", "resnet", f"{TOY}:linear_network"])
@pytest.mark.parametrize("shape", [(28, 28, 3), (64, 64, 1), (16, 20, 3)])
def test_every_network_gives_one_real_score_for_each_picture(name, shape):
    model = networks.build(name, picture(*shape), seed=0)
    found = scores(model, examples(picture(*shape), 7))
    assert found.shape == (7, 1) and found.dtype == np.float32 and np.isfinite(found).all()
    assert len(np.unique(found)) == 7  # the picture matters


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_every_input_that_a_network_is_given_moves_its_score(name, kind):
    given = GIVEN[kind]
    model = networks.build(name, given, seed=0)
    inputs = examples(given, 6)
    before = scores(model, inputs)
    assert before.shape == (6, 1) and np.isfinite(before).all()
    for key, spec in given.items():
        for column in range(spec.shape[-1]):
            changed = {other: np.array(values) for other, values in inputs.items()}
            if key == "image":
                changed[key][..., column] = 255 - changed[key][..., column]
            elif key == "numeric":
                changed[key][:, column] += 1
            else:
                changed[key][:, column] = (changed[key][:, column] + 1) % spec.vocabulary_sizes[
                    column
                ]
            assert not np.allclose(scores(model, changed), before), (key, column)


def test_columns_do_not_share_the_rows_of_their_embedding():
    given = {"categorical": ModelInput((2,), "int32", (3, 3))}
    model = networks.build("tabular", given, seed=0)
    one, two = scores(model, {"categorical": np.array([[0, 2], [2, 0]], np.int32)})
    assert one != two
    assert model.get_weights()[0].shape[0] == 6
    # The last row is that of the last value of the last column, and of nothing else.
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(model(np.array([[2, 1]], np.int32)))
    slices = tape.gradient(total, model.trainable_variables[0])
    assert sorted(np.asarray(slices.indices).tolist()) == [2, 4]


@pytest.mark.parametrize("size", [64, 224])
def test_the_residual_network_takes_pictures_of_many_sizes_with_the_same_weights(size):
    model = networks.build("resnet", picture(size, size, 3), seed=0)
    assert model.count_params() == networks.build("resnet", GIVEN["picture"], 0).count_params()
    assert np.isfinite(scores(model, examples(picture(size, size, 3), 2))).all()


def test_a_score_of_the_residual_network_depends_on_its_own_example_alone():
    model = networks.build("resnet", GIVEN["picture"], seed=0)
    # Blocks start as the identity: scales other than zero let the normalization speak.
    model.set_weights([weight + 0.05 for weight in model.get_weights()])
    inputs = examples(GIVEN["picture"], 6)
    together = scores(model, inputs)
    np.testing.assert_allclose(scores(model, inputs, training=True), together, rtol=1e-4)
    alone = [scores(model, {"image": one[None]})[0] for one in inputs["image"]]
    np.testing.assert_allclose(alone, together, rtol=1e-4)
    assert np.ptp(together) > 1e-3


def test_blocks_of_the_residual_network_start_as_the_identity():
    model = networks.build("resnet", GIVEN["picture"], seed=0)
    silent = [
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.GroupNormalization) and not layer.gamma.numpy().any()
    ]
    assert len(silent) == 8


def test_the_settings_know_the_names_of_the_built_in_networks():
    assert set(BUILT_IN_NETWORKS) == set(networks.NETWORKS)


def test_the_reference_network_has_the_parameters_of_the_tutorials():
    model = networks.build("mlp", picture(28, 28, 3), seed=0)
    assert model.count_params() == (28 * 28 * 3 + 1) * 64 + 65


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_the_seed_decides_weights_and_dropout(name, kind):
    one, same, other = (networks.build(name, GIVEN[kind], seed) for seed in (5, 5, 6))
    for a, b in zip(one.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(one.get_weights()[0], other.get_weights()[0])
    inputs = examples(GIVEN[kind], 4)
    np.testing.assert_array_equal(scores(one, inputs, True), scores(same, inputs, True))


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("resnt", "no such network; expected one of mlp, cnn, resnet, tabular"),
        ("no_such_module:network", "no_such_module"),
        (f"{TOY}:no_such_function", "no_such_function"),
        (f"{TOY}:two_scores", "(None, 2)"),
        (f"{TOY}:GROUPS", "not a function"),
        ("tests.components.constrained_trainer.toy:", "module:function"),
    ],
)
def test_what_is_no_network_is_named(name, part):
    with pytest.raises(SettingsError) as error:
        networks.build(name, picture(8, 8, 3), seed=0)
    assert f"trainer.network = {name!r}" in str(error.value) and part in str(error.value)


def test_a_picture_too_small_for_a_network_names_the_setting():
    with pytest.raises(SettingsError, match=r"trainer\.network = 'cnn'.*\(4, 4, 3\)"):
        networks.build("cnn", picture(4, 4, 3), seed=0)


def test_a_network_without_the_input_it_looks_for_is_named():
    with pytest.raises(SettingsError, match=r"'cnn'.*numeric \(3,\).*looks for 'image'"):
        networks.build("cnn", TABLE, seed=0)


def of_two_inputs(given):
    """A network of the user's own, for more than a picture."""
    inputs = {name: keras.layers.Input(spec.shape, name=name) for name, spec in given.items()}
    return keras.Model(inputs, keras.layers.Dense(1)(inputs["numeric"]))


def test_a_network_of_ones_own_is_given_what_there_is():
    model = networks.build(f"{__name__}:of_two_inputs", TABLE, seed=0)
    assert scores(model, examples(TABLE, 3)).shape == (3, 1)


# Taking a network apart.


@pytest.mark.parametrize(("name", "kind"), [*KINDS, (f"{TOY}:linear_network", "picture")])
def test_body_and_head_together_are_the_network(name, kind):
    model = networks.build(name, GIVEN[kind], seed=3)
    body, head = networks.split(model)
    inputs = examples(GIVEN[kind], 5)
    features = networks.call(body, inputs, training=False)
    np.testing.assert_array_equal(head(features, training=False), scores(model, inputs))
    # They are the same variables, each in one of the two.
    ours = [id(v) for part in (body, head) for v in part.trainable_variables]
    assert sorted(ours) == sorted(id(v) for v in model.trainable_variables)
    assert sum(bool(layer.weights) for layer in head.layers) == 1
    head.trainable_variables[-1].assign_add([1.0])
    np.testing.assert_allclose(scores(model, inputs), head(features, training=False), rtol=1e-6)


def test_a_sequential_network_can_be_taken_apart():
    layers = [keras.layers.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    body, head = networks.split(model)
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    np.testing.assert_array_equal(head(body(x)), model(x))
    assert body.output_shape == (None, 3)


def test_several_last_layers_can_be_trained():
    model = networks.build("tabular", TABLE, seed=0)
    body, head = networks.split(model, trained=2)
    inputs = examples(TABLE, 5)
    features = networks.call(body, inputs, training=False)
    assert features.shape == (5, 64) and len(head.trainable_variables) == 4
    np.testing.assert_array_equal(head(features), scores(model, inputs))


@pytest.mark.parametrize("trained", [0, 5])
def test_more_layers_than_there_are_is_refused(trained):
    with pytest.raises(SettingsError, match=f"its last {trained} layer.*it has 4 with weights"):
        networks.split(networks.build("tabular", TABLE, seed=0), trained)


def test_a_network_with_a_way_around_its_last_layer_is_refused():
    x = keras.layers.Input((4,))
    hidden = keras.layers.Dense(1)(x)
    around = keras.layers.Add()([hidden, keras.layers.Dense(1)(hidden)])
    with pytest.raises(SettingsError, match="everything passes that layer"):
        networks.split(keras.Model(x, keras.layers.Add()([around, x[:, :1]])))
