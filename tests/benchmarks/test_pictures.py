"""Every picture on a page has a command that makes it, and those of tables are of the page's own."""

from __future__ import annotations

import re

import pytest

from benchmarks.figures import pages, pictures, transcripts
from benchmarks.figures.__main__ import SAME, TOLD
from tests.docs.test_pages import PAGES, REPOSITORY

SHOWN = {
    name
    for page in PAGES
    for name in re.findall(r"!\[[^\]]*\]\((?:docs/)?images/([\w.-]+)\)", page.read_text())
}


def test_every_picture_that_is_shown_is_there_and_is_traced_to_what_makes_it():
    there = {file.name for file in (REPOSITORY / pictures.IMAGES).iterdir()}
    assert there == SHOWN == set(pictures.MADE_BY)
    makefile = (REPOSITORY / "Makefile").read_text()
    for command in set(pictures.MADE_BY.values()) - {"drawn by hand"}:
        assert re.search(rf"^{command.removeprefix('make ')}:", makefile, re.MULTILINE), command


def test_the_picture_of_the_suite_has_every_contender_of_its_table(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr("benchmarks.suite.chart.draw", lambda rows, path: drawn.extend(rows))
    pictures.suite()
    table = (REPOSITORY / "docs/suite.md").read_text().partition("## Over all tasks")[2]
    names = re.findall(r"^\| ([\w-]+) \| [-\d.]+ ±", table.partition("![")[0], re.MULTILINE)
    assert [row.contender.replace("ours", "FairGate") for row in drawn] == names
    [ours] = [row for row in drawn if row.contender == "ours"]
    assert f"| FairGate | {100 * ours.error.value:.2f} ± {100 * ours.error.half:.2f} |" in table


@pytest.fixture
def place(tmp_path):
    found = transcripts.Place(tmp_path / "place")
    found.runs = {"pushed": "celeba/20270101-000000-000"}
    return found


def test_a_pages_commands_are_given_anew_with_the_runs_that_there_are(place, monkeypatch):
    asked = []
    monkeypatch.setattr(
        place, "say", lambda command, **_: asked.append(command) or "two \nlines\n\n"
    )
    text = "before\n```\n$ ./fairgate show celeba/1\nold\nlines\n```\nafter celeba/1\n"
    found = transcripts.played(text, place, {"pushed": "celeba/1"})
    assert asked == ["./fairgate show celeba/20270101-000000-000\n"]
    assert found == (
        "before\n```\n$ ./fairgate show celeba/20270101-000000-000\ntwo\nlines\n```\n"
        "after celeba/20270101-000000-000\n"
    )


def test_a_command_that_ends_otherwise_is_told(place):
    with pytest.raises(RuntimeError, match="ended with status 2"):
        place.say("./fairgate show nothing")


def test_the_runs_that_pages_show_are_those_that_were_measured():
    measured = pages.read()
    text = (REPOSITORY / "docs/command_line.md").read_text()
    shown = set(re.findall(r"celeba/\d{8}-\d{6}-\d{3}", text))
    assert shown == set(measured["docs/command_line.md"]["runs"].values())
    assert {*TOLD, *SAME} <= set(measured)


def test_the_table_of_times_sums_the_steps():
    steps = [
        {"name": "Transform", "seconds": 60.4, "peak_memory_gb": 1.26},
        {"name": "Evaluator", "seconds": 30.2, "peak_memory_gb": 1.71},
    ]
    lines = pages.times(steps).splitlines()
    assert lines[2:] == [
        "| Transform | 60 | 1.3 |",
        "| Evaluator | 30 | 1.7 |",
        "| **all** | 91 | 1.7 |",
    ]
