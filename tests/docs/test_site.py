"""The pages as a site: it is built without a warning, opens without a network, and can be searched."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import fairgate
from fairgate import bounds, constraints, errors
from fairgate import optimization as fo
from tests.e2e.browser import launch
from tools import docs_site

REPOSITORY = Path(__file__).parents[2]
AXE = Path(os.environ.get("AXE_CORE", REPOSITORY / ".axe/package/axe.min.js"))
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `make docs` makes it; a link that leads nowhere, to a page or into one, is an error."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)],
        cwd=REPOSITORY,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launch() as running:
        yield running


def test_every_page_is_in_the_site(site):
    pages = {file.stem for file in (REPOSITORY / "docs").glob("*.md")}
    assert pages | {"index", "CHANGELOG", "CONTRIBUTING"} <= {p.stem for p in site.glob("*.html")}


def test_lists_and_what_belongs_to_them_are_as_on_the_forge(site):
    steps = re.findall(r"<ol>.*?</ol>", (site / "deploy.html").read_text(), re.DOTALL)[0]
    assert steps.count("<li>") == 6 and steps.count('<div class="highlight') == 4
    written = docs_site.as_python_markdown(["- a", "  - b", "", "  c", "- d", "```", "- e", "```"])
    assert written == ["-   a", "", "    -   b", "", "    c", "", "-   d", "```", "- e", "```"]


@pytest.mark.parametrize(
    ("page", "module"),
    [
        ("api", fairgate),
        ("api", errors),
        ("api_constraints", constraints),
        ("api_bounds", bounds),
        ("api_optimization", fo),
    ],
)
def test_every_public_name_is_in_the_reference(site, page, module):
    text = (site / f"{page}.html").read_text()
    headings = set(re.findall(r'<h[1-6] id="[\w.]*?(\w+)" class="doc', text))
    names = {
        name
        for name in getattr(module, "__all__", dir(module))
        if not name.startswith("_") and callable(getattr(module, name))
    }
    assert names and names <= headings


@pytest.mark.parametrize(
    ("viewport", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desktop", "phone"]
)
def test_every_page_opens_from_a_file_in_silence(site, browser, viewport, scheme):
    with browser.new_context(viewport=viewport, color_scheme=scheme, offline=True) as context:
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on(
            "request",
            lambda asked: (
                None if asked.url.startswith(("file:", "data:")) else said.append(asked.url)
            ),
        )
        for file in sorted(set(site.glob("*.html")) - {site / "404.html"}):  # which is for servers
            page.goto(file.as_uri())
            assert said == [], file.name
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= viewport["width"], file.name


def test_the_search_finds_a_page_without_a_server(site, browser):
    with browser.new_context(viewport=DESKTOP, offline=True) as context:
        page = context.new_page()
        page.goto((site / "index.html").as_uri())
        page.get_by_role("textbox", name="Search").fill("levelling down")
        found = page.locator(".md-search-result__link[href*=choosing_a_constraint]")
        found.first.wait_for(timeout=120_000)  # the index is made in the browser


@pytest.mark.parametrize(
    ("name", "scheme"),
    [("index", "light"), ("api", "dark"), ("from_tfco", "light"), ("judge", "dark")],
)
def test_axe_finds_nothing_serious(site, browser, name, scheme):
    if not AXE.exists():
        pytest.skip(f"no axe-core at {AXE} (tools/fetch_browser.sh fetches it)")
    with browser.new_context(viewport=DESKTOP, color_scheme=scheme, offline=True) as context:
        page = context.new_page()
        page.goto((site / f"{name}.html").as_uri())
        page.add_script_tag(path=str(AXE))
        found = page.evaluate("axe.run(document)")
        serious = {v["id"] for v in found["violations"] if v["impact"] in ("serious", "critical")}
        assert serious == set(), [(v["id"], len(v["nodes"])) for v in found["violations"]]
