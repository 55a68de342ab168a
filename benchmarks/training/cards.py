"""The GPUs of this machine, found without loading TensorFlow, which would take their memory."""

from __future__ import annotations

import functools
import subprocess


@functools.cache
def cards() -> tuple[str, ...]:
    """Their names, such as NVIDIA H200; () where there is none."""
    query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(line.strip() for line in done.stdout.splitlines() if line.strip())
