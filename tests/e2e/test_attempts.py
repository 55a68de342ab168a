"""One test split, one promise: what happens when a second model wants to be judged on it."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

ONE = ("gate.attempts=1", "gate.confidence=0.95", "trainer.steps=60", "trainer.snapshots=2")


def test_a_changed_model_is_refused_until_the_settings_say_how_delta_is_shared(place, tmp_path):
    own = place.copy(tmp_path / "attempts")
    first = own.run(*ONE)
    assert first.status in (0, 3), first.output
    assert first.verdict["attempt"]["number"] == 1
    served, before = own.served(), own.executions()

    # The same again: from the cache, the same verdict.
    again = own.run(*ONE)
    assert again.status == first.status and own.worked(before) == set()
    assert again.verdict | {"run_id": None} == first.verdict | {"run_id": None}

    refused = own.run(*ONE, "trainer.seed=5")
    assert refused.status == 1 and own.served() == served
    assert not (refused.folder / "verdict.json").exists()
    # Before training in one line, and by the gate with what is known.
    early = refused.words.index("1 model was judged on this test split already")
    assert early < refused.words.index("ConstrainedTrainer.baseline")
    for part in (
        "FAILED: the gate did not look at this model",
        f"attempt 1, run {first.folder.name}",
        "gate.attempts=2 with gate.confidence=0.9",
        "Nothing was pushed.",
    ):
        assert part in refused.words, refused.output

    # The way out that it names, taken: the trained model is there, and judged at what is left.
    before = own.executions()
    second = own.run(*ONE, "trainer.seed=5", "gate.attempts=2", "gate.confidence=0.9")
    assert second.status in (0, 3), second.output
    assert own.worked(before) <= {"Evaluator", "Report", "Pusher"}
    attempt = second.verdict["attempt"]
    assert (attempt["number"], attempt["of"]) == (2, 2)
    assert attempt["confidence"] == pytest.approx(0.95)
    assert second.verdict["gate"][0]["confidence"] == attempt["confidence"]
