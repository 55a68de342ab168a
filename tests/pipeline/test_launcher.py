"""`./fairgate`, and what shells complete."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.__main__ import main

REPOSITORY = Path(__file__).parents[2]


def launch(folder: Path, *arguments: str, program: str = "./fairgate", **environment: str):
    """Runs `fairgate` of a copy of the repository whose Python only says how it was called."""
    return subprocess.run(
        [program, *arguments],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def repository(tmp_path) -> Path:
    """A folder with the launcher and a Python that tells how it is called."""
    folder = tmp_path / "a repository"
    (folder / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(REPOSITORY / "fairgate", folder)
    python = folder / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\necho "$FAIRGATE_COMMAND|$PWD|$PYTHONPATH|$*"\n')
    python.chmod(0o755)
    return folder


def test_the_launcher_says_what_to_do_without_an_environment(repository):
    shutil.rmtree(repository / ".venv")
    result = launch(repository, "--help")
    assert result.returncode == 1 and "make -C" in result.stderr and "setup" in result.stderr


def test_the_launcher_takes_its_own_environment_and_stays_where_it_is_called(repository, tmp_path):
    away = tmp_path / "away"
    away.mkdir()
    (away / "link").symlink_to(repository / "fairgate")
    result = launch(away, "show", "a b", program="./link", PYTHONPATH="more")
    command, folder, path, arguments = result.stdout.strip().split("|")
    assert (command, folder) == ("./link", str(away))
    assert path.split(":") == [str(repository), "more"]
    assert arguments == "-P -m pipeline show a b"


def test_the_launcher_is_called_by_its_name_where_it_is_on_the_path(repository, tmp_path):
    path = f"{repository}:{os.environ['PATH']}"
    result = launch(tmp_path, "runs", program=str(repository / "fairgate"), PATH=path)
    assert result.stdout.startswith("fairgate|")


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_completion_script_knows_the_commands_and_is_valid(shell, capsys):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(word in script for word in ("explain", "--limits", "_fairgate_runs", "from-csv"))
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)


def test_bash_completes_commands_and_runs(tmp_path, capsys):
    for name in ("celeba/20261122-170000-000", "adult/20261123-170000-000"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    assert main(["completion", "bash"]) == 0
    ask = (
        "{script}\nCOMP_WORDS=(fairgate {words}); COMP_CWORD={at}; _shtab_fairgate; "
        "printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    script = capsys.readouterr().out

    def completed(*words: str) -> list[str]:
        program = ask.format(script=script, words=" ".join(map(repr, words)), at=len(words))
        result = subprocess.run(
            ["bash", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return result.stdout.split()

    assert completed("ex") == ["explain"]
    assert completed("show", "cel") == ["celeba/20261122-170000-000", "celeba"]
    assert completed("compare", "celeba", "adult/") == ["adult/20261123-170000-000"]
    assert completed("run", "--settin") == ["--settings"]
