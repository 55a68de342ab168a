"""The command line: what answers at once, and what a user's mistake looks like."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipeline.__main__ import main

REPOSITORY = Path(__file__).parents[2]

HEAVY = ("tensorflow", "tfx", "keras", "apache_beam", "tensorflow_model_analysis", "cv2", "scipy")


def loaded_by(*arguments: str) -> tuple[int, list[str], str]:
    """Exit status, heavy modules that were loaded, and the output of `python -m pipeline ...`."""
    program = (
        "import json, runpy, sys\n"
        "sys.argv = ['pipeline', *json.loads(sys.argv[1])]\n"
        "try:\n"
        "    runpy.run_module('pipeline', run_name='__main__')\n"
        "except SystemExit as end:\n"
        "    status = end.code or 0\n"
        f"heavy = [name for name in {HEAVY!r} if name in sys.modules]\n"
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
        ["data", "--help"],
        ["data", "from-csv", "--help"],
    ],
)
def test_help_answers_without_loading_tensorflow(arguments):
    status, heavy, output = loaded_by(*arguments)
    assert status == 0 and heavy == []
    assert "usage: python -m pipeline" in output


def test_settings_are_printed_without_loading_tensorflow():
    status, heavy, output = loaded_by("settings", "--set", "gate.limit=0.02")
    assert status == 0 and "tensorflow" not in heavy and "tfx" not in heavy
    assert "limit: 0.02" in output


def test_a_misspelt_setting_is_told_before_tensorflow_loads():
    status, heavy, output = loaded_by("run", "--set", "gate.limt=0.02")
    assert status not in (0, 3) and "tensorflow" not in heavy
    assert "did you mean 'gate.limit'?" in output


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


@pytest.mark.parametrize("command", ["run", "frontier", "data", "settings"])
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


def test_a_bad_limit_is_told_before_tensorflow_loads():
    status, heavy, output = loaded_by("frontier", "--limits", "0.1,x")
    assert status == 2 and "tensorflow" not in heavy and "tfx" not in heavy
    assert "'x' is not a limit" in output


def test_the_help_tells_the_limits_that_are_swept_by_default(capsys):
    from components.constrained_trainer import limits

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
