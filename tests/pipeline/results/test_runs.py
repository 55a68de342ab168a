"""Runs as their folders hold them: whole, half-written, of older versions."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys

import pytest

from fairgate.errors import DataError, SettingsError
from pipeline.results import runs
from pipeline.results.runs import Run
from pipeline.results.verdict import Verdict
from pipeline.running import local
from tests.pipeline import run_folders

FIRST, SECOND, THIRD, FOURTH = (f"celeba/2026112{day}-170000-000" for day in (1, 2, 3, 4))


def test_a_run_knows_its_name_its_time_and_what_it_was_told(tmp_path):
    run = Run(run_folders.write(tmp_path, FIRST, run_folders.verdict(), ("gate.limit=0.03",)))
    assert (run.name, run.pipeline) == (FIRST, "celeba")
    assert run.started.isoformat() == "2026-11-21T17:00:00"
    assert run.settings["gate"]["limit"] == 0.03
    assert run.verdict.gate[0].bound == 0.0284 and run.state == "pushed"
    assert run.report is None and run.steps == [] and run.versions == {}


@pytest.mark.parametrize(
    ("files", "state"),
    [
        ({"verdict": run_folders.verdict()}, "pushed"),
        ({"verdict": run_folders.blocked()}, "blocked"),
        ({"frontier": {}}, "frontier"),
        ({"trials": {}}, "tuning"),
        ({"trials": {}, "failure": {"error": "no data"}}, "failed"),
        ({"failure": {"error": "no data"}}, "failed"),
        ({}, "stopped"),
    ],
)
def test_the_state_is_what_the_folder_holds(tmp_path, files, state):
    run = Run(run_folders.write(tmp_path, FIRST, **files))
    assert run.state == state
    assert run.failure == ("no data" if state == "failed" else None)


def test_a_run_that_goes_on_is_told_from_one_that_was_killed(tmp_path):
    killed, going = (Run(run_folders.write(tmp_path, name)) for name in (FIRST, SECOND))
    with local._only_run_in(tmp_path / "celeba", going.id):
        assert (killed.state, going.state) == ("stopped", "running")
    assert going.state == "stopped"


def test_looking_at_a_run_does_not_keep_another_from_starting(tmp_path, monkeypatch):
    (tmp_path / ".lock").touch()
    with open(tmp_path / ".lock") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        monkeypatch.setattr(runs.time, "sleep", lambda _: fcntl.flock(looking, fcntl.LOCK_UN))
        with local._only_run_in(tmp_path, "later"):
            assert (tmp_path / ".lock").read_text() == "later"


def test_the_lock_of_a_killed_run_is_waited_for_until_what_worked_beside_it_has_ended_too(tmp_path):
    holds = "import fcntl, sys, time; f = open(sys.argv[1], 'a'); fcntl.flock(f, fcntl.LOCK_EX); "
    holds += "print(flush=True); time.sleep(1)"
    arguments = [sys.executable, "-c", holds, str(tmp_path / ".lock")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as ending:
        ending.stdout.readline()
        with local._only_run_in(tmp_path, "next"):
            assert (tmp_path / ".lock").read_text() == "next"


def test_a_run_that_is_refused_leaves_the_other_ones_name_in_the_lock(tmp_path):
    with local._only_run_in(tmp_path, "first"):
        with (
            pytest.raises(SettingsError, match="another run is using"),
            local._only_run_in(tmp_path, "x"),
        ):
            pass
        assert (tmp_path / ".lock").read_text() == "first"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"blessed": true}', "\x00"])
def test_a_damaged_verdict_is_named_with_what_to_do(tmp_path, text):
    folder = run_folders.write(tmp_path, FIRST)
    (folder / "verdict.json").write_text(text)
    with pytest.raises(DataError, match=r"verdict\.json: not a verdict .* Run the pipeline again"):
        _ = Run(folder).state


def test_a_verdict_of_the_first_version_reads_as_far_as_it_goes(tmp_path):
    verdict = Run(run_folders.write(tmp_path, FIRST, run_folders.verdict())).verdict
    assert verdict.attempt is None and verdict.advice == [] and verdict.outcome == "pushed"
    assert verdict.gate[0].baseline_value is None and verdict.gate[0].margin == pytest.approx(
        0.0216
    )
    assert verdict.models["constrained"].groups["Not Young"].negatives == 920


def test_a_verdict_of_a_later_version_reads_too(tmp_path):
    tree = run_folders.blocked(since="tomorrow")
    tree["gate"][0]["more"] = tree["models"]["baseline"]["more"] = tree["attempt"]["more"] = 1
    assert Run(run_folders.write(tmp_path, FIRST, tree)).verdict.attempt.of == 1


def test_a_verdict_is_read_as_it_was_written(tmp_path):
    verdict = Run(run_folders.write(tmp_path, FIRST, run_folders.blocked())).verdict
    verdict.write(tmp_path / "again.json")
    assert Verdict.read(tmp_path / "again.json") == verdict
    assert json.loads((tmp_path / "again.json").read_text()) == run_folders.blocked()


def test_the_margin_of_a_constraint_from_below_is_measured_from_below(tmp_path):
    tree = run_folders.verdict()
    tree["gate"][0] |= {
        "constraint": "TPR | [Young] >= 0.8",
        "upper_bound": None,
        "lower_bound": 0.75,
        "limit": 0.8,
    }
    [row] = Run(run_folders.write(tmp_path, FIRST, tree)).verdict.gate
    assert row.sense == ">=" and row.margin == pytest.approx(-0.05)


@pytest.fixture
def root(tmp_path):
    """Two runs, a frontier, a search, and another pipeline's run."""
    for name in (FIRST, SECOND):
        run_folders.write(tmp_path, name, run_folders.verdict())
    run_folders.write(tmp_path, THIRD, frontier={})
    run_folders.write(tmp_path, FOURTH, trials={})
    run_folders.write(tmp_path, "adult/20261120-170000-000", run_folders.blocked())
    (tmp_path / "celeba" / "artifacts").mkdir()
    (tmp_path / "celeba" / "20261125-170000-000").mkdir()  # empty: nobody knows what it was
    return tmp_path


def test_all_runs_are_listed_newest_first(root):
    assert [run.name for run in runs.every(root)] == [
        FOURTH,
        THIRD,
        SECOND,
        FIRST,
        "adult/20261120-170000-000",
    ]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (None, SECOND),
        ("celeba", SECOND),
        ("adult", "adult/20261120-170000-000"),
        (FIRST, FIRST),
        (f"{FIRST}/", FIRST),
        ("20261121-170000-000", FIRST),
        ("20261121", FIRST),
        ("celeba/20261121", FIRST),
        (THIRD, THIRD),
        (FOURTH, FOURTH),
    ],
)
def test_a_run_is_found_by_every_name_it_has(root, name, found):
    assert runs.find(root, name).name == found


def test_a_run_is_found_by_its_folder_wherever_that_is(root, tmp_path_factory):
    elsewhere = run_folders.write(tmp_path_factory.mktemp("other"), FIRST)
    assert runs.find(root, str(elsewhere)).folder == elsewhere
    assert runs.find(root, str(root / "celeba")).name == SECOND


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("celebb", "Did you mean 'celeba'?"),
        ("celeba/20261125-170000-000", "Did you mean 'celeba/2026112"),
        ("no such thing", "There are celeba/20261124-170000-000, celeba/2026"),
        ("202611", "may be any of"),
    ],
)
def test_an_unknown_run_is_answered_with_those_that_there_are(root, name, message):
    with pytest.raises(runs.NoSuchRun) as error:
        runs.find(root, name)
    assert message in str(error.value)


def test_no_runs_at_all_is_said_with_the_way_to_one(tmp_path):
    with pytest.raises(runs.NoSuchRun, match=r"there are no runs in .* --runs FOLDER"):
        runs.find(tmp_path / "nowhere")
