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


@contextlib.contextmanager
def watching() -> Iterator[Callable[[], bool]]:
    """Yields a function that says whether SIGTERM arrived since.

    Python delivers signals to the main thread only; elsewhere the answer is always no.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before = signal.signal(signal.SIGTERM, lambda *_: asked.set())
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGTERM, before)
