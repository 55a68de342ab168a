"""Versions of a model: whole or not there, in order, and no link is ever followed."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest

from components.evaluator.digests import RECORD, files_digest
from components.pusher import rolling_back, versions
from components.pusher.versions import Record
from fairgate.errors import DataError


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "serving" / "smiling"


def make(tmp_path: Path, content: str) -> str:
    """A folder that looks like a SavedModel."""
    model = tmp_path / f"model-{content}"
    (model / "variables").mkdir(parents=True, exist_ok=True)
    (model / "saved_model.pb").write_text(content)
    (model / "variables" / "variables.index").write_text("weights of " + content)
    return str(model)


def add(tmp_path: Path, folder: Path, content: str) -> versions.Version:
    model = make(tmp_path, content)
    with versions.alone(str(folder)):
        return versions.add(str(folder), model, Record(files_digest(model), model=content))


def contents(folder: Path) -> list[str]:
    """What each version that a server sees holds, in order; all of them whole."""
    found = versions.every(str(folder))
    assert not any(version.is_damaged() for version in found)
    return [Path(version.folder, "saved_model.pb").read_text() for version in found]


def test_a_version_knows_what_it_is(tmp_path, folder):
    made = add(tmp_path, folder, "one")
    [found] = versions.every(str(folder))
    assert found == made and found.record.model == "one" and found.record.when
    # The record is no part of the model: the digest is still that of what was trained.
    assert Path(found.folder, RECORD).is_file()
    assert files_digest(found.folder) == files_digest(make(tmp_path, "one"))


@pytest.mark.parametrize(
    "name", ["latest", "1a", "-1", "1.5", "²", "٣", "9" * 30, ".staging-7", ".damaged-7"]
)
def test_what_no_server_takes_for_a_version_is_none(tmp_path, folder, name):
    (folder / name).mkdir(parents=True)
    assert versions.every(str(folder)) == []
    made = add(tmp_path, folder, "one")
    assert [each.number for each in versions.every(str(folder))] == [made.number]


def test_after_the_highest_number_there_is_none(tmp_path, folder):
    (folder / str(2**63 - 1)).mkdir(parents=True)
    with pytest.raises(DataError, match="knows no higher number"):
        add(tmp_path, folder, "one")
    assert [path.name for path in folder.iterdir()] == [str(2**63 - 1)]


def test_two_pushes_at_once_wait_for_each_other(tmp_path, folder):
    """Eight threads, each with files of its own: `flock` is by open file, so they are as processes."""
    names = [f"model {number}" for number in range(8)]
    threads = [threading.Thread(target=add, args=(tmp_path, folder, name)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(contents(folder)) == names


def test_where_there_are_no_locks_two_pushes_at_once_are_whole_nevertheless(
    tmp_path, folder, monkeypatch
):
    def refused(*arguments):
        raise OSError("no locks available")

    real_copy, inner = versions.tf.io.gfile.copy, []

    def copy(source, target):
        real_copy(source, target)
        if not inner:  # in the middle of the first push, another one, from beginning to end
            inner.append(True)
            add(tmp_path, folder, "second")

    monkeypatch.setattr(versions.fcntl, "flock", refused)
    monkeypatch.setattr(versions.tf.io.gfile, "copy", copy)
    add(tmp_path, folder, "first")
    assert contents(folder) == ["second", "first"]


def test_a_number_that_somebody_else_took_meanwhile_is_not_taken(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(versions.time, "time", lambda: 5.0)
    real_rename = versions.os.rename

    def rename(source, target):
        if target.endswith("/5"):
            shutil.copytree(make(tmp_path, "theirs"), target)
        real_rename(source, target)

    monkeypatch.setattr(versions.os, "rename", rename)
    made = add(tmp_path, folder, "ours")
    assert made.number == 6 and contents(folder) == ["theirs", "ours"]


@pytest.mark.parametrize("damage", ["removed", "emptied", "altered", "more"])
@pytest.mark.parametrize("when", ["copied", "renamed"])
def test_what_is_not_the_model_becomes_no_version(tmp_path, folder, monkeypatch, damage, when):
    """As another program's hand, or a failing disk, would do it: right before one of the two looks."""
    add(tmp_path, folder, "before")
    real, count = versions.digests.files_digest, iter(range(9))
    wanted = {"copied": 0, "renamed": 1}[when]

    def spoiled(place):
        if next(count) == wanted:
            file = Path(place, "variables", "variables.index")
            if damage == "removed":
                file.unlink()
            elif damage == "more":
                Path(place, "theirs").write_text("a file")
            else:
                file.write_text("" if damage == "emptied" else "weights of nothing")
        return real(place)

    record = Record(files_digest(make(tmp_path, "one")), model="one")
    monkeypatch.setattr(versions.digests, "files_digest", spoiled)
    with pytest.raises(DataError, match="is not the model that is to be served"):
        versions.add(str(folder), make(tmp_path, "one"), record)
    monkeypatch.undo()
    assert contents(folder) == ["before"]


@pytest.mark.parametrize("name", [".staging-0", ".staging-" + "0" * 32])
def test_a_link_in_the_place_of_what_was_staged_is_not_followed(tmp_path, folder, name):
    precious = tmp_path / "precious"
    (precious / "below").mkdir(parents=True)
    (precious / "below" / "file").write_text("kept")
    folder.mkdir(parents=True)
    (folder / name).symlink_to(precious)
    left = folder / ".staging-left"
    left.mkdir()
    (left / "link").symlink_to(precious)  # and one below what a killed push left
    (left / "file link").symlink_to(precious / "below" / "file")
    add(tmp_path, folder, "one")
    assert (precious / "below" / "file").read_text() == "kept"
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_the_folder_itself_may_be_a_link_to_another_disk(tmp_path, folder):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder.parent.mkdir()
    folder.symlink_to(elsewhere)
    add(tmp_path, folder, "one")
    assert contents(folder) == contents(elsewhere) == ["one"]


def test_going_back_makes_a_copy_the_newest_version(tmp_path, folder):
    one, two = (add(tmp_path, folder, name) for name in ("one", "two"))
    copy = rolling_back.roll_back(str(folder), one.number)
    assert contents(folder) == ["one", "two", "one"]
    assert copy.record.copy_of == one.number and copy.record.instead_of == two.number
    assert list(versions.taken_back(versions.every(str(folder)))) == ["two"]
    # Going back from there, and going forward again.
    rolling_back.roll_back(str(folder), two.number)
    assert versions.taken_back(versions.every(str(folder))) == {}
    add(tmp_path, folder, "three")
    back = rolling_back.roll_back(str(folder), copy.number)
    assert back.record.copy_of == one.number  # what was pushed, and no copy of it
    assert list(versions.taken_back(versions.every(str(folder)))) == ["three"]


def test_of_two_who_go_back_at_once_one_is_told_that_it_is_done(tmp_path, folder):
    first, _ = add(tmp_path, folder, "one"), add(tmp_path, folder, "two")
    made, told = [], []

    def go_back() -> None:
        try:
            made.append(rolling_back.roll_back(str(folder), first.number))
        except DataError as error:
            told.append(str(error))

    threads = [threading.Thread(target=go_back) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1 and contents(folder) == ["one", "two", "one"]
    assert len(told) == 3 and all("it is served already" in each for each in told)


def test_versions_of_before_records_can_be_gone_back_to(tmp_path, folder, monkeypatch):
    def told(place):
        return Path(place, "saved_model.pb").read_text()

    monkeypatch.setattr(versions.digests, "model_digest", told)
    for number, name in ((1, "old"), (2, "newer")):
        shutil.copytree(make(tmp_path, name), folder / str(number))
    assert [version.record for version in versions.every(str(folder))] == [None, None]
    rolling_back.roll_back(str(folder), 1)
    assert contents(folder) == ["old", "newer", "old"]
    assert list(versions.taken_back(versions.every(str(folder)))) == ["newer"]


def test_going_back_is_refused_in_words_and_changes_nothing(tmp_path, folder):
    with pytest.raises(DataError, match="no version is there"):
        rolling_back.roll_back(str(folder), 1)
    assert not folder.exists()
    one, two = (add(tmp_path, folder, name) for name in ("one", "two"))
    with pytest.raises(DataError, match=f"no version 7. There are {one.number}, {two.number}"):
        rolling_back.roll_back(str(folder), 7)
    with pytest.raises(DataError, match=f"version {two.number}, the newest, is that model"):
        rolling_back.roll_back(str(folder), two.number)
    Path(one.folder, "variables", "variables.index").unlink()
    with pytest.raises(DataError, match="is not as it was pushed"):
        rolling_back.roll_back(str(folder), one.number)
    assert [each.number for each in versions.every(str(folder))] == [one.number, two.number]


def test_a_record_that_nobody_can_read_is_of_a_damaged_version(tmp_path, folder):
    made = add(tmp_path, folder, "one")
    for text in ("{ cut", "[]", "{}", '{"files": 1, "model": 2, "new": 3}'):
        Path(made.folder, RECORD).write_text(text)
        [found] = versions.every(str(folder))
        assert found.is_damaged(), text
    assert os.listdir(folder) == [str(made.number)]
