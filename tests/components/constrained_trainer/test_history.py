"""What is told of a training while it runs."""

from __future__ import annotations

import json

from components import progress
from components.constrained_trainer.history import HISTORY_FILE, History
from components.constrained_trainer.training import train
from tests.components.constrained_trainer.running.test_loop import CONFIG, TRAINING, VALIDATION


def test_how_long_compiling_took_is_told_once_there_was_a_second_call(tmp_path):
    lines, times = [], []
    history = History(str(tmp_path), CONFIG)
    with progress.listening(
        lambda done, total, line: lines.append((done, line)), lambda *time: times.append(time)
    ):
        result = train(TRAINING, VALIDATION, CONFIG, history)
    history.write(result, str(tmp_path))
    (first, begun), *others = lines
    assert first < CONFIG.steps == others[-1][0]
    # Of the first call only what does not depend on compiling.
    assert begun.startswith("loss ") and "left" not in begun and "compiled" not in begun
    [(part, seconds)] = times
    assert part == "compiling" and seconds > 0
    assert all(f"compiled in {seconds:.1f} s" in line and "steps/s" in line for _, line in others)
    assert json.loads((tmp_path / HISTORY_FILE).read_text())["compile_seconds"] == seconds
