"""Where long work says how far it is.

A component calls `report`; whoever shows progress to a person registers a listener. Without one, the
reports go to the log, which is where a cluster's users look. What a part of a step took goes the same
way.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from absl import logging

# (done, total, message): total is 0 when it is not known.
Listener = Callable[[int, int, str], None]

# (part of the step, seconds).
Timer = Callable[[str, float], None]

_listeners: list[Listener] = []
_timers: list[Timer] = []


def report(done: int, total: int, message: str) -> None:
    """Says that `done` of `total` units of the current step are finished."""
    if not _listeners:
        logging.info("%d/%d %s", done, total, message)
    for listener in _listeners:
        listener(done, total, message)


def took(part: str, seconds: float) -> None:
    """Says how long `part` of the current step took, such as "compiling"."""
    if not _timers:
        logging.info("%s took %.1f s", part, seconds)
    for timer in _timers:
        timer(part, seconds)


@contextlib.contextmanager
def listening(listener: Listener, timer: Timer | None = None) -> Iterator[None]:
    """Sends reports to `listener`, and times to `timer`, for the duration of the context."""
    timers = [] if timer is None else [timer]
    _listeners.append(listener)
    _timers.extend(timers)
    try:
        yield
    finally:
        _listeners.remove(listener)
        for each in timers:
            _timers.remove(each)


def forget_listeners() -> None:
    """Nobody listens any more: in the copy of a process, where those who do are in the other one."""
    _listeners.clear()
    _timers.clear()
