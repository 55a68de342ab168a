"""What may not be read or written is told, and never taken for what is not there."""

from __future__ import annotations

import os

import pytest

from components import folders
from components.evaluator.files import FILES
from components.pusher import versions
from components.pusher.versions import Record
from fairgate.errors import DataError, SettingsError
from fairgate.gate.files import LOCAL
from pipeline.results import runs
from pipeline.running import local
from tests.permissions import mode
from tests.pipeline.run_folders import BLOCKED, PASSED, words_of


@pytest.mark.parametrize("command", ["runs", "show"])
@pytest.mark.parametrize("place", ["", "celeba"])
def test_a_folder_of_runs_that_is_closed_is_not_an_empty_one(root, said, command, place):
    with mode(root / place, 0o000):
        status, text = said(command)
    assert status == 2
    assert "cannot be looked into: Permission denied" in words_of(text)


@pytest.mark.parametrize("name", ["", "verdict.json"])
def test_behind_a_run_that_is_closed_no_older_one_is_shown(root, said, name):
    with mode(root / BLOCKED / name, 0o000):
        status, text = said("runs", columns=200)
        assert status == 0 and PASSED in text
        assert "unreadable" in next(line for line in text.splitlines() if BLOCKED in line)
        status, text = said("show")
    assert status == 2 and BLOCKED in text and "Permission denied" in words_of(text)


def test_what_cannot_be_removed_is_told_and_stays(root, said):
    with mode(root / "celeba", 0o555):
        status, text = said("runs", "--remove", PASSED)
    assert status == 1 and "Permission denied" in words_of(text)
    assert len(runs.every(root)) == 2


def test_a_file_that_cannot_be_written_is_told_by_its_own_name(root, said):
    with mode(root, 0o555):
        status, text = said("runs", "--html")
    assert status == 1 and f"{root.name}/index.html: Permission denied" in words_of(text)


@pytest.mark.parametrize("field", ["runs", "serving"])
def test_a_folder_that_cannot_be_written_is_told_with_its_setting(tmp_path, field):
    with (
        mode(tmp_path, 0o555),
        pytest.raises(SettingsError, match=f"{field}: cannot write .* --set {field}=FOLDER"),
    ):
        local._require_writable(field, tmp_path / "home")


@pytest.mark.parametrize("closed", ["", "journal"])
def test_a_ledger_that_is_closed_is_not_one_without_attempts(tmp_path, closed):
    ledger = tmp_path / "ledger"
    LOCAL.create(str(ledger / "journal" / "event-000001.json"), "{}")
    with mode(ledger / closed, 0o000):
        for files in (LOCAL, FILES):
            with pytest.raises((OSError, DataError), match="Permission denied"):
                files.names(str(ledger / "journal"))
    assert LOCAL.names(str(tmp_path / "nowhere")) == FILES.names(str(tmp_path / "nowhere")) == []


@pytest.mark.parametrize("closed", ["", "1/assets.extra/fairgate.json"])
def test_versions_that_are_closed_are_not_taken_for_none(tmp_path, closed):
    """One may say that somebody went back from a model, which must not be served again."""
    versions._write(str(tmp_path / "1"), Record("files", "model"))
    assert versions.every(str(tmp_path))[0].record is not None
    with mode(tmp_path / closed, 0o000), pytest.raises(DataError, match=r"(?i)permission denied"):
        versions.every(str(tmp_path))


def test_a_link_that_leads_nowhere_is_an_empty_folder(tmp_path):
    os.symlink(tmp_path / "nowhere", tmp_path / "link")
    assert folders.inside(str(tmp_path / "link")) == []
