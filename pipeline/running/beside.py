"""A second pair of hands: a copy of this process that carries out one node while this one goes on.

It is forked once TFX is loaded and before TensorFlow has begun, whose threads no copy would have, and
waits until it is told what to do. It writes what the node writes, and all that it says is that this is
done. It is killed with this process, however that ends, and leaves what a killed run leaves. Where it
fails, this process does the work, and tells what goes wrong.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pathlib
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator

import psutil
from absl import logging
from tensorflow.python.eager import context

from components import progress

# More than twice what a copy has of its own while it works.
_FREE_GB = 2.0
_ENDS_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)
# Where control groups of version 2 and 1 lie in a container: limit, use, and the part that is of files.
_CONTROL = pathlib.Path("/sys/fs/cgroup")
_LIMITS = (
    ("", "memory.max", "memory.current", "inactive_file"),
    ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
_GPU = pathlib.Path("/proc/driver/nvidia/version")

Work = Callable[[bytes], None]


class Hands:
    """The copy, which is given work once.

    Args:
      work: what it does with what it is given.
    """

    def __init__(self, work: Work) -> None:
        given, self._give = os.pipe()
        parent = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        self._process: int | None = os.fork()
        if not self._process:
            _wait_and_work(given, self._give, parent, work)
        os.close(given)
        self._began: float | None = None

    @property
    def are_busy(self) -> bool:
        """Whether they were given something that nobody has waited for yet."""
        return self._began is not None and self._process is not None

    @property
    def busy_for(self) -> float:
        """Seconds since they began."""
        return 0.0 if self._began is None else time.monotonic() - self._began

    def begin(self, given: bytes) -> None:
        """Lets them work on `given`; one that was killed meanwhile will not have done it."""
        self._began = time.monotonic()
        with contextlib.suppress(BrokenPipeError), open(self._give, "wb", closefd=False) as stream:
            stream.write(len(given).to_bytes(8, "little") + given)

    def finish(self) -> bool:
        """Waits for them; whether the work is done."""
        assert self._process is not None
        _, status = os.waitpid(self._process, 0)
        self._process = None
        if status:
            logging.warning("what ran beside has failed (status %d), and is done again", status)
        return not status

    def end(self) -> None:
        """Kills them, whatever they are at."""
        if self._process is not None:
            os.kill(self._process, signal.SIGKILL)
            os.waitpid(self._process, 0)
            self._process = None
        os.close(self._give)


@contextlib.contextmanager
def hands(wanted: bool, work: Work) -> Iterator[Hands | None]:
    """Hands for `work`, until this is left; None where they are not `wanted`, or there is no room.

    Room is a second core, 2 GB of free memory (in a container, of what it may take), and no GPU, which
    TensorFlow takes whole. Where TensorFlow has begun in this process, it cannot be copied any more.
    """
    if not wanted or not _has_room() or context.context()._initialized:
        yield None
        return
    made = Hands(work)
    try:
        yield made
    finally:
        made.end()


def _has_room() -> bool:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    return cores > 1 and _free() / 1e9 >= _FREE_GB and not _GPU.exists()


def _free() -> int:
    """Bytes of memory that this machine has free, or a container may still take: else both are killed."""
    free = int(psutil.virtual_memory().available)
    for folder, limit, used, cache in _LIMITS:
        with contextlib.suppress(OSError, ValueError, KeyError):  # of the other version, or "max"
            read = {name: (_CONTROL / folder / name).read_text() for name in (limit, used)}
            lines = (_CONTROL / folder / "memory.stat").read_text().splitlines()
            stat = dict(line.split() for line in lines)
            # What is kept of files is given back when it is asked for.
            free = min(free, int(read[limit]) - int(read[used]) + int(stat[cache]))
    return free


def _wait_and_work(given: int, give: int, parent: int, work: Work) -> None:
    """All that the copy does; never returns."""
    status = 1
    try:
        os.close(give)
        ctypes.CDLL(None).prctl(_ENDS_WITH_PARENT, signal.SIGKILL)
        for each in (signal.SIGINT, signal.SIGHUP):  # which reach all processes of a terminal
            signal.signal(each, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        progress.forget_listeners()
        if os.getppid() == parent:  # else it was gone before its end was listened to
            with open(given, "rb", closefd=False) as stream:
                size = int.from_bytes(stream.read(8), "little")
                task = stream.read(size)
            if size and len(task) == size:
                work(task)
                status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:  # where the log has no room, either: the copy would go on as this process
            os._exit(status)
