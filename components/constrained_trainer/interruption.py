"""Being asked to stop: preemption of a cloud machine, a cluster's eviction, `kill`."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
_arrived: list[int] = []
"""Of the training that goes on: a process has one, as it has one handler of each signal."""


class Stopped(SystemExit):
    """A signal arrived, and the training has written its last checkpoint. Exit status 143, or 129."""

    def __init__(self, step: int):
        super().__init__(128 + _arrived[-1] if _arrived else 128 + signal.SIGTERM)
        self.step = step


# Set once one of them has arrived, while anybody watches for it.
_asked: threading.Event | None = None


@contextlib.contextmanager
def watching() -> Iterator[Callable[[], bool]]:
    """Yields a function that says whether SIGTERM or SIGHUP arrived since.

    Inside of another one, since that began. A signal that is ignored (`nohup`) stays so. Python delivers
    signals to the main thread only; elsewhere the answer is always no.
    """
    global _asked
    if _asked is not None or threading.current_thread() is not threading.main_thread():
        yield (_asked or threading.Event()).is_set
        return
    asked = _asked = threading.Event()
    _arrived.clear()

    def ask(number: int, frame: object) -> None:
        _arrived.append(number)
        asked.set()

    signals = [each for each in _SIGNALS if signal.getsignal(each) is not signal.SIG_IGN]
    before = {each: signal.signal(each, ask) for each in signals}
    try:
        yield asked.is_set
    finally:
        _asked = None
        for each, handler in before.items():
            signal.signal(each, handler)
