"""How the command line was called, for sentences that name a command."""

from __future__ import annotations

import os


def called() -> str:
    """What is typed before a command: `fairgate`, `./fairgate` or `python -m pipeline`."""
    return os.environ.get("FAIRGATE_COMMAND") or "python -m pipeline"
