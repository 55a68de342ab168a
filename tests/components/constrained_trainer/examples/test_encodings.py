import keras
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from components.constrained_trainer.examples.encodings import (
    PiecewiseLinear,
    edges,
    number_of_bins,
    with_cuts,
)
from components.transform.inputs import ModelInput

NUMBERS = st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=60)


def test_edges_are_quantiles():
    [found] = edges(np.arange(1001.0)[:, None], 4)
    assert found == pytest.approx((0, 250, 500, 750, 1000))


def test_a_common_value_takes_no_more_than_one_bin():
    column = np.concatenate([np.zeros(9000), np.linspace(1, 1000, 1000)])
    [found] = edges(column[:, None], 8)
    assert found[0] == 0 and found[-1] == 1000
    assert sum(edge > 0 for edge in found) >= 4


@pytest.mark.parametrize("values", [[3.0], [0.0, 1.0], [np.nan, 2.0], [np.nan]])
def test_two_values_need_no_bins(values):
    [found] = edges(np.array(values * 5)[:, None], 8)
    assert len(found) == 2
    layer = PiecewiseLinear([found])
    assert layer(np.ones((2, 1), np.float32)).shape == (2, 1)


@pytest.mark.parametrize(
    ("examples", "columns", "expected"),
    [
        (10_000, 5, 96),
        (10_000, 20, 25),
        (10_000, 32, 16),
        (10_000, 33, 0),
        (10_000, 64, 0),
        (2_000, 3, 50),
        (100, 3, 16),
        (100, 0, 16),
    ],
)
def test_few_columns_are_cut_finely_where_there_are_examples_for_it(examples, columns, expected):
    assert number_of_bins(examples, columns) == expected


def test_columns_of_two_values_take_no_bins_from_the_others():
    number, flags = np.random.default_rng(0).random((4000, 1)), np.tile([[0.0], [1.0]], (2000, 30))
    cuts = edges(np.hstack([number, flags]))
    assert len(cuts[0]) == 97 and {len(each) for each in cuts[1:]} == {2}


@given(NUMBERS, st.integers(1, 20))
def test_edges_ascend_within_what_was_seen(values, bins):
    [found] = edges(np.array(values)[:, None], bins)
    assert list(found) == sorted(found)
    assert min(values) <= found[0] and found[-1] <= max(values)
    assert len(found) == (2 if len(set(values)) <= 2 else bins + 1)


def test_places_are_those_of_the_paper():
    layer = PiecewiseLinear([(0.0, 1.0, 3.0), (0.0, 1.0)])
    numbers = np.array([[-1, 0], [0.25, 1], [2, 1], [9, 0]], np.float32)
    expected = [[-1, 0, 0, 0], [0.25, 1, 0.25, 0], [2, 1, 1, 0.5], [9, 0, 1, 1]]
    np.testing.assert_allclose(layer(numbers), expected)
    assert layer.compute_output_shape((None, 2)) == (None, 4)
    assert not layer.trainable_weights and len(layer.get_weights()) == 2


def test_between_equal_edges_lies_nothing():
    layer = PiecewiseLinear([(0.0, 0.0, 1.0)])
    np.testing.assert_allclose(layer(np.array([[0.5]], np.float32)), [[0.5, 0, 0.5]])


@given(NUMBERS)
@example([0.0, 1.0, 1.8497139729087585e-43])
def test_places_tell_numbers_apart_as_they_lie(values):
    column = np.array(sorted(values), np.float32)[:, None]
    places = np.asarray(PiecewiseLinear(edges(column, 5))(column))
    assert np.isfinite(places).all() and (np.diff(places, axis=0) >= -1e-5).all()


def test_only_numbers_are_cut():
    given_ = {
        "numeric": ModelInput((2,), "float32"),
        "categorical": ModelInput((1,), "int32", (3,)),
    }
    found = with_cuts(given_, {"numeric": np.random.default_rng(0).normal(size=(50, 2))})
    assert len(found["numeric"].cuts) == 2 and found["categorical"] == given_["categorical"]


def test_a_place_is_float32_whatever_the_precision_of_the_rest():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        layer = PiecewiseLinear([(0.0, 1.0, 3.0)])
        assert layer(np.ones((1, 1), np.float32)).dtype == "float32"
    finally:
        keras.config.set_dtype_policy("float32")
