"""Waiting for a job: until it ends, fails, or this process is asked to stop."""

from __future__ import annotations

import time
from collections.abc import Callable

from absl import logging

from components.constrained_trainer.running import interruption

POLL_SECONDS = 10.0
# A network that is away for longer than this many questions in a row is not coming back.
_UNANSWERED = 30


def wait(
    has_ended: Callable[[], bool],
    cancel: Callable[[], None],
    transient: tuple[type[Exception], ...],
) -> None:
    """Asks `has_ended` until it says yes; calls `cancel` when this process is to stop.

    Args:
      has_ended: whether the job is done; raises RuntimeError when it failed.
      cancel: ends the job.
      transient: what `has_ended` raises when nobody answered.

    Raises:
      RuntimeError: the job failed.
      interruption.Stopped: SIGTERM arrived; the job has been cancelled.
    """
    unanswered = 0
    with interruption.watching() as is_asked_to_stop:
        try:
            while True:
                try:
                    if has_ended():
                        return
                    unanswered = 0
                except transient as error:
                    unanswered += 1
                    if unanswered == _UNANSWERED:
                        raise
                    logging.warning("no answer about the job (%s); asking again", error)
                if is_asked_to_stop():
                    raise interruption.Stopped(0)
                time.sleep(POLL_SECONDS)
        except (interruption.Stopped, KeyboardInterrupt):
            logging.warning("asked to stop: cancelling the job")
            cancel()
            raise
