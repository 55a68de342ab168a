"""Any CSV file becomes a dataset with its very numbers, or a sentence says why it does not."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from components.example_gen.checks import check_shards
from components.example_gen.shards import list_shards
from components.features import Features
from fairgate.errors import DataError
from pipeline.data.from_csv import making
from pipeline.data.from_csv.config import SPLITS, CsvSettings

HEADER = ["age", "work", "sex", "pay"]
FEATURES = Features.model_validate(
    {
        "numeric": ["age"],
        "categorical": ["work"],
        "label": {"name": "pay", "positive": "1", "negative": "0"},
        "groups": {"Sex": {"name": "sex", "values": {"Women": "f", "Men": "m"}}},
    }
)
SHARES = CsvSettings(shares={"train": 0.4, "validation": 0.3, "test": 0.3}, missing=("?", "-99"))


def make(folder: Path, content: bytes, settings: CsvSettings = SHARES) -> making.Made:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "any.csv").write_bytes(content)
    schema = folder / "schema.pbtxt"
    return making.make(folder / "data", [folder / "any.csv"], {}, FEATURES, settings, schema)


def ages(folder: Path) -> list[float]:
    """As written, over all splits."""
    files = sorted(map(str, (folder / "data").glob("*tfrecord*")))
    found = []
    for record in tf.data.TFRecordDataset(files).as_numpy_iterator():
        column = tf.train.Example.FromString(record).features.feature["age"]
        kind = column.WhichOneof("kind")
        found += list(getattr(column, kind).value) if kind else []
    return sorted(found)


NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.integers(-(2**24), 2**60).map(str),
    st.floats().map(repr),
    st.floats(0, 100).map(lambda x: f"{x:.1f}"),
    st.sampled_from(["", "?", "-99", "1e39", "1,5", "0x10", "1_000", "NaN", "12 ", "Ⅷ", "٣"]),
)
WORDS = st.one_of(
    st.text(max_size=8), st.sampled_from(["", "?", "gov", "a,b", 'say "x"', "two\nlines"])
)
ROW = st.tuples(NUMBERS, WORDS, st.sampled_from(["f", "m"]), st.sampled_from(["0", "1"]))
ODD_ROW = st.tuples(
    NUMBERS, WORDS, st.sampled_from(["f", "m", "", "F"]), st.sampled_from(["0", "1", "2"])
)


def written(rows, delimiter: str = ",") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows([HEADER, *rows])
    return text.getvalue().encode("utf-8", "surrogatepass")


def told(folder: Path, content: bytes) -> making.Made | None:
    """What was made; None where a sentence said why nothing was, and nothing is there then."""
    try:
        return make(folder, content)
    except DataError as error:
        assert str(error) and not (folder / "data").exists()
        return None


KINDS = [
    NUMBERS,
    st.integers(-(2**53), 2**53).map(str),
    st.integers(2**40, 2**40 + 1000).map(str),
    st.floats(-1e30, 1e30).map(repr),
    st.floats(1e9, 1e9 + 10).map(repr),
    st.one_of(st.floats(0, 99).map(lambda x: f" {x:.2f}"), st.sampled_from(["", "?", "-99"])),
]
COLUMNS = st.sampled_from(KINDS).flatmap(
    lambda kind: st.lists(st.tuples(kind, ROW), min_size=8, max_size=30)
)


@settings(deadline=None, max_examples=400)
@given(COLUMNS.map(lambda rows: [(number, *row[1:]) for number, row in rows]))
def test_a_table_of_any_numbers_keeps_them_or_says_which_it_does_not(tmp_path_factory, rows):
    folder = tmp_path_factory.getbasetemp() / "numbers"
    made = told(folder, written(rows))
    if made is None:
        return
    texts = [row[0].strip() for row in rows]
    given_numbers = sorted(float(text) for text in texts if text not in ("", "?", "-99"))
    found = ages(folder)
    assert len(found) == len(given_numbers)
    np.testing.assert_allclose(found, given_numbers, rtol=1e-7, atol=1e-38)
    lost = len(set(given_numbers)) - len(set(found))
    assert lost <= 0.1 * len(set(given_numbers)) or any("'age'" in said for said in made.warnings)


@settings(deadline=None, max_examples=300)
@given(st.lists(ODD_ROW, max_size=20), st.sampled_from([",", ";", "\t"]))
def test_a_table_of_any_rows_is_made_or_refused_in_words(tmp_path_factory, rows, delimiter):
    folder = tmp_path_factory.getbasetemp() / "rows"
    made = told(folder, written(rows, delimiter))
    if made is not None:
        assert sum(made.rows.values()) == len(rows)
        for split in SPLITS:
            shards = list_shards(str(folder / "data"), split, f"*-{split}.tfrecord*")
            assert check_shards(shards, FEATURES).examples == made.rows[split]


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=0, max_size=3)), max_size=4),
    st.sampled_from(["utf-8", "utf-16", "cp1252"]),
)
def test_a_damaged_file_is_made_or_refused_in_words(tmp_path_factory, changes, encoding):
    good = [("39", "Büro", "fm"[i % 2], "01"[i // 2 % 2]) for i in range(40)]
    data = written(good).decode().encode(encoding)
    for place, put in changes:
        at = int(place * len(data))
        data = data[:at] + put + data[at + 1 :]
    told(tmp_path_factory.getbasetemp() / "damaged", data)


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["16777217", "16777218", "16777219", "3"], "int64"),  # float32 has no 16777217
        (["1700000000001", "1700000000002", "5", "6"], "int64"),
        (["16777216", "2", "3", "4"], "float"),
        (["1.5", "16777217", "2", "3"], "float"),
    ],
)
def test_whole_numbers_that_float32_would_change_are_written_whole(tmp_path, texts, kind):
    rows = [(texts[i % 4], "gov", "fm"[i // 4 % 2], "01"[i // 8 % 2]) for i in range(48)]
    make(tmp_path / "x", written(rows))
    assert f"{kind}_list" in str(first_record(tmp_path / "x"))
    assert ("type: INT" in (tmp_path / "x" / "schema.pbtxt").read_text()) == (kind == "int64")
    if kind == "int64":
        assert sorted(set(ages(tmp_path / "x"))) == sorted(map(int, texts))


def first_record(folder: Path) -> tf.train.Feature:
    files = sorted(map(str, (folder / "data").glob("*tfrecord*")))
    record = next(iter(tf.data.TFRecordDataset(files).as_numpy_iterator()))
    return tf.train.Example.FromString(record).features.feature["age"]


def test_fractions_that_float32_does_not_tell_apart_are_told(tmp_path):
    """63 different ages, written as a second of an epoch with a fraction, are one."""
    rows = [
        (f"{1_700_000_000 + i / 100:.2f}", "gov", "fm"[i % 2], "01"[i // 2 % 2]) for i in range(63)
    ]
    with pytest.raises(DataError, match=r"63 different numbers .* are 1 in float32"):
        make(tmp_path / "x", written(rows))
    spread = [
        (f"{(i % 21) * 1e6 + i // 21 * 1e-3 + 1e9:.3f}", *row[1:]) for i, row in enumerate(rows)
    ]
    [said] = make(tmp_path / "x", written(spread)).warnings
    assert "column 'age': of 63 different numbers 21 are left" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1e39", "at most 3.40282e+38"),
        ("9007199254740993", "at most 15 digits"),
        ("1_000", "expected a number"),
    ],
)
def test_a_number_that_would_change_is_refused(tmp_path, text, said):
    rows = [(text, "gov", "fm"[i % 2], "01"[i // 2 % 2]) for i in range(40)]
    with pytest.raises(DataError, match="line 2: column 'age' holds") as error:
        make(tmp_path / "x", written(rows))
    assert said in str(error.value)
