"""The suite: what is asked, how answers are measured and kept, what the tables say, and a tiny run."""

from __future__ import annotations

import math
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.peers import environments
from benchmarks.peers.environments import ROOT
from benchmarks.peers.process import Process
from benchmarks.peers.tasks import RATES, TEST, TRAIN, VALIDATION, Answer, Gaps, Task
from benchmarks.suite import chart, measuring, page, running, summary, tasks
from benchmarks.suite.answers import Job, Store
from benchmarks.suite.contenders import BASELINE, CONTENDERS, OURS
from benchmarks.suite.measuring import Result
from benchmarks.suite.sources import Source
from benchmarks.suite.summary import Mean

GAPS = Gaps(("FPR", "TPR"), ("Sex", "Sex", "Age", "Age", "Age"), ("f", "m", "a", "b", "c"), 0.05)


def people(n: int, seed: int = 0) -> Source:
    """The first number tells the label; men are said Yes to more often without a cause."""
    random = np.random.default_rng(seed)
    male = random.random(n) < 0.5
    x = random.normal(size=(n, 3)) * [5, 1, 1] + [100, 0, 0]
    y = ((x[:, 0] - 100) / 5 + 0.8 * male + random.normal(size=n) * 0.7 > 0.4).astype(int)
    x[:, 1] += 2 * male
    ages = np.array(["a", "b", "c"])[random.integers(3, size=n)]
    return Source(
        x, np.eye(2)[random.integers(2, size=n)], y, {"Sex": np.where(male, "m", "f"), "Age": ages}
    )


def a_task(n: int = 600, rates=("FPR", "TPR"), limit: float = 0.1) -> Task:
    return tasks.drawn(tasks.Asked("adult", rates, ("Sex", "Age"), limit), people(n), seed=3)


# What is asked.


def test_there_are_twenty_tasks_and_more_with_names_of_their_own_on_every_source():
    from benchmarks.suite.sources import SOURCES

    assert len(tasks.TASKS) == len(tasks._ALL) >= 20
    assert {asked.source for asked in tasks.TASKS.values()} == set(SOURCES)
    assert {rate for asked in tasks.TASKS.values() for rate in asked.rates} == set(RATES)
    assert {len(asked.features) for asked in tasks.TASKS.values()} == {1, 2}


def test_parts_are_drawn_by_the_seed_and_numbers_scaled_by_the_training_rows_alone():
    task = a_task()
    assert [int(task.rows(part).sum()) for part in (TRAIN, VALIDATION, TEST)] == [300, 120, 180]
    numbers = task.x[task.rows(TRAIN)][:, :3]
    np.testing.assert_allclose(numbers.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(numbers.std(axis=0), 1, atol=1e-5)
    assert set(np.unique(task.x[:, 3:])) == {0.0, 1.0}
    assert task.rule.features == ("Sex", "Sex", "Age", "Age", "Age")
    assert (task.groups[:, :2].sum(axis=1) == 1).all() and (
        task.groups[:, 2:].sum(axis=1) == 1
    ).all()
    again = tasks.drawn(tasks.Asked("adult", ("FPR",), ("Sex",), 0.1), people(600), seed=4)
    assert (task.y != again.y).any()


def test_pictures_become_components_whose_training_rows_are_uncorrelated():
    random = np.random.default_rng(0)
    pixels = random.normal(size=(400, 100)) @ random.normal(size=(100, 100))
    known = replace(people(400), numeric=pixels, coded=np.zeros((400, 0)), pictures=True)
    task = tasks.drawn(tasks.Asked("smiles", ("FPR",), ("Sex",), 0.1), known, seed=0)
    assert task.x.shape == (400, tasks.COMPONENTS)
    x = task.x[task.rows(TRAIN)]
    np.testing.assert_allclose(x.T @ x / len(x), np.eye(tasks.COMPONENTS), atol=1e-3)


def test_a_task_and_an_answer_come_back_from_their_files(tmp_path):
    task = a_task()
    task.save(tmp_path / "task.npz")
    loaded = Task.load(tmp_path / "task.npz")
    assert loaded.rule == task.rule
    np.testing.assert_array_equal(loaded.x, task.x)
    answer = Answer(["one"], np.ones((1, 5)), 2.0, each=np.array([1.5]))
    answer.save(tmp_path / "answer.npz")
    assert Answer.load(tmp_path / "answer.npz").each.tolist() == [1.5]
    Answer.refused("It cannot.").save(tmp_path / "answer.npz")
    assert Answer.load(tmp_path / "answer.npz").refusal == "It cannot."


def test_a_rule_is_lines_of_the_language():
    assert GAPS.lines() == [
        "max_gap(FPR, [Sex]) <= 0.05",
        "max_gap(TPR, [Sex]) <= 0.05",
        "max_gap(FPR, [Age]) <= 0.05",
        "max_gap(TPR, [Age]) <= 0.05",
    ]
    assert GAPS.lines(0.1)[0] == "max_gap(FPR, [Sex]) <= 0.1"


@pytest.mark.parametrize("wrong", [{"rates": ()}, {"rates": ("AUC",)}, {"names": ("f", "m")}])
def test_a_rule_that_means_nothing_is_refused(wrong):
    with pytest.raises(ValueError):
        replace(GAPS, **wrong)


@given(st.integers(0, 2**32), st.lists(st.sampled_from(sorted(RATES)), min_size=1, unique=True))
def test_what_peers_measure_is_what_the_language_does(seed, rates):
    task = a_task(120, tuple(rates))
    p = np.random.default_rng(seed).random(len(task.y)).round(1)
    error, worst = measuring._rate(task, p, TEST)
    assert task.measured(p, TEST) == pytest.approx((error, worst), abs=1e-6)


# What an answer is worth.


def test_least_error_among_those_that_keep_the_rule_on_validation_is_chosen():
    task = a_task(2000, ("PPR",), 0.05)
    unfair = np.where(task.groups[:, 0] > 0, 1.0, task.y)
    nobody, everybody = np.zeros(len(task.y)), np.ones(len(task.y))
    found = measuring.measure(
        task, Answer(["unfair", "nobody", "everybody"], np.stack([unfair, nobody, everybody]), 6.0)
    )
    rows = task.rows(VALIDATION)
    better = "everybody" if task.y[rows].mean() > 0.5 else "nobody"
    assert (found.setting, found.useless, found.seconds) == (better, True, 6.0)
    assert found.worst == pytest.approx(-0.05)
    alone = measuring.measure(task, Answer(["unfair"], unfair[None], 1.0))
    assert alone.worst > 0 and not alone.passed
    named = Answer(["a", "b"], np.stack([unfair, nobody]), 3.0, each=np.array([1.0, 2.0]))
    assert measuring.measure(task, named, "b").seconds == 2.0


def test_a_model_that_knows_passes_the_gate_and_one_that_favours_does_not():
    task = a_task(6000, ("FPR",), 0.1)
    right = measuring.measure(task, Answer(["right"], task.y[None].astype(float), 1.0))
    assert right.passed and right.error == 0 and not right.useless
    unfair = np.where(task.groups[:, 0] > 0, 1.0, task.y)
    assert not measuring.measure(task, Answer(["unfair"], unfair[None], 1.0)).passed


def test_chance_is_drawn_the_same_way_each_time_and_rated_by_its_expectation():
    task = a_task(2000)
    half = np.full(len(task.y), 0.5)
    drawn = measuring.draw(task, half)
    np.testing.assert_array_equal(drawn, measuring.draw(task, half))
    assert set(drawn) == {0.0, 1.0}
    assert measuring.measure(task, Answer(["half"], half[None], 1.0)).error == pytest.approx(0.5)


def test_what_is_no_probability_is_refused_and_a_refusal_is_kept():
    task = a_task()
    with pytest.raises(ValueError, match="probabilities"):
        measuring.measure(task, Answer(["bad"], np.full((1, len(task.y)), 1.2), 1.0))
    assert measuring.measure(task, Answer.refused("It has no such rate.")).refusal


# Over seeds, over tasks, in pairs.


def result(error: float, worst: float = -0.01, passed: bool = True, **more) -> Result:
    return Result("s", error, worst, error, worst, passed, False, 1.0, **more)


def test_a_mean_has_students_interval():
    mean = Mean.of([1.0, 2.0, 3.0])
    assert mean.value == 2.0
    assert mean.half == pytest.approx(4.302652730 / math.sqrt(3))
    assert mean.error == pytest.approx(1 / math.sqrt(3))
    assert math.isnan(Mean.of([]).value) and math.isnan(Mean.of([1.0]).half)


@pytest.fixture
def peers(monkeypatch):
    blind = replace(CONTENDERS[OURS], environment="modern", setting=None)
    for name, contender in {"blind": blind, "seeing": replace(blind, sees_group=True)}.items():
        monkeypatch.setitem(CONTENDERS, name, contender)
    return [BASELINE, OURS, "blind", "seeing"]


TASK, OTHER = list(tasks.TASKS)[:2]


def some_results() -> dict:
    found = {}
    for seed in (0, 1):
        noise = 0.01 * seed
        found[BASELINE, TASK, seed] = result(0.10 + noise, 0.2, False)
        found[OURS, TASK, seed] = result(0.12 + noise, -0.01, True)
        found["blind", TASK, seed] = result(0.13 + 2 * noise, 0.0, seed == 0)
        found["seeing", TASK, seed] = result(0.11 + noise, -0.02, True)
    return found


def test_rows_are_paired_with_ours(peers):
    rows = {row.contender: row for row in summary.of_task(some_results(), TASK, peers, 2)}
    assert rows[OURS].against is None
    assert rows["blind"].against[0].value == pytest.approx(-0.015)
    assert rows["blind"].against[1].value == 0.0
    assert (rows["blind"].passed, rows["blind"].judged, rows["blind"].subject_passed) == (1, 2, 2)
    assert rows["blind"].passed_error.value == pytest.approx(0.13)
    assert rows[BASELINE].violation.value == pytest.approx(0.2)


def test_over_all_tasks_errors_are_less_the_baselines(peers):
    found = some_results()
    rows = {row.contender: row for row in summary.over_all(found, [TASK, OTHER], peers, 2)}
    assert rows[BASELINE].error.value == 0.0
    assert rows[OURS].error.value == pytest.approx(0.02)
    assert rows["blind"].against[0].value == pytest.approx(-0.015)
    assert (rows[OURS].passed, rows[OURS].judged) == (2, 2)


def test_the_rival_is_blind_and_as_fair(peers):
    found = some_results()
    [rival] = summary.rivals(found, [TASK, OTHER], peers, 2)
    assert (rival.peer, rival.verdict) == ("blind", "ahead")
    for seed in (0, 1):
        found["blind", TASK, seed] = result(0.09, 0.1 + 0.001 * seed)
    [unfair] = summary.rivals(found, [TASK], peers, 2)
    assert (unfair.peer, unfair.verdict) == ("", "ahead")
    for seed in (0, 1):
        found["blind", TASK, seed] = result(0.09 + 0.001 * seed, -0.1)
    [better] = summary.rivals(found, [TASK], peers, 2)
    assert (better.peer, better.verdict) == ("blind", "behind")
    [seeing] = summary.rivals(found, [TASK], peers, 2, sees_group=True)
    assert (seeing.peer, seeing.verdict) == ("seeing", "behind")
    assert seeing.difference.value == pytest.approx(0.01)


def test_models_that_nobody_wants_are_found(peers):
    found = some_results()
    assert summary.useless(found) == summary.worse_than_baseline(found) == []
    found[OURS, TASK, 0] = replace(result(0.2, 0.3, False), useless=True)
    assert summary.useless(found) == summary.worse_than_baseline(found) == [(OURS, TASK, 0)]
    text = page.page(found, [TASK], peers, 2)
    assert f"Of ours, more error and more violation than the baseline: {TASK} with seed 0." in text


def test_the_page_has_every_task_and_says_what_a_library_cannot(peers):
    found = some_results()
    for seed in (0, 1):
        found["seeing", TASK, seed] = Result(refusal="It compares one rate only.")
    text = page.page(found, [TASK], peers, 2, ["cooper is left out: no Python."])
    assert f"**{TASK}**: `max_gap(FPR, [Sex]) <= 0.03`, gate at 0.06" in text
    assert "| seeing | no answer: It compares one rate only. |" in text
    assert "- cooper is left out: no Python." in text
    assert "ours is ahead in 1, level in 0 and behind in 0 of 1 tasks." in text


def test_the_picture_shows_every_contender(peers, tmp_path):
    chart.draw(summary.over_all(some_results(), [TASK], peers, 2), tmp_path / "images" / "all.png")
    assert (tmp_path / "images" / "all.png").read_bytes().startswith(b"\x89PNG")
    assert "](images/all.png)" in page.page(some_results(), [TASK], peers, 2, (), "images/all.png")


# What is kept.


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A folder whose questions are of made-up people."""
    made = Store(tmp_path / "keep", tmp_path)
    monkeypatch.setattr(tasks, "source", lambda name, folder, cached: people(600))
    return made


def test_only_what_lacks_an_answer_is_asked_and_what_is_measured_is_kept(store):
    asked = running.jobs(["ours"], [TASK, OTHER], seeds=1)
    assert store.missing(asked) == asked
    task = Task.load(store.question(TASK, 0))
    p = np.stack([task.y] * 5)
    names = [each.setting for each in CONTENDERS.values() if each.method == "ours"]
    Answer(names[:-1], p[:-1], 1.0).save(store.answer(asked[0]))
    assert store.missing(asked) == asked  # a contender of the method came later
    assert set(store.results(CONTENDERS, [TASK], 1)) == {(n, TASK, 0) for n in list(CONTENDERS)[:4]}
    Answer(names, p, 1.0).save(store.answer(asked[0]))
    assert store.missing(asked) == asked[1:]
    found = store.results([BASELINE, OURS], [TASK, OTHER], 1)
    assert set(found) == {(BASELINE, TASK, 0), (OURS, TASK, 0)}
    store.question(TASK, 0).unlink()  # nothing is measured again
    assert store.results([BASELINE, OURS], [TASK, OTHER], 1) == found
    store.forget(asked)
    assert store.missing(asked) == asked


def test_answers_to_a_task_that_was_made_otherwise_are_not_mixed(store, monkeypatch):
    store.require_same([TASK])
    store.require_same([TASK, OTHER])
    monkeypatch.setattr(tasks, "PASSES", tasks.PASSES + 1)
    with pytest.raises(ValueError, match="give another folder"):
        store.require_same([OTHER])


def test_a_missing_file_of_a_data_set_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"adult\.data is missing: --data must name the folder"):
        Store(tmp_path / "keep", tmp_path).question(TASK, 0)


SERVER = """
import sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
from benchmarks.peers.serving import serve

def answer(question, reply):
    print("a library's chatter")
    if question.endswith("slow"):
        time.sleep(60)
    if question.endswith("wrong"):
        raise ValueError("it is wrong")
    if question.endswith("fatal"):
        raise SystemExit
    Path(reply).write_text("answered")

serve(answer)
"""


@pytest.fixture
def process(tmp_path, monkeypatch):
    (tmp_path / "served.py").write_text(SERVER.format(root=str(ROOT)))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    made = Process(sys.executable, "served", tmp_path / "log")
    yield made
    made.close()


def test_a_process_stays_after_an_error_and_is_started_again_after_its_end(process, tmp_path):
    process.ask("right", tmp_path / "reply")
    first = process._process.pid
    with pytest.raises(RuntimeError, match="ValueError: it is wrong"):
        process.ask("wrong", tmp_path / "reply")
    assert process._process.pid == first
    assert (tmp_path / "reply").read_text() == "answered"
    with pytest.raises(RuntimeError, match="ended without an answer"):
        process.ask("fatal", tmp_path / "reply")
    with pytest.raises(RuntimeError, match=r"no answer in 0\.2 seconds"):
        process.ask("slow", tmp_path / "reply", seconds=0.2)
    process.ask("right", tmp_path / "other")
    assert (tmp_path / "other").exists()
    assert "a library's chatter" in (tmp_path / "log").read_text()


# A tiny run for real.


@pytest.mark.slow
def test_ours_answers_and_a_stopped_suite_goes_on(store):
    wanted = running.jobs(["ours"], [TASK], seeds=1)
    told = []
    pythons = running.interpreters(["ours"], told.append)
    running.run_all(wanted, store, pythons, 1, lambda job, problem: told.append((job, problem)))
    assert told == [(Job("ours", TASK, 0), "")]
    assert store.missing(wanted) == []
    found = store.results(CONTENDERS, [TASK], 1)
    assert found["commonest", TASK, 0].useless
    assert found[BASELINE, TASK, 0].error < found["commonest", TASK, 0].error
    assert not found[OURS, TASK, 0].useless
    assert set(found) == {
        (name, TASK, 0) for name, each in CONTENDERS.items() if each.method == "ours"
    }
    assert found["baseline-by-group", TASK, 0].validation_worst <= 1e-6
    assert found[OURS, TASK, 0].seconds > found[BASELINE, TASK, 0].seconds
    assert "| ours |" in page.page(found, [TASK], list(CONTENDERS), 1)


PEERS = sorted({(c.method, c.environment) for c in CONTENDERS.values() if c.environment})


@pytest.mark.slow
@pytest.mark.parametrize("method, environment", PEERS)
def test_a_peer_answers_where_its_environment_is_made(method, environment, tmp_path):
    python = environments.FOLDER / environment / "bin" / "python"
    if not python.exists():
        pytest.skip(f"there is no .peers/{environment}: `make suite` makes it")
    task = replace(a_task(900, ("TPR", "FPR")), passes=2)
    task.save(tmp_path / "task.npz")
    peer = Process(python, f"benchmarks.suite.methods.{method}", tmp_path / "log")
    try:
        peer.ask(tmp_path / "task.npz", tmp_path / "answer.npz", seconds=300)
    finally:
        peer.close()
    answer = Answer.load(tmp_path / "answer.npz")
    if answer.refusal:
        assert method == "oxonfair"  # six combinations of groups
        return
    assert answer.p.shape == (len(answer.names), len(task.y))
    found = measuring.measure(task, answer)
    assert found.error <= 0.55
