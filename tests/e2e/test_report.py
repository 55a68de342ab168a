"""The report of a whole run: its numbers are the verdict's, and nothing of it is missing."""

from __future__ import annotations

import json
import re

import pytest

from components.report.data import ReportData
from tests.components.report.test_page import Outline

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def page(passed) -> Outline:
    return Outline((passed.folder / "report.html").read_text())


@pytest.fixture(scope="module")
def made(passed, place) -> ReportData:
    """What the component gathered."""
    folders = (place.home / "artifacts" / "Report" / "report").iterdir()
    first = min(folders, key=lambda path: int(path.name))
    return ReportData.from_json((first / "report.json").read_text())


def test_the_run_says_where_its_report_is(passed):
    report = passed.folder / "report.html"
    assert f"Report:{report}" in "".join(passed.output.split())
    assert report.stat().st_size < 5_000_000


def test_its_numbers_are_the_verdicts(passed, page):
    verdict = passed.verdict
    [row] = verdict["gate"]
    expected = [row[k] for k in ("value", "upper_bound", "baseline_value", "baseline_bound")]
    for model in verdict["models"].values():
        for result in (model, *model["groups"].values()):
            expected += [result["fpr"], result["fnr"], result["accuracy"]]
    assert {str(number) for number in expected} <= set(page.values)
    assert f"pushed to {verdict['pushed_model']}" in page.text and passed.folder.name in page.text


def test_nothing_is_missing(page):
    sections = ["gate", "groups", "indicators", "training", "scores", "data", "mistakes"]
    sections += ["thresholds", "versions", "time"]
    assert set(sections) <= set(page.ids)
    assert page.tags.count("img") >= 4 and page.tags.count("svg") > 12
    for split in ("train", "validation", "test"):
        assert f"data, {split} split" in page.text
    assert "Pusher" in page.text and "tensorflow 2." in page.text


def test_scores_agree_with_the_evaluator(passed, made):
    # The Evaluator counts on Beam, the report in NumPy: two ways to the same rates.
    for row in made.scores.comparison:
        if row.threshold == 0.5:
            model = passed.verdict["models"][row.model]
            assert row.fpr == pytest.approx(model["fpr"])
            assert row.accuracy == pytest.approx(model["accuracy"])
            for name, group in model["groups"].items():
                assert row.groups[name] == pytest.approx(group["fpr"])
    assert [row.model for row in made.scores.comparison] == ["baseline", "baseline", "constrained"]
    sizes = {(s.split, s.group): (s.negatives, s.positives) for s in made.sizes}
    for name, group in passed.verdict["models"]["constrained"]["groups"].items():
        positives = group["examples"] - group["negatives"]
        assert sizes["test", name] == (group["negatives"], positives)


def test_the_element_is_given_the_verdicts_numbers(passed, made):
    for model, entries in made.indicators.items():
        fpr = {
            entry["slice"]: entry["metrics"][
                "fairness_indicators_metrics/false_positive_rate@0.50"
            ]["doubleValue"]
            for entry in entries
        }
        of = passed.verdict["models"][model]
        expected = {"Overall": of["fpr"]} | {
            f"Team:{name}": group["fpr"] for name, group in of["groups"].items()
        }
        assert fpr == pytest.approx(expected)


def test_the_chosen_snapshot_is_the_trainings(made):
    history = made.histories["constrained"]
    taken = [snapshot["step"] for snapshot in history["snapshots"] if not snapshot["shift"]]
    assert taken == [0, 50, 100, 150, 200, 250, 300] and history["pieces"]
    assert [row["name"] for row in history["yardsticks"]][:2] == [
        "the commonest answer",
        "the baseline",
    ]
    assert made.histories["baseline"]["constraints"] == []


def test_before_the_push_no_push_is_told(made):
    assert made.verdict["blessed"] is True and made.verdict["pushed"] is None
    assert made.steps == []


def test_the_model_card_is_beside_it(passed):
    card = (passed.folder / "model_card.md").read_text()
    [row] = passed.verdict["gate"]
    assert f"at most {row['upper_bound']:.4f}; limit 0.3: kept" in card
    assert re.search(r"\| Blue \| constrained \| 450 \| 0\.\d{4} \(", card)
    assert "<table" in (passed.folder / "model_card.html").read_text()


def test_every_run_leaves_evidence_that_fits_it(passed):
    from pipeline.results import evidence

    checked = evidence.check(passed.folder / evidence.EVIDENCE_FILE)
    assert (checked.problems, checked.absent, checked.signed_by) == ([], [], None)
    told = json.loads((passed.folder / evidence.EVIDENCE_FILE).read_text())["statement"]
    assert told["asked"]["attempt"] == 1 and told["model_digest"] is not None
    assert told["asked"]["delta"] == told["asked"]["delta_of_all_attempts"] == 0.05


def test_a_frontier_with_the_same_constraints_is_shown(passed, made, place, tmp_path):
    from pipeline.results import report
    from pipeline.results.verdict import Verdict

    home = tmp_path / "tiny"
    (home / "run").mkdir(parents=True)
    point = {"expression": "max_gap(FPR, [Team])", "value": 0.02, "bound": 0.04}
    for name, constraint in (("1", "max_gap(FPR, [Team]) <= 0.3"), ("2", "FPR | [Red] <= 0.1")):
        (home / name).mkdir()
        points = [{"limit": None, "accuracy": 0.9, "measured": [point]}]
        frontier = {"constraints": [constraint], "examples": 500, "points": points}
        (home / name / "frontier.json").write_text(json.dumps(frontier))
    component = min((place.home / "artifacts" / "Report" / "report").iterdir())
    verdict = Verdict.read(passed.folder / "verdict.json")
    written = report.publish(report.read(str(component)), home / "run", verdict, [])
    shown = Outline(written.read_text())
    assert "frontier" in shown.ids and "(run 1)" in shown.text
