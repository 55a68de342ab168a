"""The head of a report, its plain words, and drift of the test data."""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import replace

import pytest
import yaml
from scipy import stats

from components.report import about, page
from components.report.drift import drift
from tests.components.report import sample
from tests.components.report.test_page import Outline

SAID = {
    "title": "Smiles <1>",
    "predicts": "smiling",
    "owner": "Team F",
    "contact": "f@example.org",
    "licence": "MIT",
}


def test_who_when_and_with_what_stand_at_the_head():
    data = sample.report()
    settings = yaml.safe_load(data.settings) | {"about": SAID}
    versions = {**data.versions, "fairgate": "9.9.9", "tensorflow": "2.21.0"}
    text = Outline(
        page.render(replace(data, settings=yaml.safe_dump(settings), versions=versions))
    ).text
    for said in ("Smiles <1>", "smiling (", "Team F", "f@example.org", "MIT", "9.9.9", "2.21.0"):
        assert said in text
    # The run's own date, whenever the page is made.
    assert "2026-11-22 10:10" in text


@pytest.mark.parametrize(
    ("label", "positive", "said"),
    [
        ("attributes/Smiling", "1", "Smiling (attributes/Smiling = 1)"),
        ("income", "high", "income = high"),
        ("churned", "yes", "churned (churned = yes)"),
    ],
)
def test_a_label_has_a_display_name_of_its_own(label, positive, said):
    data = replace(sample.report(), label=label, positive=positive)
    assert about.predicts(data, about.About()) == said


@pytest.mark.parametrize("run_id", ["", "fairgate-pipeline-x7k2", "20261399-101010-101"])
def test_a_run_whose_id_is_no_time_has_no_date(run_id):
    assert about.started(run_id) is None


def test_equal_data_make_equal_bytes():
    assert page.render(sample.report()) == page.render(sample.report())


def test_plain_words_have_the_counts_in_a_hundred():
    text = Outline(page.render(sample.report())).text
    # 0.0625 of 400 negatives, 0.2 of 400 positives.
    assert "6.2 in 100 of the 400 for whom No is right get a Yes" in text
    assert "20.0 in 100 of the 400 for whom Yes is right get a No" in text
    assert "For everybody like them it is at most 0.0423" in text


def test_every_term_that_can_be_touched_is_explained_once():
    found = page.render(sample.report())
    asked = set(re.findall(r'popovertarget="([^"]+)"', found))
    assert len(asked) > 10
    for term in asked:
        assert found.count(f'id="{term}"') == 1


def test_drift_is_the_exact_tests_of_the_shares():
    then, now = sample.verdict(), deepcopy(sample.verdict())
    young = now["models"]["constrained"]["groups"]["Young"]
    young |= {"examples": 1000, "negatives": 400}
    now["models"]["constrained"] |= {"examples": 1800}
    found = drift(then, now, same_records=False)
    row = next(row for row in found["rows"] if row["group"] == "Young")
    share = stats.fisher_exact([[800, 800], [1000, 800]]).pvalue
    positives = stats.fisher_exact([[400, 400], [600, 400]]).pvalue
    assert row["cells"] == pytest.approx([0.5, 1000 / 1800, share, 0.5, 0.6, positives])
    assert "there is drift" in found["words"]


def test_the_same_data_have_no_drift():
    same = drift(sample.verdict(), sample.verdict(), same_records=True)
    assert same["rows"] == [] and "same records" in same["words"]
    other = drift(sample.verdict(), sample.verdict(), same_records=False)
    assert "no drift" in other["words"]
    shown = Outline(page.render(replace(sample.report(), drift=other)))
    assert "drift" in shown.ids and "#drift" in shown.links
