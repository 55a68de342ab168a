"""The ledger on a file system that only TensorFlow knows, as an object store is."""

import pytest
import tensorflow as tf

from components.evaluator.files import FILES
from fairgate.errors import DataError
from fairgate.gate import ledger
from fairgate.gate.attempts import AttemptsUsedUp
from tests.fairgate.gate.test_ledger import TEST, admit, entries, split


@pytest.fixture(params=["local", "ram"])
def root(request, tmp_path):
    return str(tmp_path / "ledger") if request.param == "local" else f"ram://{tmp_path}/ledger"


def test_an_attempt_is_written_down_and_found_again(root):
    first = admit(root, "a", attempts=5, files=FILES)
    assert (first.number, first.of, first.confidence) == (1, 5, 0.99)
    [entry] = entries(root, files=FILES)
    assert entry.question.model == "a" and entry.delta == 0.01
    assert admit(root, "a", attempts=5, files=FILES) == first
    assert admit(root, "b", attempts=5, files=FILES).number == 2
    assert [entry.number for entry in entries(root, files=FILES)] == [1, 2]


def test_a_refused_model_leaves_nothing_behind(root):
    admit(root, "a", files=FILES)
    before = sorted(tf.io.gfile.glob(f"{root}/*/*"))
    with pytest.raises(AttemptsUsedUp):
        admit(root, "b", files=FILES)
    assert sorted(tf.io.gfile.glob(f"{root}/*/*")) == before


def test_who_loses_a_race_is_told(root):
    file = f"{root}/journal/event-000001.json"
    FILES.create(file, "first")
    with pytest.raises(FileExistsError):
        FILES.create(file, "second")
    assert FILES.read(file) == "first"
    with pytest.raises(DataError, match=r"event-000001\.json: not an entry"):
        ledger.read(root, split(TEST), FILES)
