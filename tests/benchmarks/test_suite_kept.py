"""What the suite keeps: questions, answers, what was measured of them; and tiny runs."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.peers import environments
from benchmarks.peers.environments import ROOT
from benchmarks.peers.process import Process
from benchmarks.peers.tasks import Answer, Task
from benchmarks.suite import judgements, measuring, page, running, tasks
from benchmarks.suite.answers import Job, Store
from benchmarks.suite.contenders import BASELINE, CONTENDERS, OURS
from benchmarks.suite.judgements import JUDGING, Judgements
from tests.benchmarks.made_up import a_task, people

TASK, OTHER = list(tasks.TASKS)[:2]


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A folder whose questions are of made-up people."""
    made = Store(tmp_path / "keep", tmp_path)
    monkeypatch.setattr(tasks, "source", lambda name, folder, cached: people(600))
    return made


def answered(store: Store, job: Job, settings: int = 5) -> None:
    task = Task.load(store.question(job.task, job.seed))
    names = [each.setting for each in CONTENDERS.values() if each.method == job.method][:settings]
    Answer(names, np.stack([task.y] * settings), 1.0).save(store.answer(job))


def test_only_what_lacks_an_answer_is_asked(store):
    asked = running.jobs([OURS, BASELINE], [TASK, OTHER], [0])
    assert asked == [Job("ours", TASK, 0), Job("ours", OTHER, 0)] == store.missing(asked)
    answered(store, asked[0], settings=4)
    assert store.missing(asked) == asked  # a contender of the method came later
    measured = Judgements(store).results(list(CONTENDERS), [TASK], 1)
    assert set(measured) == {(n, TASK, 0) for n in list(CONTENDERS)[:4]}
    answered(store, asked[0])
    assert store.missing(asked) == asked[1:]
    store.forget(asked)
    assert store.missing(asked) == asked


def test_what_is_measured_is_kept_until_answer_or_judging_change(store, monkeypatch):
    job = Job("ours", TASK, 0)
    answered(store, job)
    told = []
    found = Judgements(store).results([BASELINE, OURS], [TASK, OTHER], 1, lambda: told.append(1))
    assert set(found) == {(BASELINE, TASK, 0), (OURS, TASK, 0)}
    assert len(told) == Judgements.count([BASELINE, OURS], [TASK, OTHER], 1) == 2
    with monkeypatch.context() as patch:
        patch.setattr(judgements, "measure", lambda *asked: pytest.fail("it is measured again"))
        store.answer(job).touch()  # the same answer, copied
        assert Judgements(store).results([BASELINE, OURS], [TASK, OTHER], 1) == found
        for name, value in {"SPARE": 3.0, "code_fingerprint": lambda *modules: "other"}.items():
            with patch.context() as inner, pytest.raises(pytest.fail.Exception):
                inner.setattr(judgements, name, value)
                Judgements(store).of(job)
    task = Task.load(store.question(TASK, 0))
    names = [each.setting for each in CONTENDERS.values() if each.method == "ours"]
    Answer(names, np.stack([1.0 - task.y] * 5), 1.0).save(store.answer(job))
    assert Judgements(store).of(job)[OURS].error == 1.0


def test_an_answer_that_is_none_is_a_failure(store):
    job = Job("cooper_nupi", TASK, 0)
    Answer(["a"], np.full((1, 600), 1.5), 1.0).save(store.answer(job))
    assert Judgements(store).of(job) == {}
    assert store.missing([job]) == [job]
    assert "must hold probabilities" in store.failure(job).read_text()


def test_what_judging_runs_on_is_in_its_fingerprint():
    """All modules of the project that judging imports, but for those that only make the questions."""
    code = (
        "import sys; from benchmarks.suite import measuring; "
        "print(*[m for m in sys.modules if m.split('.')[0] in ('benchmarks', 'components', 'fairgate') "
        "and getattr(sys.modules[m], '__file__', '').rpartition('/')[2] != '__init__.py'])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    questions = {"benchmarks.peers.data", "benchmarks.suite.sources", "benchmarks.suite.tasks"}
    covered = {m for m in ran.stdout.split() if any(f"{m}.".startswith(f"{j}.") for j in JUDGING)}
    assert set(ran.stdout.split()) - covered == questions


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


# Tiny runs for real.


@pytest.mark.slow
def test_ours_answers_and_a_stopped_suite_goes_on(store):
    wanted = running.jobs([OURS], [TASK], [0])
    told = []
    pythons = running.interpreters(["ours"], told.append)
    running.run_all(wanted, store, pythons, 1, lambda job, problem: told.append((job, problem)))
    assert told == [(Job("ours", TASK, 0), "")]
    assert store.missing(wanted) == []
    found = Judgements(store).results(list(CONTENDERS), [TASK], 1)
    assert found["commonest", TASK, 0].useless
    assert found[BASELINE, TASK, 0].error < found["commonest", TASK, 0].error
    assert not found[OURS, TASK, 0].useless
    assert set(found) == {
        (name, TASK, 0) for name, each in CONTENDERS.items() if each.method == "ours"
    }
    assert found["baseline-by-group", TASK, 0].validation_worst <= 1e-6
    assert found[OURS, TASK, 0].seconds > found[BASELINE, TASK, 0].seconds
    assert "| FairGate |" in page.page(found, [TASK], list(CONTENDERS), 1)


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
