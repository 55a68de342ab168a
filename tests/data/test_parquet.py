"""Parquet as a table: every value as it is in the file, and the same dataset as CSV makes."""

from __future__ import annotations

import datetime
import decimal
import string

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet as pq

from fairgate.errors import DataError
from pipeline import predicting
from pipeline.__main__ import main
from pipeline.data.from_csv import parquet
from pipeline.data.from_csv.config import CsvSettings
from pipeline.data.from_csv.reading import read
from pipeline.settings import Settings, load
from tests.data.tables import N, people
from tests.data.tables import write as write_csv


def written(file, **columns):
    pq.write_table(pa.table(columns), file)
    return file


def texts(file, *wanted):
    """Column -> its fields."""
    names, rows = parquet.rows(file, wanted or None)
    fields = [each for _, each in rows]
    return dict(zip(names, map(list, zip(*fields, strict=True)), strict=True))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("parquet")


# Values.

_UTC = datetime.UTC
_WHEN = datetime.datetime(2024, 2, 29, 13, 5, 7, 250_000)


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1, None, -(2**63), 2**63 - 1], pa.int64(), ["1", None, str(-(2**63)), str(2**63 - 1)]),
        ([2**64 - 1], pa.uint64(), [str(2**64 - 1)]),
        ([0.1, None, float("nan"), 1e300, 2.0], pa.float64(), ["0.1", None, None, "1e+300", "2.0"]),
        ([0.1], pa.float32(), [repr(float(np.float32(0.1)))]),
        ([float("-inf")], pa.float64(), ["-inf"]),
        ([True, None, False], pa.bool_(), ["true", None, "false"]),
        (["a", None, " b ", "", "1_0"], pa.string(), ["a", None, " b ", "", "1_0"]),
        (["é"], pa.large_string(), ["é"]),
        ([b"x", None], pa.binary(), ["x", None]),
        (["a", "b", "a", None], pa.dictionary(pa.int8(), pa.string()), ["a", "b", "a", None]),
        ([7, 9, 7], pa.dictionary(pa.int32(), pa.int64()), ["7", "9", "7"]),
        ([decimal.Decimal("12.30")], pa.decimal128(9, 2), ["12.30"]),
        ([datetime.date(1969, 12, 31), None], pa.date32(), ["1969-12-31", None]),
        ([datetime.date(2024, 2, 29)], pa.date64(), ["2024-02-29"]),
        ([_WHEN], pa.timestamp("us"), ["2024-02-29 13:05:07.25"]),
        ([_WHEN.replace(microsecond=0)], pa.timestamp("s"), ["2024-02-29 13:05:07"]),
        ([1], pa.timestamp("ns"), ["1970-01-01 00:00:00.000000001"]),
        ([_WHEN.replace(tzinfo=_UTC)], pa.timestamp("ms", "UTC"), ["2024-02-29 13:05:07.25Z"]),
        ([datetime.time(1, 2, 3)], pa.time64("us"), ["01:02:03"]),
        ([None, None], pa.null(), [None, None]),
    ],
)
def test_every_value_is_what_it_is_in_the_file(place, values, kind, expected):
    file = written(place / "x.parquet", x=pa.array(values, kind))
    assert texts(file) == {"x": expected}


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.none(), min_size=1))
def test_fractions_come_back_to_the_last_bit(place, values):
    file = written(place / "x.parquet", x=pa.array(values, pa.float64()))
    back = [None if text is None else float(text) for text in texts(file)["x"]]
    assert back == values


@given(st.lists(st.text(string.printable + "é笑", min_size=1) | st.none(), min_size=1))
def test_texts_come_back_as_they_are(place, values):
    assert texts(written(place / "x.parquet", x=pa.array(values, pa.string())))["x"] == values


def test_large_files_are_read_piece_by_piece(place):
    file = written(place / "x.parquet", x=np.arange(40_000), y=["a"] * 40_000)
    assert texts(file, "x")["x"] == [str(i) for i in range(40_000)]
    assert texts(file, "x")["y"] == [None] * 40_000


# What cannot be.


@pytest.mark.parametrize(
    ("column", "shown"),
    [
        ([[1], [2]], "list<"),
        ([{"a": 1}, {"a": 2}], "struct<a"),
        (pa.array([1, 2], pa.duration("s")), "duration"),
    ],
)
def test_what_is_no_single_value_is_refused_if_it_is_asked_for(place, column, shown):
    file = written(place / "x.parquet", x=column, y=[1, 2])
    with pytest.raises(
        DataError, match=f"column 'x' holds {shown}.*expected one value in each row"
    ):
        parquet.rows(file, ["x"])
    assert texts(file, "y")["y"] == ["1", "2"]
    assert list(texts(file)) == ["y"] and list(parquet.nested(file)) == ["x"]


def test_damage_is_told_in_a_sentence(place):
    file = written(place / "x.parquet", x=list(range(1000)))
    whole = file.read_bytes()
    for damaged in (whole[:9], whole[: len(whole) // 2], whole[:200] + b"\0" * 99 + whole[299:]):
        file.write_bytes(damaged)
        with pytest.raises(DataError, match=r"x\.parquet: a damaged Parquet file: "):
            texts(file)
    file = written(place / "x.parquet", x=pa.array([b"\xff"], pa.binary()))
    with pytest.raises(DataError, match="bytes that are no text in UTF-8"):
        texts(file)


# As a dataset.

FEATURES = {
    "numeric": ["score", "hours"],
    "categorical": ["job"],
    "label": {"name": "passed", "positive": "yes", "negative": "no"},
    "groups": {"Sex": {"name": "sex", "values": {"F": "Female", "M": "Male"}}},
}


def typed(columns):
    """The same people, their numbers as numbers."""
    return {
        **columns,
        "score": [float(value) if value else None for value in columns["score"]],
        "hours": pa.array(map(int, columns["hours"]), pa.int16()),
        "job": pa.array(columns["job"]).dictionary_encode(),
    }


def tree(place, name):
    constraint = "max_gap(TPR, [Sex]) <= 0.1"
    return {
        "data": {
            "path": str(place / name),
            "schema_file": str(place / f"{name}.pbtxt"),
            "features": FEATURES,
        },
        "trainer": {"network": "tabular", "constraints": [constraint]},
        "gate": {"constraints": [constraint]},
    }


def test_the_same_rows_make_the_same_dataset(tmp_path):
    own = people()
    own["score"][3] = ""
    files = {
        "csv": write_csv(tmp_path / "people.csv", own),
        "parquet": written(tmp_path / "people.pq", **typed(own)),
    }
    made = {}
    for kind, command in (("csv", "from-csv"), ("parquet", "from-table")):
        settings = tmp_path / f"{kind}.yaml"
        settings.write_text(str(tree(tmp_path, kind)).replace("'", '"'))
        assert main(["data", command, str(files[kind]), "--settings", str(settings)]) == 0
        shards = sorted((tmp_path / kind).iterdir())
        made[kind] = (
            [each.read_bytes() for each in shards],
            (tmp_path / f"{kind}.pbtxt").read_text(),
        )
    assert made["csv"] == made["parquet"]


def test_a_value_that_cannot_be_is_told_with_its_row(tmp_path):
    own = typed(people()) | {"passed": ["yes"] * 9 + ["maybe"] + ["no"] * (N - 10)}
    file = written(tmp_path / "people.parquet", **own)
    features = Settings.model_validate(tree(tmp_path, "x")).data.features
    with pytest.raises(DataError, match=r"people\.parquet: row 10: column 'passed' holds 'maybe'"):
        read([file], features, CsvSettings())
    with pytest.raises(DataError, match="has no column 'job'; did you mean 'jobs'"):
        read([written(file, **(own | {"jobs": own.pop("job")}))], features, CsvSettings())


def test_predict_reads_the_same_rows_of_either(tmp_path):
    own = people()
    settings = Settings.model_validate(tree(tmp_path, "x"))
    of_csv = predicting.read(write_csv(tmp_path / "a.csv", own), settings).examples
    of_parquet = predicting.read(written(tmp_path / "b.parquet", **typed(own)), settings).examples
    assert [each.record for each in of_csv] == [each.record for each in of_parquet]
    assert of_parquet[0].file == "b.parquet row 1" and not any(each.error for each in of_parquet)


def test_init_looks_at_parquet_as_it_does_at_csv(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = typed(people()) | {"tags": [["a"]] * N, "sure": [i % 3 == 0 for i in range(N)]}
    written(tmp_path / "people.parquet", **own)
    assert main(["init", "people.parquet", "--yes", "--label", "passed"]) == 0
    features = load(["schemas/people/settings.yaml"]).data.features
    assert features.input_columns == ["score", "hours", "job", "sure"]
    assert "tags: holds list<" in (tmp_path / "schemas/people/settings.yaml").read_text()
