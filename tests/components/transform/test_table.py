"""Numbers and categories through Transform: against closed forms, and with what is missing."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from components.constrained_trainer import serving
from components.constrained_trainer.models import networks
from components.features import SLICES_LABEL, Features, GroupFeature, LabelFeature
from components.transform.inputs import (
    ModelInput,
    model_inputs,
    transformed_feature_spec,
    unpack_inputs,
)
from tests.tiny_dataset import record
from tests.transforming import transform_rows

FEATURES = Features(
    numeric=["age", {"name": "gain", "scale": "log"}, "same", "when"],
    categorical=["work/place", "code", {"name": "country", "vocabulary": 2}, "sex"],
    label=LabelFeature(name="income", negative="<=50K", positive=">50K"),
    groups={"Gender": GroupFeature(name="sex", values={"Male": "m", "Female": "f"})},
)
ALWAYS = "presence { min_fraction: 1.0 min_count: 1 } shape {}"
MAYBE = "value_count { min: 1 max: 1 }"
SCHEMA = f"""
feature {{ name: "age" type: FLOAT {MAYBE} }}
feature {{ name: "gain" type: INT {MAYBE} }}
feature {{ name: "same" type: FLOAT {ALWAYS} }}
feature {{ name: "when" type: INT {ALWAYS} }}
feature {{ name: "work/place" type: BYTES {MAYBE} }}
feature {{ name: "code" type: INT {MAYBE} }}
feature {{ name: "country" type: BYTES {ALWAYS} }}
feature {{ name: "sex" type: BYTES {ALWAYS} }}
feature {{ name: "income" type: BYTES {ALWAYS} }}
"""
# age, gain, when, work, code, country, sex, income; None where nothing is known.
TABLE = [
    (20.0, 0, 1_700_000_001, "private", 7, "US", "m", "<=50K"),
    (30.0, 99_999, 1_700_000_002, "state", -3, "US", "f", ">50K"),
    (None, None, 1_700_000_003, "private", 7, "US", "m", "<=50K"),
    (float("nan"), -50, 1_700_000_004, None, None, "UK", "f", "<=50K"),
    (70.0, 0, 1_700_000_005, "private", 7, "UK", "m", ">50K"),
    (40.0, 10, 1_700_000_006, "", 12, "Fr", "f", "<=50K"),
]
NAMES = ("age", "gain", "when", "work/place", "code", "country", "sex", "income")
ROWS = [dict(zip(NAMES, row, strict=True)) | {"same": 3.0} for row in TABLE]


@pytest.fixture(scope="module")
def transformed(tmp_path_factory):
    """Transform's output, and the table as training sees it."""
    sparse = {"age", "gain", "work/place", "code"}
    rows = [{name: _encoded(value, name in sparse) for name, value in row.items()} for row in ROWS]
    return transform_rows(rows, SCHEMA, FEATURES, tmp_path_factory.mktemp("transform"))


def _encoded(value, sparse: bool):
    """A value as Transform takes it: text as bytes, and a list where there may be none."""
    value = value.encode() if isinstance(value, str) else value
    if not sparse:
        return value
    return [] if value is None else [value]


@pytest.fixture(scope="module")
def parsed(transformed):
    return tf.io.parse_example(transformed[1], transformed_feature_spec(FEATURES))


def standardized(values: list[float]) -> np.ndarray:
    x = np.array(values, np.float64)
    return (x - np.nanmean(x)) / np.nanstd(x)


def test_numbers_have_mean_0_and_variance_1_and_what_is_missing_is_the_mean(parsed):
    numeric = unpack_inputs(parsed, FEATURES)["numeric"].numpy()
    assert numeric.shape == (6, 4) and numeric.dtype == np.float32
    nan = float("nan")
    age = np.nan_to_num(standardized([20, 30, nan, nan, 70, 40]))
    np.testing.assert_allclose(numeric[:, 0], age, rtol=1e-5)
    assert numeric[2, 0] == numeric[3, 0] == 0
    logs = [0, np.log(100_000), nan, -np.log(51), 0, np.log(11)]
    np.testing.assert_allclose(numeric[:, 1], np.nan_to_num(standardized(logs)), rtol=1e-5)


@pytest.mark.filterwarnings("ignore:invalid value encountered in divide:RuntimeWarning")  # TFT's
def test_a_column_may_start_late_and_columns_are_scaled_each_by_its_own_numbers(tmp_path):
    rng = np.random.default_rng(0)
    numbers = rng.normal(rng.normal(size=5), 3, (24, 5)).astype(np.float32)
    given = rng.random((24, 5)) < 0.5
    given[:18, 1], given[18:, 1], given[:, 4] = False, True, True
    names = ["b", "late", "a", "d", "always"]
    rows = [
        {
            name: float(number) if name == "always" else [float(number)] * bool(there)
            for name, number, there in zip(names, row, known, strict=True)
        }
        | {"y": b"1", "g": b"m"}
        for row, known in zip(numbers, given, strict=True)
    ]
    columns = "".join(f'feature {{ name: "{name}" type: FLOAT {MAYBE} }}' for name in names[:4])
    texts = "".join(f'feature {{ name: "{name}" type: BYTES {ALWAYS} }}' for name in ("y", "g"))
    schema = f'{columns} feature {{ name: "always" type: FLOAT {ALWAYS} }} {texts}'
    features = Features(
        numeric=names,
        label=LabelFeature(name="y", negative="0", positive="1"),
        groups={"G": GroupFeature(name="g", values={"M": "m", "F": "f"})},
    )
    _, records = transform_rows(rows, schema, features, tmp_path, batch=3)
    parsed = tf.io.parse_example(records, transformed_feature_spec(features))
    x = np.where(given, numbers.astype(np.float64), np.nan)
    expected = np.nan_to_num((x - np.nanmean(x, axis=0)) / np.nanstd(x, axis=0))
    np.testing.assert_allclose(unpack_inputs(parsed, features)["numeric"], expected, rtol=1e-5)


def test_a_number_that_is_always_the_same_is_0(parsed):
    assert unpack_inputs(parsed, FEATURES)["numeric"].numpy()[:, 2].tolist() == [0] * 6


def test_large_numbers_are_told_apart(parsed):
    # Float32 alone would make one number of these six seconds.
    numeric = unpack_inputs(parsed, FEATURES)["numeric"].numpy()
    np.testing.assert_allclose(numeric[:, 3], standardized(list(range(6))), rtol=1e-4)


def test_categories_are_counted_from_1_by_frequency_and_0_is_unknown(parsed):
    categorical = unpack_inputs(parsed, FEATURES)["categorical"].numpy()
    assert categorical.shape == (6, 4) and categorical.dtype == np.int32
    assert categorical[:, 0].tolist() == [1, 2, 1, 0, 1, 0]  # no value, or an empty one
    assert categorical[[0, 2, 4], 1].tolist() == [1, 1, 1] and categorical[3, 1] == 0
    assert sorted(categorical[[1, 5], 1].tolist()) == [2, 3]  # equally frequent
    assert categorical[:, 2].tolist() == [1, 1, 1, 2, 2, 0]  # the third country is beyond the two


def test_label_and_group_are_there_although_the_group_is_an_input_too(parsed):
    assert parsed["label"].numpy().tolist() == [0, 1, 0, 0, 1, 0]
    assert parsed["group/Gender"].numpy()[:, 1].tolist() == [0, 1, 0, 1, 0, 1]
    categorical = unpack_inputs(parsed, FEATURES)["categorical"].numpy()
    assert len(set(categorical[::2, 3])) == len(set(categorical[1::2, 3])) == 1
    assert categorical[0, 3] != categorical[1, 3] and 0 not in categorical[:, 3]


def test_networks_are_told_the_sizes_of_the_vocabularies(transformed, parsed):
    given = model_inputs(FEATURES, transformed[0])
    assert given == {
        "numeric": ModelInput((4,), "float32"),
        "categorical": ModelInput((4,), "int32", (3, 4, 3, 3)),
    }
    inputs = unpack_inputs(parsed, FEATURES)
    assert list(inputs) == list(given)
    for name, spec in given.items():
        assert inputs[name].shape[1:] == spec.shape and inputs[name].dtype == spec.dtype
    assert (inputs["categorical"].numpy().max(axis=0) < given["categorical"].vocabulary_sizes).all()


# Serving.


@pytest.fixture(scope="module")
def network(transformed):
    return networks.build("tabular", model_inputs(FEATURES, transformed[0]), seed=2)


@pytest.fixture(scope="module")
def served(transformed, network, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("served") / "1")
    serving.export(network, transformed[0], FEATURES, folder)
    return tf.saved_model.load(folder)


def ask(served, signature: str, rows) -> dict[str, np.ndarray]:
    outputs = served.signatures[signature](examples=tf.constant([record(row) for row in rows]))
    return {name: value.numpy() for name, value in outputs.items()}


def test_raw_rows_get_the_scores_that_training_saw(served, network, parsed):
    answers = ask(served, "serving_default", ROWS)
    assert set(answers) == {"probability"} and answers["probability"].shape == (6, 1)
    scores = networks.call(network, unpack_inputs(parsed, FEATURES), training=False)
    np.testing.assert_allclose(answers["probability"], tf.sigmoid(scores), rtol=1e-5)
    assert np.ptp(answers["probability"]) > 1e-3


def test_label_and_columns_that_the_schema_lets_a_row_do_without_may_be_missing(served):
    bare = {"same": 3.0, "when": 1_700_000_003, "country": "US", "sex": "m"}
    # Missing one by one, all together, and in every row of a batch.
    for rows in ([bare], [bare, ROWS[0]], [bare | {"age": 20.0}, bare | {"code": 7}]):
        assert np.isfinite(ask(served, "serving_default", rows)["probability"]).all()
    # A number that is missing is the mean of those known; so says the network too.
    mean = bare | {"age": 40.0}
    answers = ask(served, "serving_default", [bare, mean, bare | {"age": 70.0}])["probability"]
    np.testing.assert_allclose(answers[0], answers[1], rtol=1e-6)
    assert answers[0] != answers[2]


def test_a_category_never_seen_is_answered_as_none(served):
    rows = [ROWS[0] | {"work/place": value} for value in ("moon", None, "private")]
    never, none, private = ask(served, "serving_default", rows)["probability"].ravel()
    assert never == none != private


def test_slices_name_label_and_group(served):
    answers = ask(served, "slices", ROWS)
    assert answers["Gender"].tolist() == [b"Male", b"Female"] * 3
    assert answers[SLICES_LABEL].tolist() == [0, 1, 0, 0, 1, 0]
