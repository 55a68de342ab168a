"""How fields are written is understood from what stands in them: dates, decimals, what is missing."""

from __future__ import annotations

import pytest

from pipeline.__main__ import main
from pipeline.data.drafts import columns, fields
from pipeline.data.from_csv import days
from pipeline.settings import load
from tests.data.tables import N, column, people, write


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def understood(*values: str):
    return fields.understood(columns.Look([column("x", *values)], []))


@pytest.mark.parametrize(
    ("values", "settings"),
    [
        ("1 2 -", {"missing": {"x": ["-"]}}),
        ("1 2 ?", {"missing": ["?"]}),
        ("1 ? NA", {"missing": {"*": ["?"], "x": ["NA"]}}),
        ("a b NA", {}),
        ("1,5 2", {"decimal": ","}),
        ("0,125 2,500", {"decimal": ","}),
        ("2024-01-31 NA", {"missing": {"x": ["NA"]}}),
        ("31.01.2024 01.02.2024", {"dates": {"x": "%d.%m.%Y"}}),
        ("31/01/2024 01/02/2024", {"dates": {"x": "%d/%m/%Y"}}),
        ("01/31/2024 01/02/2024", {"dates": {"x": "%m/%d/%Y"}}),
        ("2024/01/02", {"dates": {"x": "%Y/%m/%d"}}),
    ],
)
def test_fields_are_understood_as_they_are_written(values, settings):
    found = understood(*values.split())
    assert found.settings(["x"]) == settings and not found.doubtful
    assert found.look.columns[0].is_numeric is (values != "a b NA")
    assert "x" not in str(found.settings([]))  # of columns that nobody uses, nothing is said


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ("1,500 2,250", "of thousands, or of decimals"),
        ("01/02/2024 03/04/2024", "whether the day or the month is first"),
    ],
)
def test_what_can_be_understood_in_two_ways_is_not_guessed(values, why):
    found = understood(*values.split())
    assert why in found.doubtful["x"] and not found.settings(["x"]) and not found.dates


def test_numbers_with_points_and_with_commas_do_not_go_together():
    both = [column("x", "1,25", "2"), column("y", "1.25", "2")]
    found = fields.understood(columns.Look(both, []))
    assert found.decimal == "." and list(found.doubtful) == ["x"]


def test_a_table_of_an_office_goes_from_the_file_to_the_dataset(tmp_path):
    own = people()
    own["score"] = [value.replace(".", ",") for value in own["score"]]
    own["score"][0] = "n/a"
    own["born"] = [f"{1 + i % 28:02}.{1 + i % 12:02}.{1950 + i % 40}" for i in range(N)]
    own["seen"] = [f"{2000 + i % 20}-{1 + i % 12:02}-{1 + i % 28:02} 12:00" for i in range(N)]
    own["fee"] = [f"{1 + i % 9},{100 + i % 700}" for i in range(N)]
    file = write(tmp_path / "office.csv", own, ";")
    assert main(["init", str(file), "--yes"]) == 0
    tree = load(["schemas/office/settings.yaml"])
    csv = tree.data.csv
    assert (csv.decimal, csv.dates) == (",", {"born": "%d.%m.%Y"})
    assert csv.missing == {"score": ("n/a",)}
    assert [each.name for each in tree.data.features.numeric] == [
        *("score", "hours", "born", "seen", "fee")
    ]
    assert (tmp_path / "schemas/office/schema.pbtxt").read_text().count(days.SINCE) == 2
