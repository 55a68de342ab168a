"""Memory that a step has done with, given back before the next one starts."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import gc


@functools.cache  # what is loaded later is of single steps, which may drop it again
def settle() -> None:
    """Lets what is loaded by now stay: no later collection looks through TensorFlow and TFX again.

    They are some 700,000 objects, through which each collection would take half a second.
    """
    gc.collect()
    gc.freeze()


def release() -> None:
    """Drops what only cycles hold, and gives free memory back to the system.

    Keras models and Beam's steps are cycles, and glibc keeps what is freed for later: the next step would
    have its own memory beside that of the last.
    """
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # a C library without it
        ctypes.CDLL(None).malloc_trim(0)
