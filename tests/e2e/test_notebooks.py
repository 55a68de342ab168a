"""The notebooks, executed against a run and looked at in a browser without a network.

Each is executed once; what it holds then is read as it is, as nbconvert's HTML, and in JupyterLab.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.browser import require_rates_of, shown_rates
from tests.e2e.runs import REPOSITORY, Workplace, forget

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

FOLDER = REPOSITORY / "notebooks"
NAMES = ["1_inspect_a_run", "2_tutorial_celeba", "3_why_blocked"]
_DESKTOP = {"width": 1400, "height": 900}


@dataclass(frozen=True)
class Executed:
    """An executed notebook: its file, and its page by nbconvert."""

    name: str
    file: Path

    @property
    def page(self) -> Path:
        return self.file.with_suffix(".html")

    def outputs(self) -> list[dict[str, Any]]:
        """All outputs, in order."""
        cells = json.loads(self.file.read_text())["cells"]
        return [output for cell in cells for output in cell.get("outputs", [])]

    def html(self) -> str:
        """All that is shown."""
        shown = [output.get("data", {}).get("text/html", "") for output in self.outputs()]
        return "\n".join("".join(each) for each in shown)


@pytest.fixture(scope="module")
def passed(place, tmp_path_factory) -> Any:
    """A run as the defaults make one: its folders, and so its artifacts' places, are relative.

    They are so to the folder that it is started in, in which no notebook stands.
    """
    folder = tmp_path_factory.mktemp("notebooks")
    own = Workplace(folder, place.world)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run = own.run(f"data.path={place.data}", "runs=runs", "serving=serving", *_schema(place))
    assert run.status == 0, run.output
    return run


def _schema(place: Workplace) -> list[str]:
    return [f"data.schema_file={place.data / 'schema.pbtxt'}"]


@pytest.fixture(scope="module")
def runs(passed) -> Path:
    """The folder of runs that it is in; to the gate there, nobody has looked at the test split."""
    forget(passed.folder.parents[1])
    return passed.folder.parents[1]


@pytest.fixture(scope="module")
def parameters(runs, passed, place) -> dict[str, dict[str, Any]]:
    """What each notebook is told: the shared run, and settings that make short work."""
    settings = yaml.safe_load(place.settings.read_text())
    settings |= {"runs": str(runs), "serving": str(runs / "serving")}
    # The shared run's own model: its gap is within this limit, its bound is not. It is the first of two.
    settings["gate"] |= {"limit": 0.0845, "attempts": 2, "confidence": 0.9}
    example = runs / "blocked.yaml"
    # In their order: the groups' order is part of what a step depends on.
    example.write_text(yaml.safe_dump(settings, sort_keys=False))
    return {
        NAMES[0]: {"run": str(runs / "tiny" / passed.folder.name)},
        NAMES[1]: {"data": str(_few_faces(runs.parent)), "images": 1000, "steps": 100},
        NAMES[2]: {
            "runs": str(runs),
            "example": str(example),
            "change": "trainer.constraints.0=FPR | [Blue] <= 0.03",
            "limits": "0.1",
        },
    }


def _few_faces(folder: Path) -> Path:
    from pipeline.data import synthetic_celeba

    synthetic_celeba.generate(folder / "faces", images=1000, processes=1)
    return folder / "faces"


@pytest.fixture(scope="module", params=NAMES)
def executed(request, parameters, tmp_path_factory) -> Executed:
    """One notebook, executed where it stands and converted."""
    file = tmp_path_factory.mktemp("executed") / f"{request.param}.ipynb"
    _run("papermill", str(FOLDER / file.name), str(file), *_told(parameters[request.param]))
    _run("jupyter", "nbconvert", "--to", "html", "--config", "nbconvert.json", str(file))
    return Executed(request.param, file)


def _told(parameters: dict[str, Any]) -> list[str]:
    typed = {str: "-r"}
    return [
        part
        for name, value in parameters.items()
        for part in (typed.get(type(value), "-p"), name, str(value))
    ]


def _run(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=FOLDER, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]


def test_nothing_failed_and_nothing_is_muttered(executed):
    kinds = [(o["output_type"], o.get("name"), o.get("text")) for o in executed.outputs()]
    assert [kind for kind in kinds if kind[0] == "error" or kind[1] == "stderr"] == []
    assert kinds


def test_its_tables_have_the_verdicts_numbers(executed, passed, runs):
    if executed.name == NAMES[1]:
        assert "max_gap(FPR, [Young])" in executed.html()
        return
    [after] = (
        [runs / "tiny" / passed.folder.name] if executed.name == NAMES[0] else _made(runs)[-1:]
    )
    verdict = json.loads((after / "verdict.json").read_text())
    [row] = verdict["gate"]
    shown = executed.html()
    assert f"{row['value']:.4f}" in shown and f"{row['upper_bound']:.4f}" in shown
    assert after.name in shown


def test_a_blocked_run_passes_after_the_change(executed, passed, runs):
    if executed.name != NAMES[2]:
        pytest.skip("the story of the third notebook")
    before, frontier, after = [
        folder for folder in _made(runs) if folder.name != passed.folder.name
    ]
    blocked, better = (
        json.loads((folder / "verdict.json").read_text()) for folder in (before, after)
    )
    assert (frontier / "frontier.json").is_file()
    assert blocked["blessed"] is False and better["blessed"] is True
    assert blocked["attempt"]["sealed"] and blocked["gate"] == []
    [row] = blocked["validation"]["judgement"]["gate"]
    assert blocked["reasons"][0] in _plain(executed.html())
    assert f"{row['value']:.4f}" in executed.html() and "validation split" in executed.html()
    assert (better["attempt"]["number"], better["attempt"]["sealed"]) == (2, False)


def _made(runs: Path) -> list[Path]:
    """The folders of runs and frontiers, oldest first."""
    return sorted(file.parent for file in runs.glob("tiny/*/settings.yaml"))


def _plain(page: str) -> str:
    import html

    return html.unescape(page)


class Visit:
    """A page, with whatever it said and asked for beyond this machine."""

    def __init__(self, browser: Any, address: str):
        self.context = browser.new_context(viewport=_DESKTOP)
        self.said: list[str] = []
        self.refused: list[str] = []
        self.context.route("**/*", self._route)
        self.page = self.context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.goto(address)

    def _route(self, route: Any) -> None:
        url = route.request.url
        if url.startswith(("file:", "data:", "blob:", "about:", "http://127.0.0.1:")):
            route.continue_()
        else:
            self.refused.append(url)
            route.abort()

    def _hear(self, message: Any) -> None:
        if message.type == "error":
            self.said.append(f"{message.text} ({message.location.get('url', '')})")

    def elements(self) -> list[Any]:
        """The frames of the interactive elements, each scrolled to."""
        frames = self.page.locator("iframe[srcdoc]")
        for index in range(frames.count()):
            frames.nth(index).scroll_into_view_if_needed()
            inner = frames.nth(index).content_frame.locator("iframe").content_frame
            inner.locator("fairness-metrics-board, facets-overview-table").first.wait_for()
        return [
            frame
            for frame in self.page.frames
            if frame.parent_frame not in (None, self.page.main_frame)
        ]

    def broken_pictures(self) -> list[str]:
        """What pictures that could not be drawn would have shown."""
        return self.page.evaluate(
            """() => [...document.images].filter(image => !image.complete || !image.naturalWidth)
                .map(image => image.alt)"""
        )


def _indicators(visit: Visit) -> Any:
    [found] = [f for f in visit.elements() if f.locator("fairness-metrics-board").count()]
    return found


def _require_whole(visit: Visit, executed: Executed, passed: Any) -> None:
    if executed.name in NAMES[:2]:
        shown = shown_rates(_indicators(visit))
        assert len(shown) == 4
        if executed.name == NAMES[0]:
            require_rates_of(passed.verdict, shown)
    assert visit.page.locator("img").count() >= 4 and visit.broken_pictures() == []
    assert visit.said == [] and visit.refused == []


def test_nbconverts_page_renders_alone(executed, browser, passed):
    visit = Visit(browser, executed.page.as_uri())
    try:
        _require_whole(visit, executed, passed)
    finally:
        visit.context.close()


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[tuple[str, Path, dict[str, str]]]:
    """JupyterLab over an empty folder: its address, the folder, and its environment."""
    folder = tmp_path_factory.mktemp("lab")
    home = tmp_path_factory.mktemp("jupyter")
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
    }
    # All cells at once: otherwise those out of sight are not in the page.
    tracker = (
        home / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    )
    tracker.parent.mkdir(parents=True)
    tracker.write_text('{"windowingMode": "none"}')
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["jupyter", "lab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    command += ["--IdentityProvider.token=", "--LabApp.news_url=", f"--ServerApp.root_dir={folder}"]
    command += ["--LabApp.extension_manager=readonly"]
    log = (home / "log").open("w")
    server = subprocess.Popen(
        [sys.executable, "-m", *command],
        env=environment,
        cwd=folder,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{address}/api", timeout=5).close()
                break
            except urllib.error.URLError:
                assert server.poll() is None, (home / "log").read_text()[-3000:]
                time.sleep(0.5)
        yield address, folder, environment
    finally:
        # With its kernels, and at once: there is nothing to be saved.
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        log.close()


def test_jupyterlab_renders_it(executed, browser, lab, passed):
    address, folder, environment = lab
    shutil.copy(executed.file, folder)
    # Outputs of a notebook that was not run here are shown only when it is trusted.
    trust = [sys.executable, "-m", "jupyter", "trust", str(folder / executed.file.name)]
    subprocess.run(trust, env=environment, check=True, capture_output=True)
    visit = Visit(browser, f"{address}/lab/tree/{executed.file.name}?reset")
    try:
        visit.page.locator(".jp-Notebook .jp-OutputArea-output table").first.wait_for(
            timeout=120_000
        )
        _require_whole(visit, executed, passed)
    finally:
        visit.context.close()
