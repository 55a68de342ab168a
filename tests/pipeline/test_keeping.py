"""open, runs --remove and runs --html: what runs left, looked at and taken away."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.results import removal, runs
from pipeline.results.runs import Run
from tests.pipeline import run_folders
from tests.pipeline.run_folders import BLOCKED, PASSED, words_of

# open


def test_the_report_is_opened_in_a_browser_and_its_path_printed(root, said, monkeypatch):
    page = root / BLOCKED / "report.html"
    page.write_text("<p>report")
    monkeypatch.setenv("DISPLAY", ":0")
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    status, text = said("open")
    assert status == 0 and text.strip() == f"runs/{BLOCKED}/report.html"
    assert opened == [page.resolve().as_uri()]


def test_without_a_browser_the_path_is_all(root, said, monkeypatch):
    (root / BLOCKED / "report.html").write_text("<p>report")
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("webbrowser.open", lambda address: pytest.fail("there is no window"))
    status, text = said("open", BLOCKED)
    assert status == 0 and f"runs/{BLOCKED}/report.html" in text and "No browser" in text
    document = json.loads(said("open", "--json")[1])
    assert document == {"file": f"runs/{BLOCKED}/report.html", "opened": False}


def test_a_run_without_a_report_says_where_to_look(root, said):
    status, text = said("open")
    assert status == 2 and f"show {BLOCKED}" in text and "'blocked'" in text
    folder = run_folders.write(root, "celeba/20261123-170000-000", frontier={})
    (folder / "frontier.png").write_bytes(b"png")
    assert "frontier.png" in said("open", "celeba/20261123-170000-000")[1]


# runs --remove


def test_a_removed_run_is_gone_and_all_else_stays(root, said):
    (root / "ledger").mkdir()
    (root / "ledger" / "page").write_text("asked")
    (root / "celeba" / "metadata.sqlite").write_text("shared")
    status, text = said("runs", "--remove", PASSED)
    assert status == 0 and f"removed {PASSED}" in text and "stays counted" in text
    assert [run.name for run in _every(root)] == [BLOCKED]
    assert (root / "celeba" / "metadata.sqlite").exists() and (root / "ledger" / "page").exists()


def test_the_last_run_of_a_pipeline_takes_the_artifacts_with_it(root, said):
    (root / "celeba" / "artifacts").mkdir()
    run_folders.write(root, "other/20261124-170000-000")
    (root / "ledger").mkdir()
    status, text = said("runs", "--remove", PASSED, BLOCKED, "--json")
    assert status == 0
    assert [each["artifacts"] for each in json.loads(text)["removed"]] == [False, True]
    assert sorted(folder.name for folder in root.iterdir()) == ["ledger", "other"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("celeba", "give the whole name of a run"),
        ("20261122", "may be any of"),
        ("celebb/20261122-170000-000", "no run in 'runs' is called"),
        ("20261122-170000-000", "may be any of"),
    ],
)
def test_what_is_not_named_whole_is_not_removed(root, said, name, words):
    run_folders.write(root, "other/20261122-170000-000")
    status, text = said("runs", "--remove", PASSED, name)
    assert status == 2 and words in words_of(text)
    assert len(_every(root)) == 3  # not the one that was named whole, either


def test_nothing_is_removed_beside_a_run_that_goes_on(root, said):
    home = root / "celeba"
    hold = (
        "import fcntl, sys\n"
        "f = open(sys.argv[1], 'a')\n"
        "fcntl.flock(f, fcntl.LOCK_EX)\n"
        "print(1, flush=True)\n"
        "input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(home / ".lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None and holder.stdout.readline()
        status, text = said("runs", "--remove", PASSED)
        holder.communicate(b"\n")
    assert status == 2 and "wait for it or stop it" in words_of(text)
    assert len(_every(root)) == 2


def test_a_removal_that_was_cut_short_leaves_no_run_to_be_listed(root, monkeypatch):
    def stop(folder):
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "rmtree", stop)
    with pytest.raises(KeyboardInterrupt):
        removal.remove(Run(root / PASSED))
    assert [run.name for run in _every(root)] == [BLOCKED]
    monkeypatch.undo()
    assert removal.remove(Run(root / BLOCKED)).whole
    assert not list(root.iterdir())


@pytest.mark.parametrize("others", [0, 1])
def test_who_removes_a_run_second_is_told(root, said, monkeypatch, others):
    """Also where the first one took the folder away that the lock of the pipeline lies in."""
    if not others:
        removal.remove(Run(root / BLOCKED))
    real = runs._taken

    def taken(lock):
        monkeypatch.setattr(runs, "_taken", real)
        removal.remove(Run(root / PASSED))
        return real(lock)

    monkeypatch.setattr(runs, "_taken", taken)
    status, text = said("runs", "--remove", PASSED)
    assert status == 2 and f"{PASSED} is gone: another command removed it" in words_of(text)
    assert len(_every(root)) == others


def test_of_a_link_to_a_run_the_link_is_removed(root, said, tmp_path):
    kept = tmp_path / "another disk"
    (root / PASSED).rename(kept)
    (root / PASSED).symlink_to(kept)
    status, text = said("runs", "--remove", PASSED)
    assert status == 0 and f"removed {PASSED}" in text
    assert (kept / "verdict.json").exists() and len(_every(root)) == 1


def test_a_run_does_not_take_the_lock_of_what_was_removed_meanwhile(root, monkeypatch):
    home = root / "celeba"
    real = runs._taken

    def taken(lock):
        monkeypatch.setattr(runs, "_taken", real)
        home.rename(root / "gone")
        home.mkdir()
        return real(lock)

    monkeypatch.setattr(runs, "_taken", taken)
    with runs.locked(home) as lock, runs.locked(home) as second:
        assert lock is not None and Path(lock.name).samefile(home / runs.LOCK_FILE)
        assert second is None


def _every(root):
    return runs.every(root)


# runs --html


def test_the_page_of_all_runs_links_to_reports_and_has_the_verdicts_numbers(root, said, tmp_path):
    (root / BLOCKED / "report.html").touch()
    run_folders.write(root, "celeba/20261125-170000-000", failure={"error": "no <data> here"})
    status, text = said("runs", "--html")
    page = (root / "index.html").read_text()
    assert status == 0 and text.strip() == "runs/index.html"
    assert f'<a href="{BLOCKED}/report.html">{BLOCKED}</a>' in page
    assert 'value="0.0284' in page and "no &lt;data&gt; here" in page
    # One constraint, two runs: value, bound and limit in one chart.
    assert page.count('<svg class="chart"') == 1 and "run 1: value" in page
    assert "http" not in page.replace("http-equiv", "")


def test_links_hold_from_where_the_page_is(root, said, tmp_path):
    (root / BLOCKED / "report.html").touch()
    assert said("runs", "--html", "elsewhere/runs.html")[0] == 0
    page = (tmp_path / "elsewhere" / "runs.html").read_text()
    assert f'href="../runs/{BLOCKED}/report.html"' in page


def test_there_is_a_page_of_no_runs(tmp_path, said):
    status, _ = said("runs", "--html", "--runs", str(tmp_path / "none"))
    assert status == 0
    assert "There are no runs here yet" in (tmp_path / "none" / "index.html").read_text()
