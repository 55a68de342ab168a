"""A library in a process of its own environment, which stays for many questions."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
from pathlib import Path

from benchmarks.peers.environments import ROOT

# The processes are the parallelism.
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"
)


class Process:
    """Asks a module that runs `benchmarks.peers.serving`; it starts with the first question.

    Args:
        python: of the environment.
        module: that is run, such as "benchmarks.suite.methods.fairlearn".
        log: where what the library writes goes; None: to where this process writes its errors.
    """

    def __init__(self, python: Path, module: str, log: Path | None = None):
        self._command = [str(python), "-W", "ignore", "-m", module]
        self._log = log
        self._process: subprocess.Popen[str] | None = None

    def ask(self, *paths: Path | str, seconds: float | None = None) -> None:
        """Returns when the question at these paths is answered.

        Raises:
            RuntimeError: with what the library said; or its process ended, or took longer than
                `seconds` and was ended. The next question starts another.
        """
        process = self._running()
        assert process.stdin and process.stdout
        timer = threading.Timer(seconds, process.kill) if seconds else None
        if timer:
            timer.start()
        try:
            process.stdin.write(json.dumps([str(Path(path).resolve()) for path in paths]) + "\n")
            process.stdin.flush()
            reply = process.stdout.readline()
        except BrokenPipeError:
            reply = ""
        finally:
            late = timer is not None and not timer.is_alive()
            if timer:
                timer.cancel()
        if not reply:
            self.close()
            raise RuntimeError(
                f"no answer in {seconds:g} seconds"
                if late
                else "its process ended without an answer"
            )
        problem = json.loads(reply)
        if problem:
            raise RuntimeError(problem)

    def close(self) -> None:
        """Ends the process, if there is one."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream:
                    stream.close()
            self._process = None

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            with contextlib.ExitStack() as stack:
                log = stack.enter_context(self._log.open("a")) if self._log else None
                self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    cwd=ROOT,
                    env={**os.environ, **_ONE_THREAD, "TF_CPP_MIN_LOG_LEVEL": "3"},
                )
        return self._process
