"""Where long work says how far it is.

A component calls `report`; whoever shows progress to a person registers a listener. Without one, the
reports go to the log, which is where a cluster's users look.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from absl import logging

# (done, total, message): total is 0 when it is not known.
Listener = Callable[[int, int, str], None]

_listeners: list[Listener] = []


def report(done: int, total: int, message: str) -> None:
    """Says that `done` of `total` units of the current step are finished."""
    if not _listeners:
        logging.info("%d/%d %s", done, total, message)
    for listener in _listeners:
        listener(done, total, message)


@contextlib.contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Sends reports to `listener` for the duration of the context."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
