"""A full disk is recognized whoever found it, with its place; what is another error is left alone."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import pytest

from fairgate import answers, documents, no_room
from fairgate.errors import DataError

FULL = os.strerror(errno.ENOSPC)


def raised(error: BaseException, *causes: BaseException) -> BaseException:
    """`error`, raised while the others were handled."""
    seen = error
    for cause in causes:
        seen.__context__ = cause
        seen = cause
    return error


@pytest.mark.parametrize(
    ("error", "place"),
    [
        (OSError(errno.ENOSPC, FULL, "runs/x"), "runs/x"),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT), "runs/x"), "runs/x"),
        (OSError(errno.EFBIG, os.strerror(errno.EFBIG)), ""),
        (RuntimeError(f"/serving/1/model; {FULL} [while running]"), "/serving/1/model"),
        (RuntimeError("mysql_query aborted: database or disk is full"), ""),
        (raised(DataError(f"s: cannot be written: {FULL}"), OSError(errno.ENOSPC, FULL, "s")), "s"),
        (raised(KeyError("a"), ValueError("b"), OSError(errno.ENOSPC, FULL, "f")), "f"),
        (raised(KeyError("a"), ValueError("b")), None),
        (PermissionError(errno.EACCES, os.strerror(errno.EACCES), "f"), None),
    ],
)  # fmt: skip
def test_the_place_is_found(error, place):
    assert no_room.place(error) == place


def test_a_folder_with_room_is_none_that_is_full(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    no_room.require(tmp_path / "file")
    assert no_room.full_one(str(tmp_path), str(tmp_path / "gone")) == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']"), True),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "a.csv"), False),
        (PermissionError(errno.EACCES, "Permission denied", "a.csv"), False),
    ],
)
@pytest.mark.parametrize("gone", [False, True], ids=["", "without a working folder"])
def test_what_is_said_of_a_file_is_not_taken_for_a_full_disk(
    tmp_path, monkeypatch, error, told, gone
):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    if gone:
        (tmp_path / "gone").rmdir()
    monkeypatch.setattr(no_room, "_is_full", lambda folder: True)
    assert ("no room left" in answers.unexpected(error)) == told
    assert told or answers.unexpected(error).startswith("a.csv: ")


def test_an_error_without_a_place_is_given_one_and_one_with_a_place_keeps_it(tmp_path):
    for named, expected in ((None, "the file"), ("another", "another")):
        with pytest.raises(OSError, match=FULL) as error, documents.naming("the file"):
            raise OSError(errno.ENOSPC, FULL, *([named] if named else []))
        assert error.value.filename == expected


def test_a_line_that_cannot_be_added_whole_leaves_the_file_as_it_was(tmp_path):
    file = tmp_path / "events.jsonl"
    documents.append_line(file, "one")
    pid = os.fork()
    if not pid:
        _limit_and_append(file)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    documents.append_line(file, "three")
    assert file.read_text() == "one\nthree\n"


@pytest.mark.parametrize("written", [1, 7, 100])
def test_a_line_that_is_taken_in_pieces_is_there_once(tmp_path, monkeypatch, written):
    """As where room is made between two writes, or a signal comes."""

    class Piecewise(io.FileIO):
        def write(self, content):
            return super().write(bytes(content)[:written])

    monkeypatch.setattr(
        documents, "open", lambda file, *_, **__: Piecewise(file, "ab"), raising=False
    )
    for line in ("a line of some length", "another"):
        documents.append_line(tmp_path / "events.jsonl", line)
    assert (tmp_path / "events.jsonl").read_text() == "a line of some length\nanother\n"


def test_a_line_goes_into_a_pipe_as_well(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with open(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)) as reader:
        documents.append_line(pipe, "an alarm")
        assert reader.read() == "an alarm\n"


def _limit_and_append(file: Path) -> None:
    """No file may be larger than 6 bytes in this process, which ends with 0 where that was told."""
    import resource
    import signal

    status = 1
    try:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (6, 6))
        documents.append_line(file, "a line that is longer")
    except OSError as error:
        status = int(error.errno != errno.EFBIG or error.filename != str(file))
    finally:
        os._exit(status)
