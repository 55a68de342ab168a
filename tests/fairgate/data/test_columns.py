"""Columns: the same names whatever array, series or table holds them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairgate.data import columns
from fairgate.data.columns import MISSING, encode, recode, text_of
from fairgate.errors import DataError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((1, "1"), (1.0, "1"), ("1", "1"), ("1.0", "1"), (np.int8(1), "1"), (np.float32(1), "1")),
        *((-1.0, "-1"), ("-1.00", "-1"), (0.5, "0.5"), ("0.50", "0.50"), ("1.0.0", "1.0.0")),
        *((True, "true"), (np.True_, "true"), (False, "false"), ("True", "True")),
        *(("  Yes ", "Yes"), (b"Yes", "Yes"), ("Zoë", "Zoë"), ("<25", "<25"), ("a|b", "a|b")),
        *((None, None), ("", None), ("  ", None), (float("nan"), None), (np.nan, None)),
        *((pd.NA, None), (pd.NaT, None), (np.float32("nan"), None)),
    ],
)
def test_a_value_has_one_text_however_it_is_stored(value, text):
    assert text_of(value) == text


KINDS = {
    "list": list,
    "tuple": tuple,
    "numpy objects": lambda values: np.array(values, dtype=object),
    "numpy text": np.array,
    "pandas": pd.Series,
    "pandas, category": lambda values: pd.Series(values, dtype="category"),
    "polars": pl.Series,
    "arrow": pa.array,
    "arrow, chunked": lambda values: pa.chunked_array([values]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_array_is_the_same_column(kind):
    found = encode(columns.series("sex", KINDS[kind](["Female", "Male", "Female"])))
    assert [found.values[code] for code in found.codes] == ["Female", "Male", "Female"]


@pytest.mark.parametrize(
    "make", [np.array, pd.Series, pl.Series, pa.array, lambda v: pd.Series(v, dtype="Int64")]
)
def test_every_kind_of_number_is_the_same_column(make):
    found = encode(columns.series("label", make([0, 1, 1])))
    assert [found.values[code] for code in found.codes] == ["0", "1", "1"]


@pytest.mark.parametrize(
    "make",
    [
        lambda v: pd.Series(v, dtype="Int64"),
        lambda v: pd.Series(v, dtype="boolean"),
        pl.Series,
        lambda v: np.array(v, dtype=object),
        lambda v: np.array(v, dtype=float),
    ],
)
def test_what_is_missing_is_missing_in_every_kind(make):
    found = encode(columns.series("label", make([1, None, 0])))
    assert (found.codes == MISSING).tolist() == [False, True, False]


@given(st.lists(st.one_of(st.none(), st.text(), st.integers(), st.floats(), st.booleans())))
def test_encoding_loses_nothing(values):
    found = encode(values)
    assert found.codes.dtype == np.int32 and len(set(found.values)) == len(found.values)
    read = [None if code == MISSING else found.values[code] for code in found.codes]
    assert read == [text_of(value) for value in values]


@given(
    st.lists(st.sampled_from(["a", " a", "b", "", None, 1, 1.0, "1"]), min_size=1),
    st.data(),
)
def test_values_of_one_text_become_one_value(values, data):
    codes = data.draw(st.lists(st.integers(-1, len(values) - 1)))
    found = recode(values, np.array(codes, dtype=np.int32))
    read = [None if code == MISSING else found.values[code] for code in found.codes]
    assert read == [None if code == -1 else text_of(values[code]) for code in codes]


def test_a_column_vector_is_a_column():
    assert columns.series("labels", np.array([[1], [0]])).tolist() == [1, 0]
    with pytest.raises(DataError, match=r"labels: expected one value .* shape \(2, 2\)"):
        columns.series("labels", np.eye(2))


@pytest.mark.parametrize("make", [dict, pd.DataFrame, pl.DataFrame, pa.table])
def test_every_kind_of_table_is_the_same_mapping(make):
    found = columns.table(make({"sex": ["F", "M"], "race": ["A", "B"]}))
    assert list(found) == ["sex", "race"]
    assert columns.series("race", found["race"]).tolist() == ["A", "B"]


def test_what_is_no_table_is_refused():
    with pytest.raises(DataError, match=r"groups: expected a mapping .* got list"):
        columns.table([["F", "M"]])


def test_columns_of_different_lengths_are_told_apart():
    rows = {"labels": np.zeros(3), "sex": np.array(["F", "M"])}
    with pytest.raises(DataError, match=r"labels has 3, sex has 2"):
        list(columns.batches(rows, {}))


def test_rows_come_in_batches_of_limited_size(monkeypatch):
    monkeypatch.setattr(columns, "ROWS", 4)
    found = list(columns.batches({"sex": np.array(list("FMFMFMFMF"))}, {"score": np.arange(9.0)}))
    assert [len(batch.names["sex"].codes) for batch in found] == [4, 4, 1]
    assert np.concatenate([batch.numbers["score"] for batch in found]).tolist() == list(range(9))


def test_what_is_no_number_is_named():
    assert columns.to_numbers("score", ["0.5", None, "1e-3"]).tolist()[::2] == [0.5, 0.001]
    with pytest.raises(DataError, match="column 'score' holds 'high', which is no number"):
        columns.to_numbers("score", ["0.5", "high"])
