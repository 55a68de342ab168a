"""What is free is given back to the system."""

from __future__ import annotations

import platform

import psutil
import pytest

from pipeline import memory


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have other ways")
def test_memory_that_only_cycles_hold_is_given_back():
    process = psutil.Process()

    def cycles():
        parts = [[bytes(500)] for _ in range(200_000)]
        for part in parts:
            part.append(part)
        return process.memory_info().rss

    most = cycles()
    memory.release()
    assert process.memory_info().rss < most - 80e6
