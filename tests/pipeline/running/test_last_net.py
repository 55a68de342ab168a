"""Whatever happens, a command ends with a sentence and with a status of its own."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fairgate import answers
from fairgate.errors import DataError
from pipeline.__main__ import main
from tests.pipeline import run_folders

REPOSITORY = Path(__file__).parents[3]
UNFORESEEN = {
    "os": (
        OSError(28, "No space left on device", "runs/x"),
        "runs/x: there is no room left to write",
    ),
    "full, nobody says which": (
        OSError(28, "No space left on device"),
        "a disk: there is no room left to write",
    ),
    "permission": (PermissionError(13, "Permission denied", "a.csv"), "a.csv: Permission denied"),
    "text": (UnicodeDecodeError("utf-8", b"\xfc", 0, 1, "invalid start byte"), "UTF-8"),
    "memory": (MemoryError(), "not enough memory"),
    "depth": (RecursionError("maximum recursion depth exceeded"), "RecursionError: maximum"),
    "key": (KeyError("label"), "KeyError: 'label'"),
    "nothing": (AssertionError(), "AssertionError. This was not foreseen"),
}


def raising(options: argparse.Namespace) -> answers.Answer:
    raise UNFORESEEN[options.what][0]


def hard_to_show(options: argparse.Namespace) -> answers.Answer:
    def show(console):
        raise UNFORESEEN[options.what][0]

    return answers.Answer(answers.DONE, {"of no": {1, 2}}, show)


@pytest.mark.parametrize("function", ["raising", "hard_to_show"])
@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("what", UNFORESEEN)
def test_what_nobody_foresaw_is_a_sentence_and_a_failure(capsys, function, as_json, what):
    options = argparse.Namespace(command=f"{__name__}:{function}", json=as_json, what=what)
    assert answers.give(options) == answers.FAILED
    said = capsys.readouterr()
    assert said.err.startswith("error: ") and "Traceback" not in said.err
    part = (
        "not JSON serializable" if as_json and function == "hard_to_show" else UNFORESEEN[what][1]
    )
    assert part in said.err
    assert (part in json.loads(said.out)["error"]) if as_json else said.out == ""


def test_where_it_happened_is_told_on_demand(capsys, monkeypatch):
    monkeypatch.setenv("FAIRGATE_TRACEBACK", "1")
    options = argparse.Namespace(command=f"{__name__}:raising", json=True, what="key")
    assert answers.give(options) == answers.FAILED
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["shw", "--json"], ["run", "--json", "--no-such"], ["predict", "--json"]]
)
def test_a_command_line_that_makes_no_sense_is_told_in_json_too(capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == answers.USAGE_ERROR
    said = capsys.readouterr()
    assert "error" in json.loads(said.out) and "usage:" in said.err


def command(folder: Path, *arguments: str, **options) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "pipeline", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)} | options.pop("env", {}),
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["show", "--runs", "runs"], answers.BLOCKED),
        (["show", "--runs", "runs", "--json"], answers.BLOCKED),
        (["explain", "--runs", "runs"], answers.BLOCKED),
        (["settings"], answers.DONE),
        (["settings", "--set", "name=a b"], answers.USAGE_ERROR),
        (["--help"], answers.DONE),
        (["shw", "--json"], answers.USAGE_ERROR),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_reader_that_goes_away_changes_no_status(tmp_path, arguments, status):
    run_folders.write(tmp_path / "runs", run_folders.BLOCKED, run_folders.blocked())
    reading, writing = os.pipe()
    os.close(reading)
    asked = command(tmp_path, *arguments, stdout=writing)
    os.close(writing)
    _, errors = asked.communicate(timeout=300)
    assert asked.returncode == status, errors
    assert "Broken" not in errors and "Traceback" not in errors


def test_closed_streams_change_no_status(tmp_path):
    script = 'exec "$0" -P -m pipeline settings --set name=x >&- 2>&- <&-'
    ended = subprocess.run(
        ["sh", "-c", script, sys.executable],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        timeout=300,
    )
    assert ended.returncode == answers.DONE


def test_what_the_encoding_of_a_terminal_lacks_is_written_as_an_escape(tmp_path):
    asked = command(
        tmp_path,
        "settings",
        "--set",
        "data.path=Jünger",
        stdout=subprocess.PIPE,
        env={"PYTHONIOENCODING": "ascii"},
    )
    output, errors = asked.communicate(timeout=300)
    assert asked.returncode == answers.DONE, errors
    assert "path: J\\xfcnger" in output


WORK = """
import sys
from fairgate.answers import give
from fairgate.streams import lasting
from pipeline.running import local
from pipeline.settings import load

def work(run_id, folder, console):
    for line in range(10000):
        console.print(f"line {line} " + "x" * 60)
    print("noise")
    return local.BLOCKED

with lasting():
    status = local.in_run_folder(load(), work, "run", "", verbose=len(sys.argv) > 1).status
sys.exit(status)
"""


@pytest.mark.parametrize("verbose", [[], ["verbose"]])
def test_a_run_goes_on_to_its_own_end_when_nobody_reads_any_more(tmp_path, verbose):
    with subprocess.Popen(
        [sys.executable, "-c", WORK, *verbose],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'src'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        running.stdout.readline()
        running.stdout.close()
        errors = running.stderr.read()
    assert running.returncode == answers.BLOCKED, errors


def test_files_of_the_user_take_nobodys_place(tmp_path):
    """The working folder stands behind the standard library and what is installed."""
    installed = ("numpy", "yaml", "rich", "pydantic", "pipeline", "components", "fairgate")
    here = filter(importlib.util.find_spec, sys.stdlib_module_names)  # and not on Windows alone
    for name in (*here, *installed):
        (tmp_path / f"{name}.py").write_text("raise SystemError('the file of a user')\n")
    ended = subprocess.run(
        [str(REPOSITORY / "fairgate"), "settings", "--set", "name=mine"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    assert "name: mine" in ended.stdout


def test_an_error_of_ours_keeps_its_status(capsys, monkeypatch):
    monkeypatch.setitem(UNFORESEEN, "ours", (DataError("a.csv: line 3: not a number"), ""))
    options = argparse.Namespace(command=f"{__name__}:raising", json=True, what="ours", refusal=1)
    assert answers.give(options) == answers.FAILED
    assert json.loads(capsys.readouterr().out) == {"error": "a.csv: line 3: not a number"}
