"""Starts the commands of containers on this machine."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

# The working folder of the image.
REPOSITORY = Path(__file__).parents[2]


class Process:
    """A command that was started."""

    def __init__(self, commands: Commands, pid: int):
        self._commands, self.pid = commands, pid
        self._status: int | None = None

    def wait(self) -> int:
        """The exit status, negative for a signal."""
        while self.is_running():  # the server goes on serving others
            time.sleep(0.01)
        if self._status is None:
            self._status = int(self._commands.ask({"wait": self.pid}))
        return self._status

    def is_running(self) -> bool:
        """Whether it has not ended yet (one that has ended is there until it is waited for)."""
        if self._status is not None:
            return False
        stat = Path(f"/proc/{self.pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] != "Z"


class Commands:
    """A server that forks commands off a process with TFX loaded; use as a context."""

    def __enter__(self) -> Commands:
        self._one_at_a_time = threading.Lock()
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.deploy.forkserver"],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._server.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()

    def ask(self, request: Mapping[str, object]) -> str:
        """One line to the server, one line back."""
        with self._one_at_a_time:
            self._server.stdin.write(json.dumps(request) + "\n")
            self._server.stdin.flush()
            return self._server.stdout.readline()

    def start(
        self, argv: Sequence[str], log: Path, env: Mapping[str, str] | None = None
    ) -> Process:
        """Starts `python -m MODULE ...`; what it prints goes to the end of `log`."""
        pid = int(self.ask({"argv": list(argv), "env": dict(env or {}), "log": str(log)}))
        return Process(self, pid)


def free_ports(number: int) -> list[int]:
    """Ports that nobody listens at."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for free in sockets:
            free.bind(("localhost", 0))
        return [free.getsockname()[1] for free in sockets]


def run_alone(argv: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> int:
    """The same in a process of its own, from the start; returns the exit status."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with open(log, "ab") as file:
        return subprocess.run(
            argv,
            cwd=REPOSITORY,
            env=os.environ | {"PATH": path} | dict(env or {}),
            stdout=file,
            stderr=file,
            check=False,
        ).returncode
