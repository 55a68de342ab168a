"""`python -m benchmarks.training.card`, whose parts are forks of one process that has TensorFlow loaded.

On a card each part is a process of its own from the start, which loads TensorFlow again.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import tempfile
import traceback
from collections.abc import Sequence
from typing import Any

# What takes long to load, and starts nothing.
import benchmarks.training.ours  # noqa: F401
import components.constrained_trainer.training  # noqa: F401
from benchmarks.training import card


def answers(arguments: Sequence[str], seconds: float) -> tuple[list[dict[str, Any]], str]:
    """What `card` asks a process, asked of a fork."""
    with tempfile.TemporaryFile("w+") as out:
        child = os.fork()
        if child == 0:
            os.dup2(out.fileno(), 1)
            os._exit(become(*arguments))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        out.seek(0)
        found = [json.loads(line) for line in out if line.startswith("{")]
    return found, f"it failed with exit status {status}" if status else ""


def become(dash_m: str, module: str, *arguments: str) -> int:
    """Does what a process started with these arguments would do."""
    assert dash_m == "-m"
    sys.argv = [module, *arguments]
    sys.modules.pop(module, None)  # it is run, not found loaded
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    card._answers = answers
    card.main()
