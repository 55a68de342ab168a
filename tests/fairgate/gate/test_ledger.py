"""The ledger's files: whole, exclusive, found again, and never believed when damaged."""

from __future__ import annotations

import json
import multiprocessing
import re
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from fairgate.errors import DataError
from fairgate.gate import ledger
from fairgate.gate.attempts import AttemptsUsedUp, Question
from fairgate.gate.files import LocalFiles
from fairgate.records import Records

TEST = "f" * 32


def split(digest=TEST, *records: range) -> Records:
    """A split that is called `digest`; without ranges of records, one that shares none with others."""
    drawn = np.random.default_rng(list(digest.encode())).integers(2**40, 2**63, 100)
    numbers = [n for each in records for n in each] or drawn
    return Records.of(digest, np.array(numbers, np.uint64))


def question(model, **changes) -> Question:
    return replace(Question(model, ("max_gap(FPR, [Team]) <=",), "m"), **changes)


def admit(root, model, confidence=0.95, attempts=1, test=TEST, files=ledger.LOCAL, former=None):
    records = test if isinstance(test, Records) else split(test)
    run = f"run of {model}"
    return ledger.admit(
        str(root), records, question(model), confidence, attempts, run, files, former
    )


def judged(root, model, passed=False, attempts=1, test=TEST, files=ledger.LOCAL):
    """Admitted, judged, and settled."""
    records = test if isinstance(test, Records) else split(test)
    attempt = admit(root, model, 0.95, attempts, records, files)
    return ledger.settle(str(root), records, attempt, passed, f"run of {model}", files)


def entries(root, test=TEST, files=ledger.LOCAL):
    return ledger.read(str(root), split(test), files).entries


@pytest.fixture
def root(tmp_path):
    return tmp_path / "ledger"


def test_an_attempt_is_written_down_and_found_again(root):
    first = admit(root, "a", attempts=5)
    assert (first.number, first.of, first.confidence, first.delta_total) == (1, 5, 0.99, 0.05)
    assert first.test_digest == TEST
    [entry] = entries(root)
    assert entry.question.split == TEST
    assert entry.question.model == "a" and entry.run == "run of a" and entry.delta == 0.01
    assert admit(root, "a", attempts=5) == first and len(entries(root)) == 1
    assert admit(root, "b", attempts=5).number == 2
    assert [entry.number for entry in entries(root)] == [1, 2]


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
    found = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())
    assert found[:2] == ["journal/event-000001.json", f"records/{TEST}.json"]
    assert [re.fullmatch("seals/000001-[0-9a-f]{32}", name) is not None for name in found[2:]] == [
        True
    ]


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
    found = entries(tmp_path)
    assert {entry.question.model for entry in found} == set("abc")
    assert sum(entry.delta for entry in found) == pytest.approx(0.05 * 3 / 4)


class Overtaken(LocalFiles):
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


EVENT = Path("journal", "event-000001.json")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", "null", '{"event": "end"}', '{"event": "attempt", "question": 3}']
)
def test_a_damaged_entry_is_named_and_nothing_is_judged(tmp_path, text):
    admit(tmp_path, "a", attempts=9)
    (tmp_path / EVENT).write_text(text)
    with pytest.raises(DataError, match=r"event-000001\.json: not an entry") as error:
        admit(tmp_path, "a", attempts=9)
    assert "data.splits.test" in str(error.value)


def test_an_entry_that_was_changed_is_not_believed(tmp_path):
    admit(tmp_path, "a", attempts=9)
    file = tmp_path / EVENT
    for change in ({"delta": -0.3}, {"delta": float("nan")}, {"event": "nothing"}):
        file.write_text(json.dumps(json.loads(file.read_text()) | change))
        with pytest.raises(DataError, match="not an entry"):
            entries(tmp_path)


def test_a_missing_entry_is_named(tmp_path):
    admit(tmp_path, "a", attempts=9)
    admit(tmp_path, "b", attempts=9)
    (tmp_path / EVENT).unlink()
    with pytest.raises(DataError, match=r"event-000001\.json: missing"):
        admit(tmp_path, "c", attempts=9)


@pytest.mark.parametrize("text", [None, "", "{}", '{"digest": "f", "hashes": "?"}'])
def test_missing_or_damaged_records_are_named(tmp_path, text):
    admit(tmp_path, "a", attempts=9)
    file = tmp_path / "records" / f"{TEST}.json"
    file.unlink() if text is None else file.write_text(text)
    with pytest.raises(DataError, match=f"{TEST}.json: "):
        admit(tmp_path, "b", attempts=9, test="0" * 32)


# Which records are the same test data.


@pytest.mark.parametrize("records", [range(1001), range(999), range(1, 1001), range(500, 1500)])
def test_a_split_that_shares_records_is_the_same_test_data(tmp_path, records):
    admit(tmp_path, "a", test=split("1000", range(1000)))
    with pytest.raises(AttemptsUsedUp, match="or on data that has records in common"):
        admit(tmp_path, "b", test=split("other", records))
    with pytest.raises(AttemptsUsedUp):  # the same model, on other records, is another attempt
        admit(tmp_path, "a", test=split("other", records))


def test_a_hundredth_of_the_smaller_split_may_be_shared(tmp_path):
    admit(tmp_path, "a", test=split("1000", range(1000)))
    assert admit(tmp_path, "b", test=split("few", range(990, 5000))).number == 1
    with pytest.raises(AttemptsUsedUp):
        admit(tmp_path, "c", test=split("more", range(989, 1989)))
    assert admit(tmp_path, "d", test=split("none", range(9000, 9100))).number == 1


def test_a_split_that_grows_is_a_look_with_its_part_of_delta(tmp_path):
    sizes = (1000, 1500, 2500)
    for number, size in enumerate(sizes, start=1):
        found = judged(tmp_path, "a", attempts=4, test=split(str(size), range(size)))
        assert (found.number, found.of) == (number, 4) and found.sealed
        assert found.confidence == pytest.approx(1 - 0.05 / 4)
    again = judged(tmp_path, "a", attempts=4, test=split("1500", range(1500)))
    assert again.number == 2  # known: it costs nothing
    assert not judged(tmp_path, "a", attempts=4, test=split("all", range(9999))).sealed


def test_an_attempt_on_two_splits_together_counts_on_both(tmp_path):
    admit(tmp_path, "a", attempts=3, test=split("left", range(100)))
    admit(tmp_path, "b", attempts=3, test=split("right", range(100, 200)))
    assert admit(tmp_path, "c", attempts=3, test=split("both", range(200))).number == 3
    assert admit(tmp_path, "d", attempts=3, test=split("left", range(100))).number == 3


# Sealed until the series ends.


def test_attempts_are_sealed_until_the_last_is_blocked(tmp_path):
    first, second = (judged(tmp_path, model, attempts=3) for model in "ab")
    assert first.sealed and second.sealed
    assert not ledger.is_open(str(tmp_path), first)
    last = judged(tmp_path, "c", attempts=3)
    assert (last.number, last.sealed) == (3, False)
    assert ledger.read(str(tmp_path), split()).end.why == "used up"
    assert ledger.is_open(str(tmp_path), first)
    assert not judged(tmp_path, "a", attempts=3).sealed
    with pytest.raises(AttemptsUsedUp, match="last attempt of run run of c ended the series"):
        judged(tmp_path, "d", attempts=9)


def test_a_pass_ends_the_series_although_attempts_are_left(tmp_path):
    assert judged(tmp_path, "a", attempts=5).sealed
    assert not judged(tmp_path, "b", passed=True, attempts=5).sealed
    with pytest.raises(AttemptsUsedUp, match="The model of run run of b passed"):
        judged(tmp_path, "c", attempts=5)
    assert not judged(tmp_path, "a", attempts=5).sealed


def test_an_end_on_a_grown_split_ends_the_series_on_the_smaller_one(tmp_path):
    small, large = split("small", range(100)), split("large", range(200))
    assert judged(tmp_path, "a", attempts=5, test=small).sealed
    judged(tmp_path, "b", passed=True, attempts=5, test=large)
    with pytest.raises(AttemptsUsedUp):
        admit(tmp_path, "c", attempts=5, test=small)


def test_one_attempt_is_never_sealed(tmp_path):
    assert not judged(tmp_path, "a").sealed


def test_who_allows_fewer_attempts_later_sees_and_ends_the_series(tmp_path):
    assert judged(tmp_path, "a", attempts=3).sealed
    assert not judged(tmp_path, "a", attempts=1).sealed
    with pytest.raises(AttemptsUsedUp):
        admit(tmp_path, "b", attempts=3)


def test_unsealing_ends_the_series(tmp_path):
    sealed = judged(tmp_path, "a", attempts=3)
    end = ledger.unseal(str(tmp_path), TEST, "curious")
    assert (end.why, end.run) == ("unsealed", "curious")
    assert ledger.unseal(str(tmp_path), TEST, "again") == end
    assert ledger.is_open(str(tmp_path), sealed)
    assert not judged(tmp_path, "a", attempts=3).sealed
    with pytest.raises(AttemptsUsedUp, match="ended to see the figures"):
        admit(tmp_path, "b", attempts=3)
    with pytest.raises(DataError, match="nothing was judged"):
        ledger.unseal(str(tmp_path), "e" * 32, "nobody")


# What earlier versions wrote.


def earlier(root, model, number=1, test=TEST, **changes) -> Question:
    """An entry of the version 0.1."""
    asked = asdict(question(model))
    del asked["split"]
    entry = {"number": number, "question": asked, "delta": 0.01, "run": f"run of {model}"}
    entry |= {"when": "2026-11-01T00:00:00+00:00", **changes}
    folder = root / test
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"attempt-{number:04d}.json").write_text(json.dumps(entry))
    return question(model, split=test)


def test_entries_of_earlier_versions_are_taken_over_once_and_their_series_have_ended(tmp_path):
    earlier(tmp_path, "a")
    earlier(tmp_path, "b", 2)
    earlier(tmp_path, "c", test="0" * 32)
    for _ in range(2):
        again = judged(tmp_path, "a", attempts=5)
        assert (again.number, again.sealed) == (1, False)
        assert len(entries(tmp_path)) == 2
    with pytest.raises(AttemptsUsedUp, match="by a version of FairGate that sealed nothing"):
        admit(tmp_path, "d", attempts=5)
    # Its records are known now that it was asked again.
    with pytest.raises(AttemptsUsedUp):
        admit(tmp_path, "d", attempts=5, test=Records.of("grown", split().hashes[1:]))
    assert admit(tmp_path, "d", attempts=5, test="1" * 32).number == 1


def test_ledgers_of_single_pipelines_are_taken_over(tmp_path):
    earlier(tmp_path / "old", "a")
    ledger.adopt(str(tmp_path / "new"), str(tmp_path / "old"))
    assert [entry.run for entry in entries(tmp_path / "new")] == ["run of a"]


def test_a_question_as_earlier_versions_wrote_it_is_known(tmp_path):
    earlier(tmp_path, "a")
    named = question("a", constraints=("max_gap(FPR, [team]) <=",))
    records = split()
    asked = (named, 0.95, 1, "run", ledger.LOCAL)
    with pytest.raises(AttemptsUsedUp):
        ledger.admit(str(tmp_path), records, *asked)
    assert ledger.admit(str(tmp_path), records, *asked, former=question("a")).number == 1


@pytest.mark.parametrize("changes", [{"delta": -0.3}, {"number": 2}, {"question": 3}])
def test_a_damaged_entry_of_an_earlier_version_is_named(tmp_path, changes):
    earlier(tmp_path, "a", **({"number": 1} | changes) if "number" not in changes else {})
    if "number" in changes:
        file = tmp_path / TEST / "attempt-0001.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    with pytest.raises(DataError, match=r"attempt-0001\.json: not an entry"):
        admit(tmp_path, "a", attempts=9)
