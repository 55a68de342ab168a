"""Memory that a step has done with, given back before the next one starts."""

from __future__ import annotations

import contextlib
import ctypes
import gc


def release() -> None:
    """Drops what only cycles hold, and gives free memory back to the system.

    Keras models and Beam's steps are cycles, and glibc keeps what is freed for later: the next step would
    have its own memory beside that of the last.
    """
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # a C library without it
        ctypes.CDLL(None).malloc_trim(0)
