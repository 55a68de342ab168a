"""The time that a training says is left: as fast as it has gone, without the first call's compilation."""

from __future__ import annotations

from typing import Any

import pytest

from components import progress
from components.constrained_trainer.config import TrainingConfig
from components.constrained_trainer.history import History
from components.constrained_trainer.running.session import Moment


def said(tmp_path, moments: list[tuple[float, int]], steps: int = 1000) -> list[str]:
    """What is told at (time, step) of a training whose calls claim to be a hundred times slower."""
    times = iter(time for time, _ in moments)
    history = History(str(tmp_path), TrainingConfig(steps=steps), clock=lambda: next(times))
    told: list[Any] = []
    with progress.listening(lambda done, total, message: told.append(message)):
        for _, step in moments:
            history(Moment(step, 0.5, [], [], steps_per_second=0.2, waiting=0.0))
    return told


def test_the_first_call_says_nothing_of_what_is_left(tmp_path):
    # Ten steps, and 20 s that went into compiling them.
    [first] = said(tmp_path, [(20.0, 10)])
    assert "left" not in first and "nearly" not in first


@pytest.mark.parametrize(("time", "step", "left"), [(20.5, 20, "49 s"), (24.5, 460, "5 s")])
def test_what_is_left_is_told_by_the_speed_since_then(tmp_path, time, step, left):
    # 10 steps in 0.5 s leave 980 / 20 s; 450 steps in 4.5 s leave 540 / 100 s.
    assert said(tmp_path, [(20.0, 10), (time, step)])[-1].endswith(f"{left} left")


def test_the_end_is_near_when_it_is(tmp_path):
    assert said(tmp_path, [(20.0, 10), (30.0, 995)])[-1].endswith("nearly done")
    assert said(tmp_path, [(20.0, 100)], steps=100)[-1].endswith("nearly done")
