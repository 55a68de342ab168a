"""Being asked to stop: preemption of a cloud machine, a cluster's eviction, `kill`."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator


class Stopped(SystemExit):
    """SIGTERM arrived, and the training has written its last checkpoint. Exit status 143."""

    def __init__(self, step: int):
        super().__init__(128 + signal.SIGTERM)
        self.step = step


# Set once SIGTERM has arrived, while anybody watches for it.
_asked: threading.Event | None = None


@contextlib.contextmanager
def watching() -> Iterator[Callable[[], bool]]:
    """Yields a function that says whether SIGTERM arrived since; inside of another one, since that began.

    Python delivers signals to the main thread only; elsewhere the answer is always no.
    """
    global _asked
    if _asked is not None or threading.current_thread() is not threading.main_thread():
        yield (_asked or threading.Event()).is_set
        return
    asked = _asked = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: asked.set())
    try:
        yield asked.is_set
    finally:
        _asked = None
        signal.signal(signal.SIGTERM, before)
