"""What notebook cells show, from data made by hand; runs are opened in tests/e2e/test_notebooks.py."""

from __future__ import annotations

import base64
import os
import re
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml

from components.report.data import ReportData
from fairgate.errors import DataError
from pipeline.inspect import Judged, Run, doing, many_test_splits, open_run
from pipeline.inspect.run import REPOSITORY
from pipeline.inspect.shown import Banner, Element, Table
from pipeline.results.runs import NoSuchRun
from pipeline.settings import Settings, load
from tests.components.report import sample
from tests.pipeline import run_folders


def judged(verdict: dict | None = None, **gate) -> Judged:
    """A pair of models on CelebA's groups: 3,218 and 920 negatives."""
    settings = Settings(gate=gate).model_dump(mode="json")
    told = {"run_id": "1", "pipeline": "celeba", "data": "drawn", "attempt": {"confidence": 0.95}}
    told |= run_folders.verdict() if verdict is None else verdict
    return Judged(ReportData(told, yaml.safe_dump(settings), "attributes/Smiling", "1"))


def test_a_table_is_a_data_frame_that_shows_four_digits_and_each_group_once():
    table = Table({"group": ["a", "a", "<b>"], "rate": [0.05, None, 1.0], "n": [1200, 3, 4]})
    page = table.captioned("Rates")._repr_html_()
    assert page.count('<td style="text-align:left;vertical-align:top">a</td>') == 1
    assert "0.0500" in page and "1,200" in page and "\u2013" in page and "&lt;b&gt;" in page
    assert "Rates</caption>" in page
    assert isinstance(table[table["n"] > 3], Table) and table["n"].sum() == 1207


def test_charts_are_whole_pictures_that_know_no_dark():
    page = Judged(sample.report()).group_charts()._repr_html_()
    drawn = [base64.b64decode(text) for text in re.findall(r"svg\+xml;base64,([^\"]+)", page)]
    assert len(drawn) == 9  # three charts, each with two swatches
    for picture in drawn:
        root = ElementTree.fromstring(picture)
        assert root.tag == "{http://www.w3.org/2000/svg}svg" and float(root.attrib["width"]) > 10
        assert b"prefers-color-scheme" not in picture and b"--c1: #1f6fb2" in picture
    assert 'alt="False positive rate: everybody baseline 0.0838' in page


def test_the_element_stands_in_a_frame_that_can_run_its_script_and_no_more():
    page = Judged(sample.report()).indicators()._repr_html_()
    assert 'sandbox="allow-scripts"' in page and "fairness-nb-container" in page
    assert "&quot;evalNameCompare&quot;: &quot;constrained&quot;" in page
    assert "is not installed" in Element("Facets", "")._repr_html_()


def test_the_gate_tells_a_value_within_the_limit_from_a_bound_within():
    verdict = run_folders.verdict()
    verdict["gate"][0] |= {"value": 0.04, "upper_bound": 0.07, "lower_bound": None}
    verdict["gate"][0] |= {"baseline_value": 0.06, "baseline_bound": None}
    table = judged(verdict | {"blessed": False}).gate()
    assert table["value within"].tolist() == [False, True]
    assert table["bound within"].tolist() == [False, False]
    assert table["95% bound"].tolist()[1] == 0.07


def test_support_and_counts_are_the_verdicts():
    pair = judged()
    counts = {str(group): of for group, of in pair.counts().items()}
    assert (counts["Young=Young"].fp, counts["Young=Not Young"].tn) == (146, 866)
    assert sorted(pair.support()["rests on"]) == ["3,218 negatives", "920 negatives"]


def test_the_bound_shrinks_to_the_value_and_crosses_the_limit():
    tight = judged(constraints=("max_gap(FPR, [Young]) <= 0.02",))
    [chart] = tight.bound_by_examples().charts
    assert chart.title == "The largest gap in false positive rate between the groups of Young"
    assert "with 920, limit 0.02" in chart.svg
    [bound, value, limit] = re.findall(r'<path class="line" d="([^"]*)"', chart.svg)
    heights = [
        [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", line)]
        for line in (bound, value, limit)
    ]
    # Downwards on the page is less: it starts above the limit, and ends between limit and value.
    assert heights[0] == sorted(heights[0])
    assert heights[0][0] < heights[2][0] < heights[0][-1] < heights[1][0]


def test_a_gate_of_values_is_lucky_more_often_than_a_gate_of_bounds():
    measured = many_test_splits(judged(), true_gap=0.055, draws=40)
    by_value, by_bound = measured.table()["passes"]
    assert by_value > 0.15 and by_bound <= 0.05
    assert np.all(measured.bounds >= measured.values)
    assert "is 0.055, beyond the limit of 0.05" in measured.table().caption


def test_a_banner_says_what_came_out():
    page = Banner("Blocked", False, "The gap <could be> large.", [("run", "1")])._repr_html_()
    assert "✕ BLOCKED" in page and "&lt;could be&gt;" in page


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(NoSuchRun, match="there are no runs"):
        open_run("", tmp_path)
    with pytest.raises(NoSuchRun, match=r"no report\.json below"):
        open_run(str(tmp_path))
    folder = tmp_path / "celeba" / "20261122-101010-101"
    folder.mkdir(parents=True)
    (folder / "settings.yaml").write_text("name: celeba\n")
    (folder / "failure.json").write_text('{"error": "no data"}')
    with pytest.raises(DataError, match="its state is 'failed': no data"):
        open_run("celeba", tmp_path)


def test_a_clusters_run_is_opened_by_its_root(tmp_path):
    for number, blessed in enumerate((True, False)):
        folder = tmp_path / "12345" / f"celeba-{number}" / f"Report_{number}" / "report"
        folder.mkdir(parents=True)
        file = folder / "report.json"
        file.write_text(sample.report(blessed=blessed).to_json())
        os.utime(file, (1_700_000_000 + number, 1_700_000_000 + number))
    run = open_run(str(tmp_path / "12345" / "celeba-0"))
    assert run.passed and run.lineage()["made"].tolist() == ["report"]
    assert run.lineage()["step"].tolist() == ["Report_0"]
    assert run.evaluated("false_positive_rate@0.5")["constrained"].tolist()[0] == pytest.approx(
        (0.05 + 0.0625) / 2
    )
    assert open_run(str(tmp_path)).passed is False  # the newest


# What is run again, and where.


def test_the_change_of_the_third_notebook_is_one_on_the_defaults():
    default = Settings()
    [line] = doing.tighter(default)
    assert line == "trainer.constraints.0=max_gap(FPR, [Young]) <= 0.005"
    assert load([], [line]).trainer.constraints != default.trainer.constraints
    assert doing.tighter(default, new_data=True)[1:] == ["data.stand_in.seed=1"]
    above = load([], ["trainer.constraints=['ACC | [Young] >= 0.8']"])
    assert doing.tighter(above) == ["trainer.constraints.0=ACC | [Young] >= 0.9"]


def test_what_would_come_out_the_same_is_not_run(tmp_path):
    (tmp_path / "settings.yaml").write_text("trainer: {steps: 100}\n")
    run = Run(judged().data, tmp_path, None, "here")
    with pytest.raises(ValueError, match="has these settings already"):
        doing.run_again(run, "trainer.steps=100")
    assert doing.changed(run, "") is run


@pytest.mark.parametrize(
    ("runs", "folder", "expected"),
    [
        ("runs", "home/runs/tiny/1", "home"),
        ("./made/runs", "home/made/runs/tiny/1", "home"),
        (".", "home/tiny/1", "home"),
    ],
)
def test_a_run_is_run_again_where_it_was_started(tmp_path, runs, folder, expected):
    # What is relative in its settings, such as data.path, is so to that folder.
    assert doing._started_in(tmp_path / folder, runs) == (tmp_path / expected).resolve()
    assert doing._started_in(tmp_path / folder, str(tmp_path)) == REPOSITORY
    assert doing._started_in(tmp_path / "moved/tiny/1", "runs") == REPOSITORY


@pytest.mark.parametrize("named", ["", "celeba", "celeba/20261122-101010-101"])
def test_runs_are_found_by_their_folders_from_anywhere(tmp_path, monkeypatch, named):
    folder = tmp_path / "runs" / "celeba" / "20261122-101010-101"
    folder.mkdir(parents=True)
    (folder / "settings.yaml").write_text("name: celeba\n")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for place in (tmp_path / "runs" / named, f"../runs/{named}"):
        with pytest.raises(DataError, match="no verdict to inspect"):
            open_run(str(place))
