"""The ledger's chain: whatever is taken out, put in or changed by hand is noticed, and named."""

from __future__ import annotations

import json
import multiprocessing
import random
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairgate import vocabulary
from fairgate.errors import DataError
from fairgate.gate import ledger
from fairgate.gate.attempts import AttemptsUsedUp
from fairgate.gate.files import LocalFiles
from tests.fairgate.gate.test_ledger import TEST, admit, earlier, entries, judged, split

MODELS = "abcdef"


def series(root: Path, models: str = MODELS) -> list[Path]:
    """The events of a ledger in which so many models were judged, on two splits."""
    for number, model in enumerate(models):
        judged(root, model, attempts=9, test=TEST if number % 3 else "0" * 32)
    return sorted((root / "journal").iterdir())


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A ledger of six attempts and the end of a series."""
    root = tmp_path_factory.mktemp("whole") / "ledger"
    series(root)
    ledger.unseal(str(root), TEST, "curious")
    return root


def state(root: Path) -> dict[str, str]:
    return {str(f.relative_to(root)): f.read_text() for f in root.rglob("*") if f.is_file()}


def require_refused(root: Path, file: str) -> None:
    """All that reads or writes the ledger names the file and the ways out, and writes nothing."""
    before = state(root)
    for ask in (
        lambda: admit(root, "new", attempts=99, test="7" * 32),
        lambda: entries(root),
        lambda: ledger.unseal(str(root), TEST, "curious"),
        lambda: ledger.unheld(str(root)),
    ):
        with pytest.raises(DataError, match=file) as error:
            ask()
        assert "restore the whole folder from a copy; or begin another ledger" in str(error.value)
        assert "--set runs=FOLDER" in str(error.value) and "data.splits.test" in str(error.value)
    assert state(root) == before


def changed(value, chance: random.Random):
    """`value` with one of the words and numbers in it changed."""
    if isinstance(value, dict):
        key = chance.choice(sorted(value))
        return value | {key: changed(value[key], chance)}
    if isinstance(value, list):
        return [*value[:-1], changed(value[-1], chance)]
    if isinstance(value, float):
        return value * 0.5
    return "shown before" if value == "unsealed" else f"{value}x"


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, 6), seed=st.integers(0, 10**6))
def test_whatever_is_edited_by_hand_is_named(whole, tmp_path_factory, at, seed):
    root = tmp_path_factory.mktemp("edited") / "ledger"
    shutil.copytree(whole, root)
    file = sorted((root / "journal").iterdir())[at]
    file.write_text(json.dumps(changed(json.loads(file.read_text()), random.Random(seed))))
    require_refused(root, file.name)


@pytest.mark.parametrize("at", range(7))
def test_whatever_is_removed_is_named(whole, tmp_path, at):
    root = tmp_path / "ledger"
    shutil.copytree(whole, root)
    file = sorted((root / "journal").iterdir())[at]
    file.unlink()
    require_refused(root, rf"{file.name}: missing")


@pytest.mark.parametrize("at", range(6))
def test_what_is_removed_and_closed_up_is_named(whole, tmp_path, at):
    """Those behind it move up, as somebody would do who has read the names."""
    root = tmp_path / "ledger"
    shutil.copytree(whole, root)
    files = sorted((root / "journal").iterdir())
    for file, following in zip(files[at:], files[at + 1 :], strict=False):
        following.rename(file)
    require_refused(root, f"{files[at].name}: changed since it was written")
    shutil.rmtree(root / "seals")
    require_refused(root, f"{files[at].name}: changed since it was written")


def test_an_event_of_another_ledger_is_none_of_this_one(whole, tmp_path):
    root = tmp_path / "ledger"
    shutil.copytree(whole, root)
    [other] = series(tmp_path / "other", "z")
    shutil.copy(other, root / "journal" / "event-000008.json")
    require_refused(root, "event-000008.json: changed since it was written")


def test_the_records_of_a_split_are_held_as_well(whole, tmp_path):
    """With others in them, a split that shares all records with it would be new test data."""
    root = tmp_path / "ledger"
    shutil.copytree(whole, root)
    file = root / "records" / f"{TEST}.json"
    file.write_text(split(TEST, range(5)).to_text())
    with pytest.raises(DataError, match=f"{TEST}.json: changed since it was written"):
        admit(root, "new", attempts=99, test="7" * 32)


def test_another_layout_is_no_change(whole, tmp_path):
    root = tmp_path / "ledger"
    shutil.copytree(whole, root)
    for file in (root / "journal").iterdir():
        tree = json.loads(file.read_text())
        text = json.dumps(dict(sorted(tree.items())), indent=4).replace("\n", "\r\n")
        file.write_bytes(text.encode())
    assert len(entries(root)) == len(entries(whole)) == 4


class Stopped(LocalFiles):
    """The power fails between an event and its seal."""

    def create(self, file: str, text: str) -> None:
        if "/seals/" in file:
            raise OSError(28, "No space left on device", file)
        super().create(file, text)


def test_an_event_whose_writer_was_stopped_is_sealed_by_the_next_one(tmp_path):
    with pytest.raises(OSError):
        admit(tmp_path, "a", attempts=9, files=Stopped())
    assert not (tmp_path / "seals").exists() or not list((tmp_path / "seals").iterdir())
    assert admit(tmp_path, "a", attempts=9).number == 1  # its own attempt
    assert admit(tmp_path, "b", attempts=9).number == 2
    assert [file.name[:6] for file in sorted((tmp_path / "seals").iterdir())] == [
        "000001",
        "000002",
    ]


def _judge(root, models, start):
    start.wait()
    for model in models:
        admit(root, model, attempts=99)


def test_two_who_write_at_once_keep_the_chain_whole(tmp_path):
    fork = multiprocessing.get_context("fork")
    start = fork.Barrier(3)
    models = ["abcdefg", "hijklmn", "opqrstu"]
    racers = [fork.Process(target=_judge, args=(str(tmp_path), each, start)) for each in models]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(timeout=120)
        assert racer.exitcode == 0
    found = entries(tmp_path)
    assert sorted(each.question.model for each in found) == sorted("".join(models))
    files = sorted((tmp_path / "journal").iterdir())
    assert len(list((tmp_path / "seals").iterdir())) == len(files) == 21
    files[9].write_text(files[9].read_text().replace('"delta": 0.0', '"delta": 0.00'))
    with pytest.raises(DataError, match=files[9].name):
        entries(tmp_path)


def as_earlier_versions_wrote_it(root: Path) -> None:
    shutil.rmtree(root / "seals")
    for file in (root / "journal").iterdir():
        tree = json.loads(file.read_text())
        file.write_text(
            json.dumps({k: v for k, v in tree.items() if k not in ("digest", "records")})
        )


def test_a_ledger_without_a_chain_is_read_and_said_so_and_held_from_the_next_attempt_on(tmp_path):
    files = series(tmp_path, "abc")
    assert ledger.unheld(str(tmp_path)) is None
    as_earlier_versions_wrote_it(tmp_path)
    said = ledger.unheld(str(tmp_path))
    assert said.startswith(f"{tmp_path}: 3 of 3 entries were written by a version of FairGate")
    assert len(entries(tmp_path)) == 2
    assert admit(tmp_path, "d", attempts=9).number == 3
    assert ledger.unheld(str(tmp_path)) is None
    files[1].write_text(files[1].read_text().replace('"run of b"', '"run of nobody"'))
    with pytest.raises(DataError, match="changed since it was written"):
        entries(tmp_path)


def test_what_was_taken_over_is_held(tmp_path):
    earlier(tmp_path, "a")
    with pytest.raises(AttemptsUsedUp):
        admit(tmp_path, "b")
    [file] = (tmp_path / "journal").iterdir()
    file.write_text(file.read_text().replace('"run of a"', '"x"'))
    with pytest.raises(DataError, match=r"event-000001\.json: changed since it was written"):
        admit(tmp_path, "b")


@pytest.mark.parametrize(
    ("names", "said"),
    [(vocabulary.OPTIONS, "(--ledger FOLDER)"), (vocabulary.ARGUMENTS, "(ledger=FOLDER)")],
)
def test_the_way_out_is_told_in_the_readers_words(tmp_path, names, said):
    file = series(tmp_path, "a")[0]
    file.write_text("{")
    with vocabulary.speaking(names), pytest.raises(DataError) as error:
        entries(tmp_path)
    assert said in str(error.value) and "(line 1: Expecting property name" in str(error.value)
