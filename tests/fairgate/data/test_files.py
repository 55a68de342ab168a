"""Files of rows: every format gives the same rows, and what is damaged is named with its line."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from fairgate.data import files
from fairgate.data.columns import MISSING
from fairgate.errors import DataError

ROWS = [
    {"label": 1, "sex": "Female", "race": "Zoë, the 1st", "score": 0.25},
    {"label": 0, "sex": "Male", "race": 'said "so"', "score": 0.5},
    {"label": 0, "sex": "Female", "race": "<25 | a", "score": None},
]


def write(file: Path, rows=ROWS, kind: str = "csv", delimiter: str = ",") -> Path:
    table = pa.Table.from_pylist(rows)
    if kind == "parquet":
        parquet.write_table(table, file)
    elif kind == "parquet, dictionary":
        sex = table["sex"].dictionary_encode()
        parquet.write_table(table.set_column(1, "sex", sex), file)
    elif kind.startswith("csv"):
        options = arrow_csv.WriteOptions(delimiter=delimiter, quoting_style="needed")
        arrow_csv.write_csv(table, file, options)
    else:
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    if kind.endswith("gz"):
        file.write_bytes(gzip.compress(file.read_bytes()))
    return file


def read(*paths: Path, names=("label", "sex", "race"), numbers=("score",)) -> list[tuple]:
    """The rows, as tuples of texts and numbers."""
    rows = []
    for batch in files.batches(paths, names, numbers):
        columns = [
            [None if code == MISSING else column.values[code] for code in column.codes]
            for column in (batch.names[name] for name in names)
        ]
        columns += [
            [None if np.isnan(x) else float(x) for x in batch.numbers[name]] for name in numbers
        ]
        rows += zip(*columns, strict=True)
    return rows


WANTED = [
    ("1", "Female", "Zoë, the 1st", 0.25),
    ("0", "Male", 'said "so"', 0.5),
    ("0", "Female", "<25 | a", None),
]


@pytest.mark.parametrize(
    "kind", ["csv", "csv.gz", "jsonl", "jsonl.gz", "parquet", "parquet, dictionary"]
)
def test_every_format_gives_the_same_rows_whatever_the_file_is_called(kind, tmp_path):
    assert read(write(tmp_path / "rows", kind=kind)) == WANTED


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_that_gives_the_columns(delimiter, tmp_path):
    assert read(write(tmp_path / "rows.csv", delimiter=delimiter)) == WANTED


def test_several_files_are_read_one_after_another(tmp_path):
    first = write(tmp_path / "a.csv", ROWS[:1])
    second = write(tmp_path / "b.parquet", ROWS[1:], "parquet")
    assert read(first, second) == WANTED


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path):
    file = tmp_path / "rows.csv"
    file.write_bytes("label,sex\r\n1,Female\r\n\r\n0,Male\r\n".encode("utf-8-sig"))
    assert read(file, names=("label", "sex"), numbers=()) == [("1", "Female"), ("0", "Male")]


def test_a_field_may_hold_line_ends(tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text('label,sex\n1,"Fe\nmale"\n')
    assert read(file, names=("label", "sex"), numbers=()) == [("1", "Fe\nmale")]


def test_large_files_come_in_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_ROWS", 10)
    for kind in ("csv", "jsonl", "parquet"):
        file = write(tmp_path / kind, ROWS * 11, kind)
        found = list(files.batches([file], ["label"]))
        assert [len(batch.names["label"].codes) for batch in found] == [10, 10, 10, 3]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_column_that_is_not_there_gets_a_suggestion(kind, tmp_path):
    file = write(tmp_path / "rows", kind=kind)
    with pytest.raises(DataError, match="no column 'sexe'; did you mean 'sex'") as error:
        read(file, names=("sexe",))
    assert str(file) in str(error.value) and "label, sex, race, score" in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"label,sex\n1\n", "line 2 has 1 fields, the header has 2"),
        (b"label,sex\n1,F\n\n0,M,x\n", "line 4 has 3 fields"),
        (b'label,sex\n1,"F\n', "line 2: unexpected end of data"),
        (b'label,sex\n1,"F"x\n', "line 2: "),
        (b"label,sex,sex\n1,F,M\n", "column 'sex' twice"),
        (b'{"label": 1, "sex": "F"}\n{"label": 1\n', "line 2 is no JSON"),
        (b'{"label": 1, "sex": "F"}\n[1]\n', "line 2 is no JSON object"),
        (b'{"label": 1, "sex": "F"}\n{"label": 0}\n', "line 2: no column 'sex'"),
        (b'{"label": 1, "sex": ["F"]}\n', "line 1, column 'sex': expected one value"),
        (b"label,sex\n1,Fran\xe7ois\n", "not UTF-8 text"),
        (b"PK\x03\x04\0\0\0\0", "not a text file"),
        (b"PAR1 and no more", "a damaged Parquet file"),
        (b"\x1f\x8b\x08 and no more", "cannot be read"),
        (gzip.compress(b"label,sex\n1,F\n" * 1000, mtime=0)[:-20], "cannot be read"),
    ],
)
def test_what_is_damaged_is_named(content, message, tmp_path):
    file = tmp_path / "rows.csv"
    file.write_bytes(content)
    with pytest.raises(DataError) as error:
        read(file, names=("label", "sex"), numbers=())
    assert str(file) in str(error.value) and message in str(error.value)


def test_what_cannot_be_opened_is_named(tmp_path):
    for path, why in ((tmp_path / "no.csv", "No such file"), (tmp_path, "directory")):
        with pytest.raises(DataError, match=why) as error:
            read(path)
        assert str(path) in str(error.value)


def test_a_column_of_lists_is_refused(tmp_path):
    file = tmp_path / "rows.parquet"
    parquet.write_table(pa.table({"label": [[1], [0]]}), file)
    with pytest.raises(DataError, match="column 'label' holds list<"):
        read(file, names=("label",), numbers=())


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    file = write(tmp_path / "rows", kind="parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError, match=r"fairgate\[arrow\]"):
        read(file)


cells = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), cells), min_size=1, max_size=20))
def test_text_of_any_kind_is_the_same_from_every_format(tmp_path, rows):
    table = [{"label": label, "group": cell} for label, cell in rows]
    found = {}
    for kind in ("csv", "jsonl", "parquet"):
        file = write(tmp_path / kind, table, kind)
        found[kind] = read(file, names=("label", "group"), numbers=())
    assert found["jsonl"] == found["parquet"]
    # CSV cannot tell \r from \n inside a field on every platform; all else is the same.
    if not any("\r" in cell for _, cell in rows):
        assert found["csv"] == found["parquet"]
