"""The ledger's files: whole, exclusive, found again, and never believed when damaged."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import pytest

from fairgate.errors import DataError
from fairgate.gate import ledger
from fairgate.gate.attempts import AttemptsUsedUp, Question

TEST = "f" * 32


def admit(root, model, confidence=0.95, attempts=1, test=TEST, files=ledger.LOCAL):
    question = Question(model, ("max_gap(FPR, [Team]) <=",), "m")
    run = f"run of {model}"
    return ledger.admit(str(root), test, question, confidence, attempts, run, files)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "ledger"


def test_an_attempt_is_written_down_and_found_again(root):
    first = admit(root, "a", attempts=5)
    assert (first.number, first.of, first.confidence, first.delta_total) == (1, 5, 0.99, 0.05)
    assert first.test_digest == TEST
    [entry] = ledger.read(str(root), TEST)
    assert entry.question.model == "a" and entry.run == "run of a" and entry.delta == 0.01
    assert admit(root, "a", attempts=5) == first and len(ledger.read(str(root), TEST)) == 1
    assert admit(root, "b", attempts=5).number == 2
    assert [entry.number for entry in ledger.read(str(root), TEST)] == [1, 2]


def test_an_evaluation_that_was_interrupted_goes_on_with_its_own_attempt(root):
    # Nothing but the entry was written when it stopped.
    before = admit(root, "a")
    assert admit(root, "a") == before
    with pytest.raises(AttemptsUsedUp, match="run of a"):
        admit(root, "b")


def test_a_refused_model_leaves_nothing_behind(root):
    admit(root, "a")
    before = sorted(root.rglob("*"))
    with pytest.raises(AttemptsUsedUp):
        admit(root, "b")
    assert sorted(root.rglob("*")) == before


def test_each_test_split_has_a_ledger_of_its_own(root):
    admit(root, "a")
    assert admit(root, "b", test="0" * 32).number == 1


def test_no_partial_file_stays(tmp_path):
    admit(tmp_path, "a")
    assert [path.name for path in (tmp_path / TEST).iterdir()] == ["attempt-0001.json"]


def _race(root, model, start, results):
    start.wait()
    try:
        results.put(admit(root, model, attempts=4).number)
    except AttemptsUsedUp:
        results.put(None)


def test_processes_that_race_get_different_numbers(tmp_path):
    fork = multiprocessing.get_context("fork")
    start, results = fork.Barrier(3), fork.SimpleQueue()
    racers = [fork.Process(target=_race, args=(str(tmp_path), m, start, results)) for m in "abc"]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(timeout=60)
        assert racer.exitcode == 0
    numbers = [results.get() for _ in racers]
    assert sorted(numbers) == [1, 2, 3]
    entries = ledger.read(str(tmp_path), TEST)
    assert {entry.question.model for entry in entries} == set("abc")
    assert sum(entry.delta for entry in entries) == pytest.approx(0.05 * 3 / 4)


class Overtaken(ledger.LocalFiles):
    """The race at its narrowest: another process writes between reading and writing."""

    def __init__(self, root: Path):
        self.root, self.is_overtaken = root, False

    def create(self, file: str, text: str) -> None:
        if not self.is_overtaken:
            self.is_overtaken = True
            admit(self.root, "faster", attempts=2)
        super().create(file, text)


def test_who_comes_second_counts_what_the_first_has_spent(tmp_path):
    assert admit(tmp_path, "slower", attempts=2, files=Overtaken(tmp_path)).number == 2
    with pytest.raises(AttemptsUsedUp):
        admit(tmp_path, "third", attempts=2, files=Overtaken(tmp_path))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", "null", '{"number": 1}', '{"number": 1, "question": 3}']
)
def test_a_damaged_entry_is_named_and_nothing_is_judged(tmp_path, text):
    admit(tmp_path, "a", attempts=9)
    file = Path(tmp_path, TEST, "attempt-0001.json")
    file.write_text(text)
    with pytest.raises(DataError, match=r"attempt-0001\.json: not an entry") as error:
        admit(tmp_path, "a", attempts=9)
    assert "data.splits.test" in str(error.value)


def test_an_entry_that_was_changed_is_not_believed(tmp_path):
    admit(tmp_path, "a", attempts=9)
    file = Path(tmp_path, TEST, "attempt-0001.json")
    for change in ({"delta": -0.3}, {"delta": float("nan")}, {"number": 2}):
        file.write_text(json.dumps(json.loads(file.read_text()) | change))
        with pytest.raises(DataError, match="not an entry"):
            ledger.read(str(tmp_path), TEST)


def test_a_missing_entry_is_named(tmp_path):
    admit(tmp_path, "a", attempts=9)
    admit(tmp_path, "b", attempts=9)
    Path(tmp_path, TEST, "attempt-0001.json").unlink()
    with pytest.raises(DataError, match=r"attempt-0001\.json: missing"):
        admit(tmp_path, "c", attempts=9)
