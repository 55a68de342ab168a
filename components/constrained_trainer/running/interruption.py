"""Being asked to stop: preemption of a cloud machine, a cluster's eviction, `kill`."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

from fairgate import signals

_watched = False
_arrived: list[int] = []
"""Of the training that goes on: a process has one, as it has one handler of each signal."""


class Stopped(signals.Ended):
    """A signal arrived, and the training has written its last checkpoint. Exit status 143, or 129."""

    def __init__(self, step: int):
        super().__init__(_arrived[-1] if _arrived else signal.SIGTERM)
        self.step = step


@contextlib.contextmanager
def watching() -> Iterator[Callable[[], bool]]:
    """Yields a function that says whether SIGTERM or SIGHUP arrived since.

    Inside of another one, since that began. A signal that is ignored (`nohup`) stays so. Python delivers
    signals to the main thread only; elsewhere the answer is always no.
    """
    global _watched
    if _watched:
        yield lambda: bool(_arrived)
        return
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    _watched = True
    _arrived.clear()

    def ask(number: int, frame: object) -> None:
        _arrived.append(number)

    heard = [each for each in signals.ASKED if signal.getsignal(each) is not signal.SIG_IGN]
    before = {each: signal.signal(each, ask) for each in heard}
    try:
        yield lambda: bool(_arrived)
    finally:
        _watched = False
        for each, handler in before.items():
            signal.signal(each, handler)
