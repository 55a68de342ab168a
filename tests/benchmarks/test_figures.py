"""Every page with figures says which command measured them; the first page's are those of its run."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import pytest

from benchmarks.figures import pages
from benchmarks.figures.__main__ import main
from tests.docs.test_pages import PAGES

MEASURED = pages.read()
EXECUTED = {
    "docs/choosing_a_constraint.md": "tests/docs/test_snippets.py",
    "docs/constrained_optimization.md": "tests/fairgate/docs/test_guide.py",
    "docs/from_tfco.md": "tests/docs/test_from_tfco_page.py",
    "docs/judge.md": "tests/docs/test_judge_page.py",
    "docs/library_on_real_data.md": "tests/docs/test_library_on_real_data_page.py",
    "docs/monitoring.md": "tests/docs/test_monitoring_page.py",
}
"""Pages whose figures are printed by what stands on them -> the test that compares."""
OTHERS = {"CHANGELOG.md"}
"""What changed measures nothing."""
_FIGURE = re.compile(r"(?<![\w.])\d+\.\d{3,}(?![\w.]*\d)")
_AMOUNT = re.compile(
    r"(?<![\w.])\d[\d,.]* ?(?:ms|s|seconds|minutes|hours|GB|MB|KB|steps/s|images/s)(?![\w/])"
)
WRITTEN = {
    "docs/kill_drill.md": "benchmarks/drill/page.py",
    "docs/scale.md": "benchmarks/scale/kept.py",
}
"""Page -> the program that writes its figures."""
FROM = {
    "CONTRIBUTING.md": {"35 s": "tests/conftest.py"},
    "docs/own_network.md": dict.fromkeys(
        ("4 GB", "0.25 GB"), "components/constrained_trainer/running/devices.py"
    ),
    "docs/deploy.md": {
        **dict.fromkeys(
            ("3.6 GB", "3.2 GB", "1.1 GB", "14 s", "3 MB"), "kubeflow/try_dockerfile.py"
        ),
        "2.81 GB": "uv.lock",
        "9 GB": "kubeflow/try_dockerfile.py",
        "20 seconds": "pipeline/running/elsewhere.py",
        "30 seconds": "tests/components/pusher/test_versions.py",
    },
    "docs/report.md": {"2.5 MB": "components/report/page.py", "5 MB": "components/report/page.py"},
    "docs/settings.md": {"2 GB": "pipeline/running/beside.py"},
    "docs/troubleshooting.md": {"2 GB": "docs/pipeline.md", "1.5 GB": "Makefile"},
}
"""Page that no command writes -> its times and sizes, and the file that measures, sets or writes them."""
_CODE = re.compile(r"^```(?:yaml|sh)\n.*?^```|`[^`\n]*`|https?:[^)\s]*", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", MEASURED)
def test_what_stands_on_a_page_is_what_was_measured(page):
    text = (pages.REPOSITORY / page).read_text()
    assert pages.section(MEASURED[page]) in text, "run make figures ARGS=--pages"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_page_with_figures_says_what_measured_them(page):
    name = str(page.relative_to(pages.REPOSITORY))
    figures = _FIGURE.findall(_CODE.sub("", page.read_text()))
    if figures and name not in {*MEASURED, *WRITTEN, *OTHERS}:
        assert page.name in (pages.REPOSITORY / EXECUTED[name]).read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_time_and_size_says_where_it_is_from(page):
    name = str(page.relative_to(pages.REPOSITORY))
    found = _AMOUNT.findall(_CODE.sub("", page.read_text()))
    if found and name not in {*MEASURED, *EXECUTED, *WRITTEN, *OTHERS}:
        assert set(found) <= set(FROM[name]), "which command or file says it?"
        assert all((pages.REPOSITORY / source).exists() for source in FROM[name].values())


def test_the_programs_that_write_pages_are_there():
    assert all((pages.REPOSITORY / program).exists() for program in WRITTEN.values())


@pytest.mark.parametrize("page", MEASURED)
def test_every_command_that_measures_is_there(page):
    program, name = MEASURED[page]["command"].split()[:2]
    if program == "make":
        makefile = (pages.REPOSITORY / "Makefile").read_text()
        assert re.search(f"^{name}:", makefile, re.MULTILINE)
    else:
        assert (program, name) == ("./fairgate", "run")


def test_a_run_becomes_the_first_pages_figures(tmp_path, monkeypatch):
    first = tmp_path / "README.md"
    first.write_text(f"before\n{pages.BEGIN}\n{pages.END}\nafter\n")
    measured = tmp_path / "measured.json"
    known = {"command": "make run", "varies": "It is one run."}
    measured.write_text(json.dumps({"README.md": known}))
    monkeypatch.setattr(pages, "REPOSITORY", tmp_path)
    monkeypatch.setattr(pages, "MEASURED", measured)
    verdict = copy.deepcopy(MEASURED["README.md"]["verdict"])
    verdict["gate"][0] |= {"value": 0.01234, "upper_bound": 0.02345}
    verdict |= {"run_id": "20261129-120000-000", "advice": []}
    (tmp_path / "verdict.json").write_text(json.dumps(verdict))
    photographed = []
    monkeypatch.setattr("benchmarks.figures.pictures.make", photographed.append)

    main(["--run", str(tmp_path)])

    assert photographed == [tmp_path / "report.html"]
    text = first.read_text()
    assert text.startswith("before\n") and text.endswith("after\n")
    shown = re.findall(r"constrained +(\S+) +(\S+)", text)[-1]
    assert shown == ("0.0123", "0.0234")
    entry = json.loads(measured.read_text())["README.md"]
    assert entry["command"] == "make run" and re.fullmatch(r"20\d\d-\d\d-\d\d", entry["date"])
    assert "cores" in entry["machine"] and f"on {entry['machine']}. It is one run." in text


def test_a_page_without_a_command_is_refused():
    with pytest.raises(SystemExit, match=r"docs/none\.md has no figures in measured\.json"):
        main(["--measured", str(Path("docs/none.md"))])
