"""The report in a browser without a network: it renders, is silent, and can be read by everybody."""

from __future__ import annotations

import csv
import os
import pathlib
import re
from collections.abc import Iterator

import pytest

from tests.e2e.browser import require_rates_of, shown_rates

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

AXE = pathlib.Path(os.environ.get("AXE_CORE", ".axe/package/axe.min.js"))
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}

ELEMENTS = ("fairness-metrics-board", "facets-overview-table")
"""In the order of the page; a phone is too narrow for them."""


class Visit:
    """One page, with whatever it tried to fetch and said."""

    def __init__(self, browser, file: pathlib.Path, viewport: dict[str, int], scheme: str):
        self.context = browser.new_context(viewport=viewport, color_scheme=scheme, offline=True)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.fetched: list[str] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.fetched.append(request.url))
        self.page.goto(file.as_uri())

    def _hear(self, message) -> None:
        if message.type == "error":
            self.said.append(message.text)

    def elements(self) -> list:
        """The frames of the interactive elements, each scrolled to and shown."""
        places = self.page.locator(".element:visible")
        for index in range(places.count()):
            places.nth(index).scroll_into_view_if_needed()
            places.nth(index).locator("iframe").wait_for()
        return [frame for frame in self.page.frames if frame != self.page.main_frame]


@pytest.fixture(params=[(DESKTOP, "light"), (PHONE, "dark")], ids=["desktop", "phone"])
def visit(request, browser, passed) -> Iterator[Visit]:
    visited = Visit(browser, passed.folder / "report.html", *request.param)
    yield visited
    visited.context.close()


def test_it_renders_alone_and_in_silence(visit):
    for frame, shown in zip(visit.elements(), ELEMENTS, strict=False):
        frame.locator(shown).first.wait_for()
    visit.page.wait_for_timeout(1000)
    assert visit.said == []
    outside = [url for url in visit.fetched if not url.startswith(("data:", "blob:", "about:"))]
    assert [url for url in outside if not url.endswith("report.html")] == []
    width = visit.page.evaluate("document.documentElement.scrollWidth")
    assert width <= visit.page.viewport_size["width"]


def test_the_element_shows_the_verdicts_numbers(visit, passed):
    if visit.page.viewport_size == PHONE:
        assert visit.elements() == []
        rates = visit.page.locator(".meters").first.locator("div")
        said = {
            row.locator("dt").inner_text(): row.locator("dd").all_inner_texts()
            for row in rates.all()
        }
        for group, result in passed.verdict["models"]["constrained"]["groups"].items():
            assert said[group][1].split() == ["constrained", f"{result['fpr']:.3f}"]
        return
    indicators, _ = visit.elements()
    require_rates_of(passed.verdict, shown_rates(indicators))


def test_the_keyboard_reaches_the_contents(visit):
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.textContent") == "Skip to the report"
    reached = []
    while (
        reached[-1:] != ["#gate"] and len(reached) < 20
    ):  # past the terms and the switch of the head
        visit.page.keyboard.press("Tab")
        reached.append(visit.page.evaluate("document.activeElement.getAttribute('href')"))
    assert reached[-1] == "#gate"
    visit.page.keyboard.press("Enter")
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("!!document.activeElement.closest('section[aria-labelledby=gate]')")


def test_paper_has_no_frames(visit):
    visit.page.emulate_media(media="print")
    assert visit.page.locator(".element:visible").count() == 0
    assert visit.page.locator("table:visible").count() > 4


@pytest.mark.parametrize("name", ["report.html", "model_card.html"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser, passed, name, scheme):
    if not AXE.is_file():
        pytest.skip(f"no axe-core at {AXE} (npm pack axe-core, unpacked there; or set AXE_CORE)")
    visit = Visit(browser, passed.folder / name, DESKTOP, scheme)
    try:
        visit.page.evaluate(AXE.read_text())
        # What is in the frames is other people's; that each has a name is ours, and is looked at.
        found = visit.page.evaluate("axe.run(document, {iframes: false})")
        serious = [
            (violation["id"], [node["html"][:200] for node in violation["nodes"]])
            for violation in found["violations"]
            if violation["impact"] in ("serious", "critical", "moderate")
        ]
        assert serious == [] and len(found["passes"]) > 8
    finally:
        visit.context.close()


# What the report answers to.


def test_plain_words_take_the_place_of_statistics(visit):
    groups = visit.page.locator("section[aria-labelledby=groups]")
    assert groups.locator("table").is_visible() and not groups.locator(".plain").is_visible()
    visit.page.locator("#in-words").check()
    assert not groups.locator("table").is_visible()
    assert "in 100 of the" in groups.locator(".plain").inner_text()
    visit.page.emulate_media(media="print")
    assert groups.locator("table").is_visible() and groups.locator(".plain").is_visible()


def test_a_term_is_explained_on_touch(visit):
    term = visit.page.locator("button.term", has_text="bound").first
    said = visit.page.locator("#term-bound")
    assert not said.is_visible()
    term.click()
    assert said.is_visible() and "confidence" in said.inner_text()
    visit.page.keyboard.press("Escape")
    assert not said.is_visible()


def test_a_table_is_saved_as_csv_with_the_whole_numbers(visit, passed):
    save = visit.page.get_by_role("button", name="Save as CSV: Groups side by side")
    with visit.page.expect_download() as download:
        save.click()
    with pathlib.Path(download.value.path()).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert len({len(row) for row in rows}) == 1
    [blue] = [row for row in rows if row[:2] == ["Blue", "constrained"]]
    told = dict(zip(rows[0], blue, strict=True))
    result = passed.verdict["models"]["constrained"]["groups"]["Blue"]
    assert float(told["false positive rate"]) == result["fpr"]
    assert int(told["negatives"]) == result["negatives"]
    assert re.fullmatch(r"0\.\d{3}.0\.\d{3}", told["false positive rate: range"])
    assert visit.said == []


def test_on_a_phone_nothing_of_a_group_is_out_of_sight(visit):
    width = visit.page.viewport_size["width"]
    for cell in visit.page.locator("section[aria-labelledby=groups] td").all():
        box = cell.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
    for bar in visit.page.locator(".meters dd:visible").all():
        box = bar.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width


def test_it_prints_as_numbered_pages(visit, tmp_path):
    file = tmp_path / "report.pdf"
    visit.page.pdf(path=file, format="A4", prefer_css_page_size=True)
    pages = len(re.findall(rb"/Type\s*/Page\b", file.read_bytes()))
    assert 3 <= pages <= 25
