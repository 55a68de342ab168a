"""Several workers on this machine, joined by TF_CONFIG as Vertex AI and Kubeflow set it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run_workers(arguments: Sequence[str], workers: int, timeout: float) -> list[str]:
    """What each worker of `python <arguments>` printed, the chief's first.

    Args:
        arguments: of the interpreter, in the project's folder.
        workers: how many; 1 runs the same without TF_CONFIG.
        timeout: seconds for all of them together; none is left running after it.

    Raises:
        RuntimeError: one failed or was too slow; with the end of what it said.
    """
    addresses = [f"localhost:{port}" for port in _free_ports(workers)]
    end = time.monotonic() + timeout
    processes, outputs = [], []
    with tempfile.TemporaryDirectory() as folder:
        try:
            for index in range(workers):
                own = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
                environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"}
                environment.pop("TF_CONFIG", None)
                if workers > 1:
                    environment["TF_CONFIG"] = json.dumps(own)
                with (
                    open(Path(folder, f"{index}.out"), "wb") as out,
                    open(Path(folder, f"{index}.err"), "wb") as err,
                ):
                    command = [sys.executable, *arguments]
                    started = subprocess.Popen(
                        command, cwd=ROOT, env=environment, stdout=out, stderr=err
                    )
                processes.append(started)
            for index, process in enumerate(processes):
                said = Path(folder, f"{index}.err")
                try:
                    failed = process.wait(max(0.1, end - time.monotonic()))
                except subprocess.TimeoutExpired:
                    raise RuntimeError(f"worker {index} took over {timeout:g} s") from None
                if failed:
                    raise RuntimeError(
                        f"worker {index} failed with exit status {failed}: "
                        f"{said.read_text()[-2000:]}"
                    )
                outputs.append(Path(folder, f"{index}.out").read_text())
        finally:
            for process in processes:
                process.kill()  # those that wait for a failed one would take no SIGTERM
                process.wait()
    return outputs


def _free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    try:
        for free in sockets:
            free.bind(("localhost", 0))
        return [free.getsockname()[1] for free in sockets]
    finally:
        for free in sockets:
            free.close()
