"""What stands in a field and what it means: dates, decimal commas, recodings, what is unknown."""

from __future__ import annotations

import datetime
import math
import re

import numpy as np
import pyarrow as pa
import pytest
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet as pq
from tensorflow_metadata.proto.v0 import schema_pb2

from fairgate.data.columns import to_numbers
from fairgate.errors import DataError
from pipeline import predicting
from pipeline.__main__ import main
from pipeline.data.from_csv import days
from pipeline.data.from_csv.config import CsvSettings
from pipeline.data.from_csv.converting import Numbers, Spelling, number, with_point
from pipeline.data.from_csv.reading import read
from pipeline.settings import Settings, load
from tests.data.tables import N, people, write

FEATURES = {
    "numeric": ["score", "born"],
    "categorical": ["job"],
    "label": {"name": "passed", "positive": 1, "negative": 0},
    "groups": {"Sex": {"name": "sex", "values": {"F": "Female", "M": "Male"}}},
}


def tree(place=None, csv=None, **features):
    constraint = "max_gap(TPR, [Sex]) <= 0.1"
    return {
        "data": {
            "path": None if place is None else str(place / "made"),
            "schema_file": "none.pbtxt" if place is None else str(place / "schema.pbtxt"),
            "features": FEATURES | features,
            "csv": csv or {},
        },
        "trainer": {"network": "tabular", "constraints": [constraint]},
        "gate": {"constraints": [constraint]},
    }


def coded() -> dict[str, list[str]]:
    """People as an office keeps them: codes, commas, dates, and words for nothing."""
    own = people()
    own["passed"] = ["1" if value == "yes" else "0" for value in own["passed"]]
    own["sex"] = ["2" if value == "Female" else "1" for value in own["sex"]]
    own["score"] = [value.replace(".", ",") for value in own["score"]]
    own["score"][0], own["score"][1] = "-99", "-99,0"
    day = datetime.date(1960, 1, 1)
    own["born"] = [f"{day + datetime.timedelta(days=37 * i):%d.%m.%Y}" for i in range(N)]
    own["born"][2] = "unknown"
    own["job"][3] = "-99"
    return own


CODED = {
    "delimiter": ";",
    "decimal": ",",
    "missing": {"*": ["unknown"], "score": ["-99"]},
    "recode": {"sex": {"1": "Male", "2.0": "Female"}},
    "dates": {"born": "%d.%m.%Y"},
}


def columns_of(file, csv, **features):
    settings = Settings.model_validate(tree(csv=csv, **features))
    return read([file], settings.data.features, settings.data.csv)


# Numbers.


@pytest.mark.parametrize(
    "text", ["1_000", "0x10", "0b1", "١٢", "1e", "nan", "inf", "Infinity", "1,5", "1 000", "½", ""]
)
def test_what_only_python_or_nobody_takes_for_a_number_is_none(text):
    with pytest.raises(ValueError, match="expected a number"):
        number(text)
    with pytest.raises(ValueError, match="expected a"):
        Numbers(".", None)(text or " ")


@pytest.mark.parametrize(
    ("text", "value"), [("1e5", 1e5), ("+5", 5), (".5", 0.5), ("5.", 5), ("-1.5E-3", -0.0015)]
)
def test_numbers_of_csv_are_numbers(text, value):
    assert number(text) == value


@pytest.mark.parametrize("text", ["1_000", "0x10", "١٢"])
def test_the_library_takes_none_of_them_either(text):
    with pytest.raises(DataError, match="which is no number"):
        to_numbers("score", [text])
    assert to_numbers("score", ["1e3", "inf"]).tolist() == [1000, math.inf]


def test_such_texts_are_no_weights_and_no_codes_of_a_served_model(tmp_path):
    own = {"score": ["1"], "born": ["1"], "job": ["a"], "passed": ["1"], "sex": ["Male"]}
    file = write(tmp_path / "a.csv", own | {"weight": ["1_0"]})
    with pytest.raises(
        DataError, match="column 'weight' holds '1_0'; expected what the row counts"
    ):
        columns_of(file, {}, weight="weight", largest_weight=100)
    (tmp_path / "schema.pbtxt").write_text('feature { name: "job" type: INT }')
    settings = Settings.model_validate(tree(tmp_path))
    [asked] = predicting.read(write(tmp_path / "b.csv", own | {"job": ["1_0"]}), settings).examples
    assert "column 'job' holds '1_0'; expected a whole number" in asked.error


# Decimal commas.


@pytest.mark.parametrize(
    ("text", "decimal", "expected"),
    [
        ("1,5", ",", "1.5"),
        ("-1,500", ",", "-1.500"),
        ("15", ",", "15"),
        ("a,b", ",", "a,b"),
        ("1.5", ".", "1.5"),
        ("1.500", ",", None),
        ("1.5", ",", None),
        ("1.234.567,89", ",", None),
        ("1,5", ".", None),
        ("1,234", ".", None),
        ("1,2,3", ".", "1,2,3"),
    ],
)
def test_a_comma_is_taken_for_a_point_only_where_that_is_said(text, decimal, expected):
    if expected is None:
        with pytest.raises(ValueError, match=r"data\.csv\.decimal"):
            with_point(text, decimal)
    else:
        assert with_point(text, decimal) == expected


@given(st.floats(-1e38, 1e38))
def test_numbers_with_a_comma_are_those_with_a_point(value):
    text = f"{value:.9f}"
    assert Numbers(",", None)(text.replace(".", ",")) == Numbers(".", None)(text)


def test_ranges_see_decimal_commas_too(tmp_path):
    own = {"score": ["1"] * 2, "born": ["1"] * 2, "job": ["a"] * 2, "sex": ["Male"] * 2}
    groups = {"Sex": FEATURES["groups"]["Sex"]}
    groups["Pay"] = {"name": "pay", "values": {"Low": "<2"}, "others": "High"}
    file = write(tmp_path / "a.csv", own | {"passed": ["1", "0"], "pay": ["1,5", "12,5"]}, ";")
    # Else 1,5 would be High without a word.
    with pytest.raises(DataError, match=r"column 'pay' holds '1,5'; .*data\.csv\.decimal"):
        columns_of(file, {"delimiter": ";"}, groups=groups)
    read_so = columns_of(file, {"delimiter": ";", "decimal": ","}, groups=groups)
    assert read_so.columns["pay"] == ["1.5", "12.5"]


# Dates.


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("1970-01-01", None, 0),
        ("1969-12-31", None, -1),
        ("2024-02-29", None, 19782),
        ("2024-02-29 06:00", None, 19782.25),
        ("2024-02-29T06:00:00.000000000Z", None, 19782.25),
        ("2024-02-29T06:00:00+06:00", None, 19782),
        ("2024-02-30", None, None),
        ("20240229", None, None),
        ("2024-W09-4", None, None),
        ("2024", None, None),
        ("29/02/2024", "%d/%m/%Y", 19782),
        ("02/29/2024", "%d/%m/%Y", None),
        ("2024-02-29", "%d.%m.%Y", None),
    ],
)
def test_dates_are_days(text, form, expected):
    assert days.of(text, form) == expected


@given(st.datetimes(min_value=datetime.datetime(1, 1, 2)))
def test_days_are_those_of_numpy(when):
    found = days.of(when.isoformat())
    expected = np.datetime64(when, "us").astype(np.int64) / 86_400_000_000
    assert found == pytest.approx(expected, abs=1e-9, rel=1e-12)
    assert days.told(found) == when.date().isoformat()


def test_a_column_is_one_of_dates_or_one_of_numbers():
    dates = Numbers(".", None)
    assert [dates("1970-01-11"), dates(None), dates.is_days] == [10, None, True]
    with pytest.raises(ValueError, match="expected a date such as 2024-02-29"):
        dates("10")
    numbers = Numbers(".", None)
    assert numbers("2024") == 2024 and numbers.is_days is False
    with pytest.raises(ValueError, match="holds numbers and no dates"):
        numbers("2024-01-01")
    with pytest.raises(ValueError, match=r"expected a date '%d\.%m\.%Y' \(data\.csv\.dates\)"):
        Numbers(".", "%d.%m.%Y")("2024-01-01")


# Words.


def test_words_for_nothing_and_recodings_are_of_a_column_or_of_all():
    settings = CsvSettings(
        missing={"*": ["?"], "age": ["-99"]},
        replace={"yes.": "yes"},
        recode={"sex": {"1": "Male", "?": "nobody", "x": ""}},
    )
    age, sex = Spelling(settings, "age"), Spelling(settings, "sex")
    assert [age(text) for text in ("-99", "-99.0", "?", "", "-98", None)] == [
        *[None] * 4,
        "-98",
        None,
    ]
    assert [sex(text) for text in ("1", "1.0", "2", "-99", "x")] == [
        "Male",
        "Male",
        "2",
        "-99",
        None,
    ]
    assert sex("?") is None and sex("yes.") == "yes"
    assert Spelling(CsvSettings(missing=["-1"]), "any")("-1") is None


@pytest.mark.parametrize(
    ("csv", "message"),
    [
        ({"missing": {"scor": ["-99"]}}, "csv.missing: 'scor' is no column; did you mean 'score'?"),
        ({"recode": {"se": {"1": "Male"}}}, "csv.recode: 'se' is no column; did you mean 'sex'?"),
        ({"dates": {"job": "%Y"}}, "csv.dates: 'job' is no column of data.features.numeric"),
    ],
)
def test_a_column_that_nobody_reads_is_a_misspelling(tmp_path, csv, message):
    own = people() | {"born": ["1"] * N}
    with pytest.raises(DataError, match=re.escape(message)):
        columns_of(write(tmp_path / "a.csv", own), csv)


def test_settings_take_them_as_they_stand(tmp_path):
    file = tmp_path / "settings.yaml"
    features = str(FEATURES).replace("'", '"')
    file.write_text(
        f"data:\n  features: {features}\n  csv:\n"
        "    missing: {score: [-99, NA], '*': ['?']}\n    recode: {sex: {1: Male, 2: off}}\n"
        'trainer: {network: tabular, constraints: ["max_gap(TPR, [Sex]) <= 0.1"]}\n'
        'gate: {constraints: ["max_gap(TPR, [Sex]) <= 0.1"]}\n'
    )
    csv = load([str(file)]).data.csv
    assert csv.missing == {"score": ("-99", "NA"), "*": ("?",)}
    assert csv.recode == {"sex": {"1": "Male", "2": "off"}}
    one = load([str(file)], ["data.csv.missing=['?', -9]", "data.csv.recode.sex.3=Other"]).data.csv
    assert one.missing == ("?", "-9") and one.recode["sex"]["3"] == "Other"


# From the file to a record, of training and of predict.


def test_a_table_of_an_office_becomes_a_dataset(tmp_path, capsys):
    file = write(tmp_path / "office.csv", coded(), ";")
    settings = tmp_path / "settings.yaml"
    settings.write_text(str(tree(tmp_path, CODED)).replace("'", '"'))
    assert main(["data", "from-csv", str(file), "--settings", str(settings)]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert (
        "column 'born': its dates are numbers now, days since 1970-01-01, from 1960-01-01 to"
        in told
    )
    drafted = text_format.Parse((tmp_path / "schema.pbtxt").read_text(), schema_pb2.Schema())
    said = {each.name: list(each.annotation.comment) for each in drafted.feature}
    assert said["born"] == [days.SINCE] and said["score"] == []
    table = columns_of(file, CODED)
    assert table.columns["score"][:2] == [None, None] and table.columns["born"][2] is None
    assert table.columns["score"][5] == float(people()["score"][5])
    assert table.columns["born"][1] - table.columns["born"][0] == 37
    assert table.columns["job"][3] == "-99" and set(table.columns["sex"]) == {"Female", "Male"}
    assert table.columns["sex"] == people()["sex"]


def test_predict_reads_rows_as_training_does(tmp_path):
    own = coded()
    file = write(tmp_path / "office.csv", own, ";")
    loaded = Settings.model_validate(tree(tmp_path, CODED))
    (tmp_path / "schema.pbtxt").write_text(
        f'feature {{ name: "born" type: FLOAT annotation {{ comment: "{days.SINCE}" }} }}'
    )
    plain = people() | {"born": [str(days.of(t, "%d.%m.%Y") or "") for t in own["born"]]}
    plain["score"][0] = plain["score"][1] = ""
    plain["job"][3] = "-99"
    expected = predicting.read(
        write(tmp_path / "plain.csv", plain), Settings.model_validate(tree(csv={}))
    ).examples
    asked = predicting.read(file, loaded).examples
    assert not any(each.error for each in asked)
    assert [each.record for each in asked] == [each.record for each in expected]


def test_predict_refuses_numbers_for_dates_and_dates_for_numbers(tmp_path):
    rows = {"score": ["1", "1"], "born": ["2013", "2013-01-01"], "job": ["a", "a"]}
    file = write(tmp_path / "rows.csv", rows)
    loaded = Settings.model_validate(tree(tmp_path))
    (tmp_path / "schema.pbtxt").write_text('feature { name: "born" type: FLOAT }')
    first, second = predicting.read(file, loaded).examples
    assert first.error is None and "holds numbers and no dates" in second.error
    (tmp_path / "schema.pbtxt").write_text(
        f'feature {{ name: "born" type: FLOAT annotation {{ comment: "{days.SINCE}" }} }}'
    )
    first, second = predicting.read(file, loaded).examples
    assert "line 2: column 'born' holds '2013'; expected a date" in first.error
    assert second.error is None


def test_files_and_schema_say_the_same_of_a_column(tmp_path, capsys):
    own = people() | {"born": ["2013-01-01"] * N}
    own["passed"] = ["1" if value == "yes" else "0" for value in own["passed"]]
    dates = write(tmp_path / "dates.csv", own)
    numbers = write(tmp_path / "numbers.csv", own | {"born": ["2013"] * N})
    settings = tmp_path / "settings.yaml"
    settings.write_text(str(tree(tmp_path)).replace("'", '"'))
    made = ["data", "from-csv", str(dates), "--settings", str(settings)]
    assert main([*made, "--test", str(numbers)]) == 2
    assert "column 'born' holds dates in one file, and numbers in another" in (
        capsys.readouterr().err
    )
    (tmp_path / "schema.pbtxt").write_text('feature { name: "born" type: FLOAT }')
    assert main(made) == 2
    assert 'Add annotation { comment: "days since 1970-01-01" } there' in capsys.readouterr().err
    assert not (tmp_path / "made").exists()


def test_dates_of_parquet_are_days_too(tmp_path):
    own = people()
    own["passed"] = [int(value == "yes") for value in own["passed"]]
    own["score"] = [float(value) for value in own["score"]]
    when = [datetime.datetime(2024, 2, 29, 6) if i else None for i in range(N)]
    file = tmp_path / "people.parquet"
    pq.write_table(pa.table(own | {"born": pa.array(when, pa.timestamp("ns", "UTC"))}), file)
    table = columns_of(file, {})
    assert table.columns["born"][:2] == [None, 19782.25] and table.days["born"]
    assert not table.days["score"] and table.columns["passed"][0] in (0, 1)
    with pytest.raises(DataError, match="have no decimal comma: take"):
        columns_of(file, {"decimal": ","})
