"""The pictures on the pages: which command makes each, and those that are made here.

    make figures ARGS="--pictures"     # all but those that a measurement of hours draws

Pages are photographed in Chromium without a network.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.figures.playing import REPOSITORY, played

IMAGES = Path("docs/images")
MADE_BY = {
    "report.png": "make figures",
    "judgement.png": "make figures",
    "monitor.png": "make figures",
    "suite.png": "make figures",
    "experiment-smiles.png": "make experiment",
    "experiment-stand-in-gap.png": "make experiment",
    "pipeline.svg": "drawn by hand",
}
"""Picture -> what makes it."""

_WIDTH = 1100  # pixels, the width of the text of a page


def make(report: Path | None) -> None:
    """Makes the pictures anew.

    Args:
        report: a run's report.html, whose head is photographed; None leaves its picture as it is.
    """
    suite()
    heads = {} if report is None else {"report.png": report.resolve()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for page, file, picture in (
            ("judge.md", "judgement.html", "judgement.png"),
            ("monitoring.md", "over_time.html", "monitor.png"),
        ):
            place = folder / page
            place.mkdir()
            for _ in played((REPOSITORY / "docs" / page).read_text(), place):
                if (place / file).exists():
                    break  # later commands of the page may write it anew
            heads[picture] = place / file
        photograph(heads)


def photograph(pages: Mapping[str, Path], height: int = 1150) -> None:
    """The heads of pages, as they stand on a screen, as picture -> page.

    Raises:
        SystemExit: no Chromium is installed.
    """
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        raise SystemExit("no Chromium is installed: tools/fetch_browser.sh fetches it")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # A container's root has no sandbox to put it in; the pages are FairGate's.
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        context = browser.new_context(
            viewport={"width": _WIDTH, "height": height}, color_scheme="light", offline=True
        )
        for picture, page in pages.items():
            tab = context.new_page()
            tab.goto(page.as_uri())
            tab.screenshot(path=REPOSITORY / IMAGES / picture)
            tab.close()
        browser.close()


def suite() -> None:
    """Draws the table over all tasks of docs/suite.md: picture and table are of one measurement."""
    from benchmarks.suite import chart
    from benchmarks.suite.summary import Mean, Row

    text = (REPOSITORY / "docs/suite.md").read_text()
    table = text.partition("## Over all tasks")[2].partition("![")[0]
    mean = r"([-+]?[\d.]+) ± ([\d.]+)"
    rows = []
    for name, *numbers in re.findall(rf"^\| ([\w-]+) \| {mean} \| {mean} \|", table, re.MULTILINE):
        error, error_half, violation, violation_half = map(float, numbers)
        rows.append(
            Row(
                name.replace("FairGate", "ours"),
                Mean(error / 100, error_half / 100, 5),
                Mean(violation, violation_half, 5),
                0,
                0,
                Mean(float("nan"), float("nan"), 0),
                0.0,
            )
        )
    chart.draw(rows, REPOSITORY / IMAGES / "suite.png")
