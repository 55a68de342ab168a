"""The ledger's files on an object store: written once, whoever else writes and whatever is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from components.evaluator.files import FILES
from fairgate.gate.attempts import AttemptsUsedUp
from tests.fairgate.gate.test_ledger import admit, entries

ROOT = "gs://bucket/ledgers"


def tried(file: str, text: str) -> bool:
    """Whether the file was made with `text`."""
    try:
        FILES.create(file, text)
    except FileExistsError:
        return False
    return True


@pytest.mark.parametrize("one_in", [0, 3])
def test_of_many_who_write_at_once_one_wins_and_all_know_it(store, one_in):
    store.fail(one_in)
    file, texts = f"{ROOT}/race-{one_in}/event-000001.json", [f"by {each}" for each in range(6)]
    with ThreadPoolExecutor(len(texts)) as pool:
        won = list(pool.map(lambda text: tried(file, text), texts))
    assert sum(won) == 1
    assert FILES.read(file) == texts[won.index(True)]


def test_a_writer_whose_answer_is_lost_is_not_told_that_somebody_was_faster(store):
    store.fail(1)  # every request: refused, and done with the answer lost, in turn
    file = f"{ROOT}/lost/event-000001.json"
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(FILES.create, file, "ours")
        while "ledgers/lost/event-000001.json" not in store.names("bucket"):
            assert not writing.done() or writing.result() is None
        store.fail(0)
        writing.result()
    assert FILES.read(file) == "ours"


def test_attempts_are_counted_there(store):
    store.fail(20)
    root = f"{ROOT}/counted"
    assert admit(root, "a", attempts=2, files=FILES).number == 1
    assert admit(root, "a", attempts=2, files=FILES).number == 1
    assert admit(root, "b", attempts=2, files=FILES).number == 2
    with pytest.raises(AttemptsUsedUp):
        admit(root, "c", attempts=2, files=FILES)
    assert [entry.question.model for entry in entries(root, files=FILES)] == ["a", "b"]
