"""A library's side of the conversation with `benchmarks.peers.process`: NumPy only, Python 3.8.

Reads lines of JSON, each a list of paths, until its input ends, and writes a line for each: null, or
what went wrong.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from benchmarks.peers.tasks import Answer, Task


def serve(answer: Callable[..., None]) -> None:
    """Calls `answer` with the paths of each line; what it raises is told, and ends nothing."""
    # Libraries print: what is meant for the asker has a descriptor of its own.
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        problem = None
        try:
            answer(*json.loads(line))
        except Exception as error:  # whatever it is, the asker decides
            traceback.print_exc()
            problem = f"{type(error).__name__}: {error}"
        print(json.dumps(problem), file=replies, flush=True)


def serve_tasks(main: Callable[[Task], Answer]) -> None:
    """Answers tasks: each line has the path of a task and that of its answer."""

    def answer(question: str, reply: str) -> None:
        found = main(Task.load(Path(question)))
        unfinished = Path(reply).with_name(f"unfinished-{os.getpid()}.npz")
        found.save(unfinished)
        unfinished.replace(reply)

    serve(answer)
