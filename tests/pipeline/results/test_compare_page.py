"""compare --report: two runs on one page."""

from __future__ import annotations

from tests.components.report.test_page import Outline
from tests.pipeline import run_folders
from tests.pipeline.run_folders import BLOCKED, PASSED


def test_both_runs_their_gate_and_what_differs_are_on_the_page(root, said):
    status, text = said("compare", PASSED, BLOCKED, "--report")
    file = root / BLOCKED / "beside_celeba_20261121-170000-000.html"
    assert status == 0 and text.strip() == str(file.relative_to(root.parent))
    page = Outline(file.read_text())
    assert f"A · {PASSED}: pushed" in page.text and f"B · {BLOCKED}: blocked" in page.text
    assert "gate.limit" in page.text and "limit 0.02" in page.text and "limit 0.05" in page.text
    row = run_folders.blocked()["gate"][0]
    assert {str(row["value"]), str(row["upper_bound"])} <= set(page.values)
    assert page.tags.count("svg") > 4 and "script" not in page.tags
    assert len(set(page.ids)) == len(page.ids)


def test_a_run_without_a_verdict_is_compared_as_far_as_it_goes(root, said, tmp_path):
    run_folders.write(root, "celeba/20261123-170000-000")
    status, _ = said(
        "compare", BLOCKED, "celeba/20261123-170000-000", "--report", str(tmp_path / "page.html")
    )
    page = Outline((tmp_path / "page.html").read_text())
    assert status == 0 and "It has no verdict." in page.text and "not known" in page.text
