"""monitor --run: what a run promised is what is watched."""

from __future__ import annotations

import json

import pytest

from tests.pipeline import run_folders
from tests.pipeline.run_folders import BLOCKED, PASSED, words_of


@pytest.fixture
def log(tmp_path):
    """Answers by which both groups have an FPR of one half."""
    rows = [
        f"{label},{said},{who}" for label in "01" for said in "01" for who in ("Young", "Not Young")
    ]
    file = tmp_path / "answers.csv"
    file.write_text("\n".join(["attributes/Smiling,said,Young", *rows * 200]) + "\n")
    return str(file)


def test_constraints_limits_groups_and_label_are_those_of_the_run(root, said, log):
    status, text = said("monitor", log, "--run", BLOCKED, "--prediction", "said", "--json")
    assert status == 0
    found = json.loads(text)
    assert found["records"] == 1600 and found["left_out"] == {}
    # With gate.limit in its place.
    assert [row["constraint"] for row in found["constraints"]] == ["max_gap(FPR, [Young]) <= 0.02"]
    newest = said("monitor", log, "--run", "celeba", "--prediction", "said")[1]
    assert "max_gap(FPR, [Young]) <= 0.02" in words_of(newest)
    assert "An e-value of 20 is an alarm" in words_of(newest)


def test_what_is_given_besides_comes_first(root, said, log):
    _, text = said(
        *("monitor", log, "--run", PASSED, "--prediction", "said"),
        *("--constraint", "FPR | [Not Young] <= 0.9", "--confidence", "0.9"),
    )
    assert "FPR | [Not Young] <= 0.9" in words_of(text)
    assert "An e-value of 10 is an alarm" in words_of(text)


def test_a_promise_over_people_is_not_watched_by_records(root, said, log):
    name = "celeba/20261123-170000-000"
    run_folders.write(root, name, run_folders.verdict(), ("data.features.unit=person",))
    status, text = said("monitor", log, "--run", name, "--prediction", "said")
    assert status == 1
    assert "bounds are by data.features.unit = 'person'" in words_of(text)
    status, text = said("monitor", log, "--run", name, "--judged", "x", "--prediction", "said")
    assert status == 1 and "give one of them" in words_of(text)
