"""What a user may do who is not root, also where root runs the tests."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator

import pytest

# linux/capability.h: CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER.
_OF_ROOT = 1 << 1 | 1 << 2 | 1 << 3
_VERSION_3 = 0x20080522


@contextlib.contextmanager
def of_anybody() -> Iterator[None]:
    """Permissions of files and folders hold inside, in this thread."""
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; the same of higher numbers
    if libc.capget(header, sets):
        pytest.skip("capabilities cannot be read here")
    effective = sets[0]
    sets[0] = effective & ~_OF_ROOT
    if libc.capset(header, sets):
        pytest.skip("capabilities cannot be given up here")
    try:
        yield
    finally:
        sets[0] = effective
        libc.capset(header, sets)


@contextlib.contextmanager
def mode(path: str | os.PathLike[str], bits: int) -> Iterator[None]:
    """`path` has these permissions inside, which hold for everybody."""
    before = os.stat(path).st_mode
    os.chmod(path, bits)
    try:
        with of_anybody():
            yield
    finally:
        os.chmod(path, before)
