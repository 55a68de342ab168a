"""What is free is given back to the system."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

# Alone in a process: one that has much free memory of its own need not ask the system for any.
SCRIPT = """
import psutil
from pipeline.running import memory

def cycles():
    parts = [[bytes(500)] for _ in range(200_000)]
    for part in parts:
        part.append(part)
    return psutil.Process().memory_info().rss

most = cycles()
memory.release()
print(most - psutil.Process().memory_info().rss)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have other ways")
def test_memory_that_only_cycles_hold_is_given_back():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) > 80e6
