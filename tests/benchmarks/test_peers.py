"""The pure parts of the comparison with other libraries; nothing here needs them or a network."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.peers import environments

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


def _script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A machine whose only Python is this one, with environments under a folder of the test."""
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setattr(environments, "FOLDER", tmp_path / "peers")
    monkeypatch.setattr(environments, "_uv", lambda: "false-uv")
    monkeypatch.setattr(environments, "_ask", _without_uv(environments._ask))
    return tmp_path


def _without_uv(ask):
    def answered(command, timeout=60):
        if command[0] == "false-uv":
            return ask(["/bin/sh", "-c", "echo no such package >&2; exit 1"])
        return ask(command, timeout)

    return answered


def test_a_missing_python_is_told_in_one_sentence(bare, monkeypatch):
    wanted = environments.Environment(("3.5", "3.4"), ("something",))
    monkeypatch.setitem(environments.ENVIRONMENTS, "old", wanted)
    with pytest.raises(environments.Unavailable, match=r"needs Python 3\.5 or 3\.4, and none"):
        environments.python_of("old")
    assert not (bare / "peers").exists()


def test_this_interpreter_is_found_without_anything_else(bare):
    assert environments.find_python([HERE]) == Path(sys.executable)


def test_a_shim_that_does_not_start_is_passed_over_for_the_newest_of_pyenv(bare):
    _script(bare / "path" / "python3.5", "echo not found >&2; exit 127")
    answer = 'echo "3.5"'
    _script(bare / "pyenv" / "versions" / "3.5.9" / "bin" / "python", answer)
    newest = _script(bare / "pyenv" / "versions" / "3.5.10" / "bin" / "python", answer)
    _script(bare / "pyenv" / "versions" / "3.50.0" / "bin" / "python", answer)
    assert environments.find_python(["3.6", "3.5"]) == newest


def test_a_python_of_another_version_than_its_name_is_passed_over(bare):
    _script(bare / "path" / "python3.5", 'echo "3.12"')
    assert environments.find_python(["3.5"]) is None


def test_an_environment_that_cannot_be_filled_says_why_and_is_no_environment(bare, monkeypatch):
    wanted = environments.Environment((HERE,), ("something",))
    monkeypatch.setitem(environments.ENVIRONMENTS, "new", wanted)
    with pytest.raises(environments.Unavailable, match=r'"new" could not be made: no such package'):
        environments.python_of("new")


def test_a_finished_environment_is_used_as_it_is_and_a_stale_one_is_not(bare, monkeypatch):
    wanted = environments.Environment((HERE,), ("something==2",), ("alone==1",))
    monkeypatch.setitem(environments.ENVIRONMENTS, "new", wanted)
    python = _script(bare / "peers" / "new" / "bin" / "python", "exit 0")
    (bare / "peers" / "new" / "packages.txt").write_text("something==2\nalone==1\n")
    assert environments.python_of("new") == python
    (bare / "peers" / "new" / "packages.txt").write_text("something==1\nalone==1\n")
    with pytest.raises(environments.Unavailable):
        environments.python_of("new")
