"""No constraints: the error that a linear model reaches here, by the same program as `ours`."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.peers.methods.ours import unconstrained
from benchmarks.peers.tasks import Task

if __name__ == "__main__":
    unconstrained(Task.load(Path(sys.argv[1]))).save(Path(sys.argv[2]))
