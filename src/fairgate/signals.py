"""Being asked to end, by `kill` (SIGTERM) or by a terminal that closes (SIGHUP): as Ctrl-C does."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

ASKED = {
    number: name
    for name in ("SIGTERM", "SIGHUP")
    if (number := getattr(signal, name, None)) is not None
}
"""The signals that ask a process to end -> their names."""


class Ended(SystemExit):
    """A signal asked this process to end: exit status 128 and its number, as shells say it."""

    def __init__(self, number: int):
        super().__init__(128 + number)
        self.number = number

    @property
    def name(self) -> str:
        """The signal's."""
        return ASKED.get(self.number, str(self.number))


@contextlib.contextmanager
def raising() -> Iterator[None]:
    """`Ended` is raised where the main thread is, so that whatever is half made is cleared away.

    A second signal ends the process at once. Who has set a handler, or ignores a signal (`nohup`), keeps
    that. Python delivers signals to the main thread only; elsewhere nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> NoReturn:
        for each in ours:
            signal.signal(each, signal.SIG_DFL)
        raise Ended(number)

    ours = [number for number in ASKED if signal.getsignal(number) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)
