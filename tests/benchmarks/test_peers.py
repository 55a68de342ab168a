"""The pure parts of the comparison with other libraries; nothing here needs them or a network."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers import data, environments, fairness
from benchmarks.peers.tasks import TEST, TRAIN, VALIDATION, Answer, Rule, Task

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


# What is asked, and how an answer is measured. Four positives in two groups of two, two negatives.

Y = np.array([1, 1, 1, 1, 0, 0])
GROUPS = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [1, 0], [0, 1]], dtype="float32")
P = np.array([1.0, 0.5, 0.5, 0.0, 1.0, 0.0])  # TPR .5; of the groups .75 and .25


@pytest.mark.parametrize(
    "rule, expected",
    [
        (Rule("tpr", 0.1), [0.4 - 0.75, 0.4 - 0.25]),
        (Rule("tpr", 0.1, relative=True), [0.45 - 0.75, 0.45 - 0.25]),
        (Rule("fpr", 0.2, two_sided=True), [1 - 0.7, 0 - 0.7, 0.3 - 1, 0.3 - 0]),
    ],
)
def test_a_rule_holds_each_group_against_everyone(rule, expected):
    np.testing.assert_allclose(rule.violations(P, Y, GROUPS), expected, atol=1e-7)


def test_a_rate_of_nobody_does_not_exist():
    with pytest.raises(ValueError, match="group without rows"):
        Rule("fpr", 0.1).violations(P[:4], Y[:4], GROUPS[:4])


def test_a_rule_that_means_nothing_is_refused():
    with pytest.raises(ValueError, match="rate"):
        Rule("accuracy", 0.1)
    with pytest.raises(ValueError, match="one side"):
        Rule("tpr", 0.1, relative=True, two_sided=True)


def _task(rule: Rule) -> Task:
    """The six rows three times: to train, to validate, to test."""
    part = np.repeat([TRAIN, VALIDATION, TEST], 6)
    x = np.arange(36, dtype="float32").reshape(18, 2)
    return Task(x, np.tile(Y, 3), np.tile(GROUPS, (3, 1)), part, rule, passes=7, seed=3)


def test_a_task_comes_back_from_its_file(tmp_path):
    task = _task(Rule("fpr", 0.2, two_sided=True))
    task.save(tmp_path / "task.npz")
    loaded = Task.load(tmp_path / "task.npz")
    assert (loaded.rule, loaded.passes, loaded.seed) == (task.rule, 7, 3)
    for name in ("x", "y", "groups", "part"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(task, name))


def test_only_validation_chooses_and_keeping_the_rule_goes_before_error():
    task = _task(Rule("tpr", 0.1))
    exact, unfair = Y.astype(float), np.array([1.0, 1, 1, 0, 0, 0])
    everything, nothing = np.ones(6), np.zeros(6)
    answer = Answer(
        ["unfair here, best elsewhere", "fair, error 1/3", "fair, error 2/3"],
        np.stack(
            [
                np.concatenate([exact, unfair, exact]),
                np.concatenate([nothing, everything, nothing]),
                np.concatenate([exact, nothing, exact]),
            ]
        ),
        0.0,
    )
    assert answer.names[answer.chosen(task)] == "fair, error 1/3"
    assert task.measured(answer.p[0], VALIDATION) == pytest.approx((1 / 6, 0.15))
    assert answer.names[answer.chosen(task, (TRAIN, VALIDATION))] == "fair, error 2/3"
    least_unfair = Answer(["worse", "better"], np.stack([np.tile(unfair, 3), np.tile(P, 3)]), 0.0)
    assert task.measured(np.tile(P, 3), VALIDATION)[1] == pytest.approx(0.15)
    assert least_unfair.chosen(task) == 0  # equally unfair, smaller error


def test_violations_are_cut_at_zero_before_the_mean_over_seeds():
    rows = {"one": [(0.1, -0.2, 0.2, -0.04, 1.0), (0.1, 0.0, 0.4, 0.02, 3.0)]}
    line = fairness.table("title", rows)[-1]
    assert line == (
        "| one | 0.1000 ± 0.0000 | 0.0000 ± 0.0000 | 0.3000 ± 0.1000 | 0.0100 ± 0.0100 "
        "| -0.0100 ± 0.0300 | 2 |"
    )


ADULT_ROW = (
    "{age}, Private, 1, Bachelors, 13, Never-married, Sales, Husband, {race}, {sex}, {gain}, 0, 40, "
    "United-States, {income}"
)


def _adult(folder: Path) -> Path:
    people = [
        dict(age=age, race=race, sex=sex, gain=gain, income=income)
        for age in (20, 40)
        for race in ("Black", "White", "Other")
        for sex in ("Male", "Female")
        for gain in (0, 5000)
        for income in ("<=50K", ">50K")
    ]
    (folder / "adult").mkdir()
    lines = [ADULT_ROW.format(**person) for person in people]
    (folder / "adult" / "adult.data").write_text("\n".join(lines) + "\n")
    # UCI's test file has a line before the data and a full stop after each label.
    tested = "|1x3 Cross validator\n" + "\n".join(f"{line}." for line in lines[:8]) + "\n"
    (folder / "adult" / "adult.test").write_text(tested)
    return folder


def test_adult_keeps_its_test_file_and_draws_validation_by_the_seed(tmp_path):
    folder = _adult(tmp_path)
    first, again, other = (data.task("adult", folder, seed) for seed in (0, 0, 1))
    assert first.rows(TEST).tolist() == [False] * 48 + [True] * 8
    assert 0 < first.rows(VALIDATION).sum() < 24
    np.testing.assert_array_equal(first.part, again.part)
    assert (first.part != other.part).any()
    np.testing.assert_array_equal(first.x, other.x)
    assert first.y.tolist() == [0, 1] * 28
    # Male, female, black, white; the first four are black men, and others have no group of race.
    assert first.groups[0].tolist() == [1, 0, 1, 0]
    assert first.groups[20].tolist() == [0, 1, 0, 0]
    assert set(np.unique(first.x)) == {0.0, 1.0}
    assert first.x.dtype == np.float32


def test_missing_data_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"adult\.data is missing: --data must name the folder"):
        data.task("adult", tmp_path, 0)


def test_compas_keeps_the_rows_that_propublica_kept(tmp_path):
    columns = (
        "days_b_screening_arrest,is_recid,c_charge_degree,score_text,race,sex,age,decile_score"
    )
    kept = ["0,1,F,Low,African-American,Male,30,1,0,1", "-30,0,M,High,Asian,Female,50,9,9,0"]
    kept += ["30,0,M,High,Caucasian,Female,50,9,3,0"]
    dropped = ["31,1,F,Low,Caucasian,Male,30,1,0,1", ",1,F,Low,Caucasian,Male,30,1,0,1"]
    dropped += ["0,-1,F,Low,Caucasian,Male,30,1,0,1", "0,1,O,Low,Caucasian,Male,30,1,0,1"]
    dropped += ["0,1,F,N/A,Caucasian,Male,30,1,0,1"]
    (tmp_path / "compas").mkdir()
    text = "\n".join([f"{columns},priors_count,two_year_recid", *kept, *dropped]) + "\n"
    (tmp_path / "compas" / "compas-scores-two-years.csv").write_text(text)
    task = data.task("compas", tmp_path, 0)
    assert task.y.tolist() == [1, 0, 0]
    assert task.groups.tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
    assert task.rule.two_sided
    # Thermometers: nine steps of the score, then five of the priors.
    np.testing.assert_array_equal(task.x[:, -14:].sum(axis=1), [0, 8 + 5, 8 + 3])
