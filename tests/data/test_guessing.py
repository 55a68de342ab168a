"""What is seen in a file as it comes: how it is written, what its columns are and mean."""

from __future__ import annotations

import numpy as np
import pytest

from fairgate.errors import FairGateError
from pipeline.__main__ import main
from pipeline.data.drafts import columns, fields, form, grouping, guesses, inputs
from pipeline.data.from_csv.config import CsvSettings
from tests.data.tables import column, people, write

# How a file is written.


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", " "])
@pytest.mark.parametrize("header", [True, False])
def test_what_separates_fields_and_whether_names_are_there_is_seen(tmp_path, delimiter, header):
    file = write(tmp_path / "people.csv", people(), delimiter, header)
    found = form.detected(file)
    assert found.get("delimiter", ",") == delimiter
    assert ("columns" in found) is not header


def test_decimal_commas_do_not_separate_fields(tmp_path):
    own = people()
    own["score"] = [value.replace(".", ",") for value in own["score"]]
    own["more"] = own["score"]
    assert form.detected(write(tmp_path / "a.csv", own, ";"))["delimiter"] == ";"
    assert form.detected(write(tmp_path / "b.csv", own, ";", header=False))["delimiter"] == ";"


def test_a_remark_above_the_table_is_none_of_its_rows(tmp_path):
    file = write(tmp_path / "people.csv", people())
    file.write_text("|1x3 Cross validator\n" + file.read_text())
    assert form.detected(file) == {"comment": "|"}
    file.write_text("Report of May\n" + file.read_text())
    with pytest.raises(FairGateError, match="Take out what stands above the table"):
        form.detected(file)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds 0 line"),
        (b"a,b\n", "holds 1 line"),
        (b"one\ntwo\nthree\n", "no comma, semicolon, tab or bar"),
        ("alter,größe\n1,2\n".encode("cp1252"), "not UTF-8"),
    ],
)
def test_what_is_no_table_is_refused_in_a_sentence(tmp_path, monkeypatch, capsys, content, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.csv").write_bytes(content)
    assert main(["init", "x.csv", "--yes"]) == 2
    assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]


# What columns mean.


@pytest.mark.parametrize(
    ("values", "yes", "is_said"),
    [
        ("no yes", "yes", True),
        ("1 0", "1", True),
        ("1.0 0.0", "1.0", True),
        ("-1 1", "1", True),
        ("<=50K >50K", ">50K", True),
        ("bad good", "good", True),
        ("denied other", "other", True),
        ("True False", "True", True),
        ("1 2 2", "1", False),
        ("a b a", "b", False),
    ],
)
def test_the_positive_value_is_the_one_that_says_so_or_the_rarer(values, yes, is_said):
    assert guesses.positive(column("label", *values.split())) == (yes, is_said)


@pytest.mark.parametrize(
    ("named", "attribute"),
    [
        (column("SEX", "1", "2"), "Sex"),
        (column("applicantGender", "x", "y"), "Sex"),
        (column("male", "0", "1"), "Sex"),
        (column("column_3", "Male", "Female"), "Sex"),
        (column("column_4", "White", "Black", "Other"), "Race"),
        (column("age_cat", "young", "old"), "Age"),
        (column("charge", "M", "F"), None),
        (column("average", "1", "2"), None),
        (column("essex", "1", "2"), None),
    ],
)
def test_group_features_are_known_by_their_name_or_their_values(named, attribute):
    assert guesses.kind(named) == attribute


def test_values_that_are_too_rare_to_measure_make_no_group_of_their_own():
    race = column("race", *["a"] * 60, *["b"] * 30, *["c"] * 6, *["d"] * 3, *["e"], repeat=10)
    made = grouping.of(race, "Race")
    assert made.settings["values"] == {"a": "a", "b": "b", "c": "c"}
    assert made.settings["others"] == "Other" and "d (30 rows)" in made.notes[0]
    few = column("race", *["a"] * 70, *["b"] * 29, "c", repeat=10)
    assert grouping.of(few, "Race").settings["unknown"] == "others"
    assert grouping.of(column("race", *["a"] * 99, "b"), "Race") is None
    some = grouping.of(column("race", "a", "b", ""), "Race")
    assert some.settings["unknown"] == [None] and "1 rows have no value" in some.notes[0]


def test_ages_are_divided_where_both_sides_have_rows():
    ages = grouping.of(column("age", *map(str, range(20, 80))), "Age").settings["values"]
    assert ages == {"Age under 40": "<40", "Age 40 and over": ">=40"}
    pupils = grouping.of(column("age", *map(str, range(10, 19))), "Age").settings["values"]
    assert list(pupils.values()) == ["<14", ">=14"]
    codes = grouping.of(column("SEX", "2", "1"), "Sex").settings["values"]
    assert codes == {"Sex 1": 1, "Sex 2": 2} and list(codes) == ["Sex 1", "Sex 2"]


def test_columns_that_a_model_should_not_see_are_left_out_with_the_reason():
    positive = np.arange(200) % 2 == 0
    given = [
        column("id", *map(str, range(200))),
        column("note", *[f"text {i}" for i in range(150)], *["text 1"] * 50),
        column("always", *["x"] * 200),
        column("empty", *[""] * 200),
        column("answer", *["y" if yes else "n" for yes in positive]),
        column("when", *[f"{i}.5" if yes else "" for i, yes in enumerate(positive)]),
        column("code", *(["1110", "1122", "1131"] * 67)[:200]),
        column("rooms", *(["1", "1", "2", "2", "3"] * 40)),
        column("money", *["0"] * 192, *["100000"] * 8),
        column("job", *(["a", "b", "c"] * 67)[:200]),
    ]
    found = inputs.choose(given, positive, ["job"])
    assert list(found.left_out) == ["id", "note", "always", "empty", "answer", "when"]
    assert found.numeric == {"rooms": "z_score", "money": "log"}
    assert found.categorical == ["code"]


def test_a_look_counts_what_is_there(tmp_path):
    own = {"a": ["1", "", "NA", "2"], "b": ["NA", "x", "", "x"], "label": ["0", "1", "0", "1"]}
    seen = fields.understood(columns.look([write(tmp_path / "a.csv", own)], CsvSettings()))
    assert seen.missing == {"a": ["NA"]} and seen.look.named("a").missing == 2
    assert seen.look.named("a").is_whole and seen.look.named("b").values == ("NA", "x")
    other = write(tmp_path / "b.csv", {"a": ["1"], "c": ["1"], "label": ["1"]})
    with pytest.raises(FairGateError, match=r"its columns are not those of .*, such as 'c'"):
        columns.look([tmp_path / "a.csv", other], CsvSettings())
