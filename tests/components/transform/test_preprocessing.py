"""Decode, resize, name the groups: against closed forms, and through Transform's own tracing."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tfx.utils import json_utils

from components import pictures
from components.features import Features, ImageFeature
from components.transform import preprocessing
from tests.tiny_dataset import GROUP, IMAGE, LABEL, World, jpeg


def constant(value: int, height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


# Decode and resize.


@pytest.mark.parametrize("value", [0, 17, 128, 255])
@pytest.mark.parametrize(
    ("size", "seen"),
    [((218, 178), (28, 28)), ((64, 64), (64, 64)), ((9, 31), (28, 12)), ((1, 1), (4, 4))],
)
def test_a_picture_of_one_colour_stays_of_that_colour(value, size, seen):
    image = ImageFeature(height=seen[0], width=seen[1], channels=3)
    pixels = pictures.decode(jpeg(constant(value, *size)), image).numpy()
    assert pixels.shape == image.shape and pixels.dtype == np.uint8
    np.testing.assert_allclose(pixels.astype(int), value, atol=1)  # a JPEG may round by one


def test_downsizing_averages():
    # Black and white columns in turn: a picture that keeps one pixel in eight is black or white.
    stripes = constant(0, 64, 64)
    stripes[:, ::2] = 255
    image = ImageFeature(height=8, width=8, channels=3)
    pixels = pictures.decode(jpeg(stripes, quality=100), image).numpy().astype(int)
    np.testing.assert_allclose(pixels, 127.5, atol=4)


def test_a_checkerboard_keeps_its_squares_when_each_becomes_a_pixel():
    white = np.indices((4, 4)).sum(0) % 2 == 1
    board = np.kron(white * 200, np.ones((16, 16)))[..., None] * np.ones(3)
    image = ImageFeature(height=4, width=4, channels=3)
    pixels = pictures.decode(jpeg(board.astype(np.uint8), quality=100), image).numpy()
    np.testing.assert_allclose(pixels, np.repeat(white[..., None] * 200.0, 3, axis=2), atol=2)


def area_weights(size: int, seen: int) -> np.ndarray:
    """(seen, size): the share of each of `size` pixels in each of `seen` that cover as much."""
    edges = np.linspace(0, size, seen + 1)
    starts = np.arange(size)
    overlap = np.minimum(edges[1:, None], starts + 1) - np.maximum(edges[:-1, None], starts)
    return np.clip(overlap, 0, None) * seen / size


@pytest.mark.parametrize(("size", "seen"), [((218, 178), (28, 28)), ((30, 45), (8, 9))])
def test_each_pixel_is_the_mean_of_the_area_it_covers(size, seen):
    rng = np.random.default_rng(0)
    coarse = rng.integers(40, 216, (-(-size[0] // 5), -(-size[1] // 5), 1))
    picture = np.kron(coarse, np.ones((5, 5, 3)))[: size[0], : size[1]].astype(np.uint8)
    encoded = jpeg(picture, grey=True, quality=95)
    decoded = tf.io.decode_jpeg(encoded).numpy()[..., 0].astype(float)
    weights = [area_weights(*pair) for pair in zip(size, seen, strict=True)]
    image = ImageFeature(height=seen[0], width=seen[1], channels=1)
    pixels = pictures.decode(encoded, image).numpy()[..., 0]
    np.testing.assert_allclose(pixels, weights[0] @ decoded @ weights[1].T, atol=0.51)


def test_a_gradient_stays_a_gradient():
    ramp = np.linspace(0, 255, 64)[None, :, None] * np.ones((64, 1, 3))
    image = ImageFeature(height=8, width=8, channels=3)
    pixels = pictures.decode(jpeg(ramp.astype(np.uint8)), image).numpy().astype(float)
    centres = (np.arange(8) + 0.5) * 8 - 0.5
    expected = 255 / 63 * centres
    np.testing.assert_allclose(pixels[..., 0], np.tile(expected, (8, 1)), atol=3)


@pytest.mark.parametrize("grey", [True, False])
@pytest.mark.parametrize("channels", [1, 3])
def test_grey_and_colour_are_turned_into_each_other(grey, channels):
    encoded = jpeg(constant(90, 20, 20), grey=grey)
    image = ImageFeature(height=5, width=6, channels=channels)
    pixels = pictures.decode(encoded, image).numpy()
    assert pixels.shape == (5, 6, channels)
    np.testing.assert_allclose(pixels.astype(int), 90, atol=1)


def test_colours_stay_apart():
    red = constant(0, 32, 32)
    red[..., 0] = 200
    pixels = pictures.decode(jpeg(red), ImageFeature(height=4, width=4)).numpy().astype(int)
    np.testing.assert_allclose(pixels, np.broadcast_to([200, 0, 0], (4, 4, 3)), atol=3)


def test_what_is_no_jpeg_is_an_error():
    with pytest.raises(tf.errors.InvalidArgumentError):
        pictures.decode(b"not a picture", ImageFeature())


# Bytes.


@settings(deadline=None)  # the first call of every shape traces
@given(
    st.integers(4, 12).flatmap(
        lambda height: arrays.arrays(
            np.uint8,
            st.tuples(st.integers(1, 3), st.just(height), st.just(5), st.sampled_from([1, 3])),
        )
    )
)
def test_pixels_come_back_from_their_bytes(pictures):
    image = ImageFeature(
        height=pictures.shape[1], width=pictures.shape[2], channels=pictures.shape[3]
    )
    strings = tf.stack(
        [preprocessing.pixels_to_bytes(tf.constant(picture)) for picture in pictures]
    )
    assert [len(s) for s in strings.numpy()] == [pictures[0].size] * len(pictures)
    assert strings.numpy()[0] == pictures[0].tobytes()
    np.testing.assert_array_equal(preprocessing.bytes_to_pixels(strings, image), pictures)


# The whole function.


def transform_config(world: World) -> dict[str, str]:
    return {"features": world.features.model_dump_json(), "code": "ignored"}


@pytest.mark.parametrize(
    "world",
    [
        World(),
        World(groups={"Red": 1, "Blue": 0, "Green": 2}, grey=True),
        World(groups={"Blue": "b", "Red": "r"}, labels=("sad", "happy"), seen=(5, 7)),
    ],
    ids=["two groups", "three groups, grey", "text"],
)
@pytest.mark.parametrize("form", ["dense", "column", "sparse"])
def test_records_become_pixels_labels_and_group_indices(world, form):
    people = world.people(12, seed=3)
    rows = [world.columns(person) for person in people]

    def tensor(name):
        values = [row[name] for row in rows]
        kind = tf.string if isinstance(values[0], str | bytes) else tf.int64
        flat = tf.constant(values, kind)
        if form == "sparse":
            places = [[row, 0] for row in range(len(rows))]
            return tf.SparseTensor(places, flat, [len(rows), 1])
        return flat if form == "dense" else flat[:, None]

    inputs = {name: tensor(name) for name in (IMAGE, LABEL, GROUP)}
    config = json_utils.loads(json_utils.dumps(transform_config(world)))  # as Transform passes it
    outputs = tf.function(lambda given: preprocessing.preprocessing_fn(given, config))(inputs)
    assert set(outputs) == {"image_bytes", "label", "group/Team"}
    assert outputs["label"].numpy().tolist() == [person.label for person in people]
    order = list(world.groups)
    expected = [[int(name == person.group) for name in order] for person in people]
    assert outputs["group/Team"].numpy().tolist() == expected
    image = world.features.image
    pixels = preprocessing.bytes_to_pixels(outputs["image_bytes"], image).numpy()
    for shown, person in zip(pixels, people, strict=True):
        np.testing.assert_array_equal(shown, pictures.decode(person.jpeg, image))


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"weight": "w", "largest_weight": 2.0, "unit": "u"},
        {"numeric": ["n"]},
        {"categorical": ["c"]},
        {"numeric": ["n"], "categorical": ["c"], "image": None},
    ],
)
def test_it_is_known_whether_training_data_are_analyzed(more):
    features = Features(**(World().features.model_dump(exclude_unset=True) | more))
    kinds = {IMAGE: tf.string, LABEL: tf.int64, GROUP: tf.int64, "w": tf.float32, "u": tf.string}
    kinds |= {"n": tf.float32, "c": tf.string}
    config = {"features": features.model_dump_json()}
    analyzed = tft.get_analyze_input_columns(
        lambda given: preprocessing.preprocessing_fn(given, config),
        {name: tf.TensorSpec([None], kind) for name, kind in kinds.items()},
    )
    assert bool(analyzed) == preprocessing.learns(features)


def test_a_value_that_no_group_has_is_in_none():
    world = World()
    person = world.people(1, seed=0)[0]
    outputs = preprocessing.preprocessing_fn(
        {
            IMAGE: tf.constant([person.jpeg]),
            LABEL: tf.constant([5], tf.int64),
            GROUP: tf.constant([9], tf.int64),
        },
        transform_config(world),
    )
    assert outputs["label"].numpy() == [-1]
    assert outputs["group/Team"].numpy().tolist() == [[0, 0]]
