"""With --json, standard output is one document."""

from __future__ import annotations

import json
import os

import pytest

from pipeline.__main__ import main
from tests.pipeline import run_folders


def test_with_json_standard_output_is_one_document_whatever_others_print(capfd, monkeypatch):
    from fairgate import answers
    from pipeline.command_line import looking

    def noisy(options):
        print("from Python")
        os.write(1, b"from C\n")
        return answers.Answer(3, {"value": float("nan"), "name": "Zoë"})

    monkeypatch.setattr(looking, "runs", noisy)
    assert main(["runs", "--json"]) == 3
    captured = capfd.readouterr()
    assert json.loads(captured.out) == {"value": None, "name": "Zoë"}
    assert "from Python" in captured.err and "from C" in captured.err


def test_with_json_a_refusal_is_a_document_too(capsys):
    assert main(["run", "--json", "--set", "gate.limt=0.1"]) == 2
    captured = capsys.readouterr()
    assert "did you mean 'gate.limit'?" in json.loads(captured.out)["error"]
    assert captured.err.startswith("error: ")


def test_with_json_an_interruption_is_a_document_too(capsys, monkeypatch):
    from pipeline.command_line import looking

    def interrupted(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(looking, "runs", interrupted)
    assert main(["runs", "--json"]) == 130
    assert "Interrupted" in json.loads(capsys.readouterr().out)["error"]


def test_settings_as_json_are_the_tree(capsys):
    assert main(["settings", "--json", "--set", "gate.limit=0.02"]) == 0
    assert json.loads(capsys.readouterr().out)["gate"]["limit"] == 0.02


def test_data_that_is_there_is_told_as_json_too(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data" / "celeba-synthetic-80000-0").mkdir(parents=True)
    assert main(["data", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"folder": "data/celeba-synthetic-80000-0", "made": False}


@pytest.mark.parametrize("command", ["run", "frontier", "tune"])
def test_work_that_has_ended_is_told_as_a_document(command, tmp_path, monkeypatch, capsys):
    from pipeline.running import local
    from pipeline.sweeps import frontier, tune

    files = {
        "run": {"verdict": run_folders.blocked()},
        "frontier": {"frontier": {"points": []}},
        "tune": {"trials": {"best": 0}},
    }[command]
    folder = run_folders.write(tmp_path, "celeba/20261122-170000-000", **files)

    def ended(*arguments, verbose):
        print("progress")
        return local.Ended(3, folder)

    modules = {"run": local, "frontier": frontier, "tune": tune}
    monkeypatch.setattr(modules[command], "run", ended)
    budget = ["--trials", "3"] if command == "tune" else []
    assert main([command, "--json", *budget]) == 3
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert told["run"]["name"] == "celeba/20261122-170000-000" and "progress" in captured.err
    assert set(told) == {"run", *files}
    assert command != "tune" or told["trials"] == {"best": 0}
