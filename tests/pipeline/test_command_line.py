"""The command line: what answers at once, and what a user's mistake looks like."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipeline.__main__ import main
from tests.pipeline import run_folders

REPOSITORY = Path(__file__).parents[2]

HEAVY = ("tensorflow", "tfx", "keras", "apache_beam", "tensorflow_model_analysis", "cv2", "scipy")
# Each of them takes longer to load than a verdict takes to read.
NEEDLESS = (*HEAVY, "numpy", "pandas", "matplotlib", "pydantic", "ml_metadata", "google.protobuf")


def loaded_by(*arguments: str) -> tuple[int, list[str], str]:
    """Exit status, needless modules that were loaded, and the output of `python -m pipeline ...`."""
    program = (
        "import json, runpy, sys\n"
        "sys.argv = ['pipeline', *json.loads(sys.argv[1])]\n"
        "try:\n"
        "    runpy.run_module('pipeline', run_name='__main__')\n"
        "except SystemExit as end:\n"
        "    status = end.code or 0\n"
        f"heavy = [name for name in {NEEDLESS!r} if name in sys.modules]\n"
        "print('\\n' + json.dumps([status, heavy]))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, json.dumps(arguments)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    status, heavy = json.loads(result.stdout.splitlines()[-1])
    return status, heavy, result.stdout + result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["run", "--help"],
        ["frontier", "--help"],
        ["tune", "--help"],
        ["data", "--help"],
        ["data", "from-csv", "--help"],
        ["data", "from-pictures", "--help"],
        ["predict", "--help"],
        ["serving", "--help"],
        ["serving", "roll-back", "--help"],
        ["completion", "bash"],
    ],
)
def test_help_answers_without_loading_tensorflow(arguments):
    status, heavy, output = loaded_by(*arguments)
    assert status == 0 and heavy == []
    assert "usage: python -m pipeline" in output or "complete" in output


def test_settings_are_printed_without_loading_tensorflow():
    status, heavy, output = loaded_by("settings", "--set", "gate.limit=0.02")
    assert status == 0 and not set(heavy) & set(HEAVY)
    assert "limit: 0.02" in output


def test_a_misspelt_setting_is_told_before_tensorflow_loads():
    status, heavy, output = loaded_by("run", "--set", "gate.limt=0.02")
    assert status not in (0, 3) and "tensorflow" not in heavy
    assert "did you mean 'gate.limit'?" in output


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["show"], 3),
        (["show", "--json"], 3),
        (["explain"], 3),
        (["runs"], 0),
        (["compare", *"12"], 0),
    ],
)
def test_looking_at_runs_loads_nothing_that_it_could_do_without(arguments, status, tmp_path):
    for name in ("celeba/1", "celeba/2"):
        run_folders.write(tmp_path, name, run_folders.blocked())
    ended, heavy, output = loaded_by(*arguments, "--runs", str(tmp_path))
    assert (ended, heavy) == (status, []) and "celeba/2" in output


def test_the_exit_status_is_explained_in_the_help(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "0 pushed, 3 blocked by the gate" in " ".join(capsys.readouterr().out.split())


def test_settings_prints_yaml_with_the_overrides_in_place(tmp_path, capsys):
    file = tmp_path / "mine.yaml"
    file.write_text("trainer: {steps: 123}")
    assert main(["settings", "--settings", str(file), "--set", "gate.confidence=0.9"]) == 0
    tree = yaml.safe_load(capsys.readouterr().out)
    assert tree["trainer"]["steps"] == 123 and tree["gate"]["confidence"] == 0.9


@pytest.mark.parametrize("command", ["run", "frontier", "tune", "data", "settings"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "gate.limt=0.1"], "did you mean 'gate.limit'?"),
        (["--settings", "no/such.yaml"], "no/such.yaml: no such file"),
        (["--set", "gate.constraints.0=max_gap(FRP, [Young]) <= 0.1"], "'FPR'"),
        (["--set", "gate.constraints.0=max_gap(FPR, [Yuong]) <= 0.1"], "Yuong"),
    ],
)
def test_a_mistake_in_the_settings_is_one_message_and_status_2(
    command, arguments, message, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main([command, *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ") and message in captured.err
    assert "Traceback" not in captured.err and captured.out == ""
    assert list(tmp_path.iterdir()) == []  # nothing was begun


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--limits", "0.1,x"], "--limits 0.1,x: 'x' is not a limit; expected numbers"),
        (["--limits", ""], "'' is not a limit"),
        (["--limits", "0.1,nan"], "'nan' is not a limit"),
        (["--limits", "0.1,0.1"], "each once"),
        (["--limits", "7"], "limit 7: max_gap(FPR, [Young]) <= 7 holds for every model"),
        (["--set", "trainer.constraints=[]"], "trainer.constraints is empty"),
        (["--set", "trainer.constraints=[FPR <= 0.1, TPR >= 0.5]"], "cannot tighten both"),
    ],
)
def test_limits_that_cannot_be_swept_are_one_message_and_status_2(
    arguments, message, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main(["frontier", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ") and message in captured.err
    assert captured.out == "" and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "a search needs a budget: give --trials NUMBER, --seconds NUMBER, or both"),
        (["--trials", "0"], "--trials 0: expected a whole number of at least 1"),
        (["--seconds", "0"], "--seconds 0: expected a number above 0"),
        (["--seconds", "nan", "--trials", "3"], "--seconds nan"),
        (["--trials", "3", "--write", "mine.yaml"], "it is there already, and no search has"),
        (["--trials", "3", "--write", "no/such.yaml"], "there is no folder 'no'"),
        (["--trials", "3", "--write", "."], "--write .: it is there already"),
    ],
)
def test_a_search_that_makes_no_sense_is_one_message_and_status_2(
    arguments, message, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("name: mine\n")
    assert main(["tune", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ") and message in captured.err
    assert captured.out == "" and [file.name for file in tmp_path.iterdir()] == ["mine.yaml"]
    assert (tmp_path / "mine.yaml").read_text() == "name: mine\n"


@pytest.mark.parametrize("budget", [["--trials", "many"], ["--trials", "1.5"], ["--seconds", "x"]])
def test_a_budget_that_is_no_number_is_a_mistake_of_the_command_line(budget, capsys):
    with pytest.raises(SystemExit) as end:
        main(["tune", *budget])
    assert (
        end.value.code == 2
        and f"invalid {'int' if budget[0] == '--trials' else 'float'} value"
        in (capsys.readouterr().err)
    )


def test_a_search_without_a_budget_is_told_before_tensorflow_loads():
    status, heavy, output = loaded_by("tune")
    assert status == 2 and "tensorflow" not in heavy and "tfx" not in heavy
    assert "needs a budget" in output


def test_a_bad_limit_is_told_before_tensorflow_loads():
    status, heavy, output = loaded_by("frontier", "--limits", "0.1,x")
    assert status == 2 and "tensorflow" not in heavy and "tfx" not in heavy
    assert "'x' is not a limit" in output


def test_the_help_tells_the_limits_that_are_swept_by_default(capsys):
    from components.constrained_trainer.search import limits

    with pytest.raises(SystemExit):
        main(["frontier", "--help"])
    assert f"default: {','.join(map(str, limits.DEFAULT))}" in " ".join(
        capsys.readouterr().out.split()
    )


def test_an_unknown_command_is_refused(capsys):
    with pytest.raises(SystemExit) as end:
        main(["runn"])
    assert end.value.code not in (0, 3)
    assert "runn" in capsys.readouterr().err


def test_data_is_not_made_over_data_of_ones_own(tmp_path, capsys):
    assert main(["data", "--set", f"data.path={tmp_path}"]) == 2
    assert f"data.path = '{tmp_path}' names existing data" in capsys.readouterr().err


def test_data_that_is_there_is_left_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data" / "celeba-synthetic-200-7"
    folder.mkdir(parents=True)
    arguments = ["data", "--set", "data.stand_in.images=200", "--set", "data.stand_in.seed=7"]
    assert main(arguments) == 0
    assert "there already" in capsys.readouterr().out and list(folder.iterdir()) == []


@pytest.mark.parametrize("field", ["runs", "serving"])
def test_an_output_folder_that_cannot_be_written_is_named(field, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("in the way")
    assert main(["run", "--set", f"{field}=file/below"]) not in (0, 3)
    message = capsys.readouterr().err
    assert f"{field}: cannot write in 'file/below" in message
    assert f"--set {field}=FOLDER" in message


def test_data_that_are_not_there_are_noticed_before_anything_is_loaded_or_made(tmp_path):
    program = (
        "import sys; from pipeline.__main__ import main; "
        "status = main(['run', '--set', 'data.path=nowhere']); "
        "print(status, *(m for m in ('tfx', 'tensorflow') if m in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY), "FAIRGATE_COMMAND": "./fairgate"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["2"] and list(tmp_path.iterdir()) == []
    assert "data.path = 'nowhere': no such folder" in done.stderr
    assert "./fairgate data from-csv" in done.stderr


def test_an_error_names_the_program_as_it_was_called(monkeypatch, capsys):
    monkeypatch.setenv("FAIRGATE_COMMAND", "./fairgate")
    assert main(["settings", "--set", "data.pth=3"]) == 2
    assert "All settings and their values: ./fairgate settings" in capsys.readouterr().err
