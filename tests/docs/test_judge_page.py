"""docs/judge.md is true: its snippets run, its commands print what is shown, its release stops by itself.

    python -m tests.docs.test_judge_page

writes into the page what the snippets and commands print; where PyTorch is installed, its story's, too.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.figures.playing import BLOCK, REPOSITORY, Shown, played, ran, run_python, tidy

PAGE = REPOSITORY / "docs/judge.md"
README = REPOSITORY / "README.md"
TORCH = importlib.util.find_spec("torch") is not None
NO_TORCH = (
    "PyTorch is no part of this environment: its story runs where `pip install torch` was run"
)
# The ledger says when an attempt was made.
_DAY = re.compile(r"\b20\d\d-\d\d-\d\d\b")


def fits(shown: str, printed: str) -> bool:
    """Whether they are the same; "..." stands for anything, and lines may then be broken elsewhere."""
    shown, printed = (_DAY.sub("some day", text) for text in (shown, printed))
    if "..." not in shown:
        return shown == tidy(printed)
    parts = [r"\s+".join(map(re.escape, part.split())) for part in shown.split("...")]
    return re.fullmatch(r"\s*" + ".*".join(parts) + r"\s*", printed, re.DOTALL) is not None


def require_what_is_shown(found: Iterable[tuple[Shown, str]]) -> int:
    number = 0
    for shown, printed in found:
        assert fits(shown.output, printed), f"{shown.what}\nprints\n{tidy(printed)}"
        number += 1
    return number


def workflow() -> dict[str, Any]:
    [text] = [
        block["text"] for block in BLOCK.finditer(PAGE.read_text()) if block["kind"] == "yaml"
    ]
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def snippets() -> list[str]:
    return [
        block["text"] for block in BLOCK.finditer(PAGE.read_text()) if block["kind"] == "python"
    ]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[Shown, str]]]:
    """Where everything but the story of PyTorch ran, and what it printed."""
    folder = tmp_path_factory.mktemp("judge_page")
    return folder, list(played(PAGE.read_text(), folder))


@pytest.mark.slow
def test_everything_prints_what_the_page_shows(page):
    folder, found = page
    assert require_what_is_shown(found) >= 9
    for made in (
        "judgement.html",
        "verdict.json",
        "loans.html",
        "test.parquet",
        "candidate.joblib",
    ):
        assert (folder / made).stat().st_size, made


@pytest.mark.skipif(not TORCH, reason=NO_TORCH)
def test_the_story_of_pytorch_prints_what_the_page_shows(tmp_path):
    assert require_what_is_shown(played(PAGE.read_text(), tmp_path, torch=True)) == 1


def test_the_first_page_prints_what_it_shows_of_the_same_predictions(tmp_path):
    run_python(snippets()[0], tmp_path)
    shown = [
        block.group()
        for block in BLOCK.finditer(README.read_text())
        if "$ fairgate" in block["text"]
    ]
    assert require_what_is_shown(played("\n".join(shown), tmp_path)) >= 1


@pytest.fixture
def checkout(page: tuple[Path, list[tuple[Shown, str]]], tmp_path: Path) -> Path:
    """A repository with what the job finds there, and the branch of the ledger in `ledger`."""
    for file in ("score.py", "test.parquet", "candidate.joblib"):
        shutil.copy(page[0] / file, tmp_path)
    me = "-c user.name=me -c user.email=me@example.com"
    for command in (
        "git init --quiet --bare remote",
        "git clone --quiet remote ledger 2>/dev/null",
        "git -C ledger switch --quiet --orphan fairness-ledger",
        f"git -C ledger {me} commit --quiet --allow-empty -m 'The ledger'",
        "git -C ledger push --quiet -u origin fairness-ledger",
    ):
        done = ran(["bash", "-c", command], tmp_path)
        assert done.returncode == 0, done.stdout
    return tmp_path


def job(checkout: Path, tag: str, instead: tuple[str, str] = ("", "")) -> dict[str, int]:
    """Runs the steps of the job `judge`, as a runner does; their exit statuses, by name."""
    statuses: dict[str, int] = {}
    for step in workflow()["jobs"]["judge"]["steps"]:
        if "run" not in step or step["run"].startswith("pip install "):
            continue
        if any(statuses.values()) and step.get("if") != "always()":
            continue
        lines = f"export GITHUB_REF_NAME='{tag}'\n{step['run'].replace(*instead)}"
        done = ran(["bash", "-e", "-c", lines], checkout)
        statuses[step.get("name", step["run"])] = done.returncode
    return statuses


@pytest.mark.slow
def test_the_release_stops_by_the_exit_status_and_keeps_its_ledger(checkout):
    names = ["python score.py", "Judge the release candidate", "Keep the ledger"]
    assert job(checkout, "v1") == dict(zip(names, [0, 0, 0], strict=True))
    assert "passed" in (checkout / "judgement.html").read_text().lower()

    # The pass ended the series: the same test data are asked nothing else.
    refused = job(checkout, "v2", ("[age]) <= 0.05", "[age]) <= 0.001"))
    assert refused == dict(zip(names, [0, 1, 0], strict=True))

    kept = ran(
        ["git", "ls-tree", "-r", "--name-only", "fairness-ledger"], checkout / "remote"
    ).stdout
    assert "journal/event-000001.json" in kept and "records/" in kept
    log = ran(["git", "log", "--format=%s", "fairness-ledger"], checkout / "remote").stdout
    assert "v1" in log.split("\n")


def test_the_release_waits_for_the_judgement_and_the_page_is_uploaded_anyhow():
    jobs = workflow()["jobs"]
    assert jobs["release"]["needs"] == "judge"
    upload = next(s for s in jobs["judge"]["steps"] if "upload-artifact" in s.get("uses", ""))
    assert upload["if"] == "always()"
    judging = next(s["run"] for s in jobs["judge"]["steps"] if "fairgate judge" in s.get("run", ""))
    assert f"--report {upload['with']['path']}" in judging
    ledger = next(s for s in jobs["judge"]["steps"] if "ref" in s.get("with", {}))
    assert f"--ledger {ledger['with']['path']}" in judging


def test_a_shown_output_may_leave_things_out():
    assert fits("a\n...\nd\n", "a\nb  \nc\nd\n")
    assert fits("one\ntwo ... four\n", "one two three\nthree four")
    assert not fits("a\n...\ne\n", "a\nb\nd\n")
    assert not fits("a\n", "a\nb\n")


def write(page: Path = PAGE) -> None:
    """Writes into a page what its snippets and commands print."""
    text = page.read_text()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = list(played(text, folder)) + (list(played(text, folder, True)) if TORCH else [])
    for shown, printed in sorted(found, key=lambda pair: -pair[0].start):
        if not fits(shown.output, printed):
            text = text[: shown.start] + tidy(printed) + text[shown.end :]
    page.write_text(text)


if __name__ == "__main__":
    write()
