"""Disks that are full, clocks that go back, files of metadata that are gone: a sentence for each."""

from __future__ import annotations

import datetime
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from components.evaluator.digests import files_digest
from components.pusher import versions
from components.pusher.versions import Record
from fairgate.errors import DataError
from pipeline.results import runs
from pipeline.running import local, metadata_file
from pipeline.settings import load

REPOSITORY = Path(__file__).parents[3]

RUN = """
import argparse, os, resource, sys
from fairgate import answers
from pipeline.running import local
from pipeline.settings import load

def work(run_id, folder, console):
    console.print("working")
    os.write(2, b"noise of a library\\n" * 10)
    print("noise of Python")
    if what == "beam":
        raise RuntimeError("OSError: [Errno 28] No space left on device [while running 'Write']")
    if what == "sqlite":
        raise RuntimeError("mysql_query aborted: database or disk is full")
    if what == "error":
        raise KeyError("label")
    local.write_text(folder / "verdict.json", "x" * 3000)
    return 0

def command(options):
    settings = load([], ["runs=runs", "serving=serving"])
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    ended = local.in_run_folder(settings, work, "run", "Nothing was pushed.", False)
    return answers.Answer(ended.status, {})

what, limit = sys.argv[1], int(sys.argv[2])
sys.modules["tested"] = sys.modules["__main__"]
sys.exit(answers.give(argparse.Namespace(command="tested:command", json=False)))
"""


def run(folder: Path, what: str, limit: int) -> subprocess.CompletedProcess:
    """A run in which no file may have more than `limit` bytes, as on a disk that becomes full there."""
    return subprocess.run(
        [sys.executable, "-c", RUN, what, str(limit)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'src'}"},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.parametrize("limit", [0, 5, 30, 200, 2_500])
@pytest.mark.parametrize("what", ["verdict", "error"])
def test_a_full_disk_at_any_write_is_one_sentence(tmp_path, what, limit):
    """At the lock, the settings, the log, the failure itself, the verdict."""
    ended = run(tmp_path, what, limit)
    said = " ".join((ended.stdout + ended.stderr).split())
    assert ended.returncode == 1, said
    assert "Traceback" not in said and said.count("FAILED:") + said.count("error:") == 1
    # What went wrong first is told, which may be something else.
    assert "KeyError: 'label'" in said or "File too large" in said or "no room left" in said
    found = [path for path in (tmp_path / "runs").rglob("*") if path.is_file()]
    assert not [path for path in found if path.name.endswith(".partial")]
    for folder in {path.parent for path in found if path.name == "run.log"}:
        assert (folder / "settings.yaml").exists()
    assert not list((tmp_path / "runs").rglob("verdict.json"))


@pytest.mark.parametrize("what", ["beam", "sqlite"])
def test_a_full_disk_is_told_whoever_says_it(tmp_path, what):
    ended = run(tmp_path, what, 100_000)
    said = " ".join(ended.stdout.split())
    assert ended.returncode == 1
    assert "FAILED: runs/celeba: there is no room left to write" in said
    assert "Make room, or give another folder with --set runs=FOLDER, and run again" in said
    [failure] = (tmp_path / "runs").rglob("failure.json")
    assert "no room left" in json.loads(failure.read_text())["error"]


def test_a_full_disk_is_found_below_other_errors(tmp_path):
    settings, folder = load([], [f"runs={tmp_path}", f"serving={tmp_path}"]), tmp_path / "x" / "1"
    try:
        try:
            raise OSError(28, "No space left on device", "runs/x/part")
        except OSError as error:
            raise RuntimeError("the step failed") from error
    except RuntimeError as error:
        assert local._no_room(error, settings, folder).startswith(
            "runs/x/part: there is no room left"
        )
    assert local._no_room(KeyError("label"), settings, folder) is None


@pytest.mark.parametrize("whole", [False, True], ids=["relative", "whole path"])
@pytest.mark.parametrize(
    ("place", "way"),
    [
        ("runs/x/part", ", or give another folder with --set runs=FOLDER,"),
        ("serving/x/1", ", or give another folder with --set serving=FOLDER,"),
        ("data/celeba-synthetic-7200-1/part", ""),
        ("/elsewhere/part", ", or give another folder with TMPDIR=FOLDER in the environment,"),
    ],
)
def test_the_way_out_is_that_of_the_place(tmp_path, monkeypatch, place, way, whole):
    monkeypatch.chdir(tmp_path)
    settings = load([], ["data.stand_in.images=7200", "data.stand_in.seed=1"])
    error = OSError(28, "No space left on device", os.path.abspath(place) if whole else place)
    said = local._no_room(error, settings, Path("runs/x/1"))
    assert said.endswith(f"Make room{way} and run again: what was finished is re-used")


def test_what_a_run_has_pushed_before_it_failed_is_told(tmp_path):
    settings = load([], [f"serving={tmp_path / 'serving'}"])
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "saved_model.pb").write_bytes(b"a model")
    served = str(tmp_path / "serving" / settings.model_name)
    for run in ("1", "2"):
        digest = files_digest(str(tmp_path / "model"))
        versions.add(served, str(tmp_path / "model"), Record(digest, "model", run=run))
    there = [version.folder for version in versions.every(served)]
    found = [local._pushed_by(run, settings) for run in ("1", "2", "3")]
    assert found == [*there, ""]


def test_whether_a_run_has_pushed_is_known_without_loading_anything(tmp_path):
    """TFX may be half loaded, by another thread, where a run fails that makes the stand-in."""
    script = (
        "import sys; from pipeline.running import local; from pipeline.settings import load; "
        "print(repr(local._pushed_by('1', load([], []))), 'tensorflow' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.stdout == "'' False\n", ended.stderr


# The clock.


def test_a_clock_that_goes_back_leaves_the_newest_run_the_last_one(tmp_path):
    home = tmp_path / "runs" / "x"
    now = datetime.datetime(2026, 10, 25, 2, 59, 59)
    names = []
    for hours in (0, -1, -24 * 365, 0, 0, 1):
        names.append(runs.next_id(home, now + datetime.timedelta(hours=hours)))
        (home / names[-1]).mkdir(parents=True)
        (home / names[-1] / "settings.yaml").write_text("")
    assert names == sorted(set(names)) and names[-1].startswith("20261025-035959")
    assert runs.find(tmp_path / "runs").id == names[-1]


def test_folders_of_other_names_do_not_matter(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "settings.yaml").write_text("")
    now = datetime.datetime(2026, 1, 2, 3, 4, 5, 678_000)
    assert runs.next_id(tmp_path, now) == "20260102-030405-678"


# ML Metadata's file.


@pytest.fixture
def file(tmp_path) -> Path:
    """Of a pipeline with results."""
    place = tmp_path / "metadata.sqlite"
    metadata_file.opened(_config(place), tmp_path / "artifacts").get_artifacts()
    (tmp_path / "artifacts" / "ImportExampleGen").mkdir(parents=True)
    assert metadata_file.require_usable(place)
    return place


def _config(file: Path):
    from pipeline.dag import _metadata

    return _metadata(str(file))


def refused(file: Path) -> str:
    before = file.read_bytes() if file.is_file() else None
    with pytest.raises(DataError) as error:
        metadata_file.opened(_config(file), file.parent / "artifacts")
    assert (file.read_bytes() if file.is_file() else None) == before
    assert str(error.value).startswith(f"{file}: ")
    return str(error.value)


@pytest.mark.parametrize("what", ["gone", "empty"])
def test_a_file_that_is_gone_is_told_where_there_are_results(file, what):
    file.unlink() if what == "gone" else file.write_bytes(b"")
    said = refused(file)
    assert ("is not there" if what == "gone" else "is empty") in said
    assert f"Restore it from a copy; or move it and {file.parent / 'artifacts'} away" in said
    (file.parent / "artifacts").rename(file.parent / "away")
    metadata_file.opened(_config(file), file.parent / "artifacts").get_artifacts()


@pytest.mark.parametrize("what", ["text", "cut", "overwritten", "another database", "a folder"])
def test_a_file_that_is_damaged_is_told(file, what):
    content = file.read_bytes()
    if what == "text":
        file.write_text("this is no database" * 100)
    elif what == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif what == "overwritten":
        file.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    elif what == "another database":
        file.unlink()
        with sqlite3.connect(file) as other:
            other.execute("CREATE TABLE mine (x)")
        other.close()
    else:
        file.unlink()
        file.mkdir()
    said = refused(file)
    if what == "a folder":
        assert "cannot be used (unable to open database file)" in said
    else:
        assert "damaged, or no file of ML Metadata" in said and "Restore it from a copy" in said


def test_a_file_that_another_process_holds_is_told(file, monkeypatch):
    monkeypatch.setattr(metadata_file, "_SECONDS", 0.1)
    holder = sqlite3.connect(file)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        said = refused(file)
    finally:
        holder.close()
    assert "another process holds it (database is locked)" in said and "run again" in said
    assert metadata_file.require_usable(file)


def test_what_ml_metadata_raises_later_is_a_sentence(file):
    from ml_metadata import errors

    def write() -> None:
        with metadata_file.speaking(file):
            raise errors.InternalError("database or disk is full")

    with pytest.raises(DataError, match="could not use it: database or disk is full") as error:
        write()
    assert isinstance(error.value.__cause__, errors.InternalError)
