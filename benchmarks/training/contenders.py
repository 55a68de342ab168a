"""Contenders run side by side: each in a process that stays, asked in turns."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.peers.environments import ROOT, Unavailable, python_of
from benchmarks.training.cards import cards


@dataclass(frozen=True)
class Contender:
    """A module of this folder.

    Attributes:
        module: its name.
        arguments: of its command line.
        environment: of `benchmarks.peers.environments`; None: the project's own.
    """

    module: str
    arguments: tuple[object, ...]
    environment: str | None = None

    def start(self, errors) -> subprocess.Popen:
        """The process, warming up."""
        python = python_of(self.environment) if self.environment else sys.executable
        command = [python, "-m", f"benchmarks.training.{self.module}", *map(str, self.arguments)]
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )


def race(
    contenders: Mapping[str, Contender], repeats: int, seconds: float
) -> dict[str, list[dict[str, float]]]:
    """The answers of each, taken in turns; one that cannot run here is left out, with a sentence.

    On a GPU one after another, each alone: several would share its memory and its time.

    Raises:
        RuntimeError: one failed; with the end of what it said.
    """
    if cards() and len(contenders) > 1:
        alone = [race({name: each}, repeats, seconds) for name, each in contenders.items()]
        return {name: found for each in alone for name, found in each.items()}
    answers: dict[str, list[dict[str, float]]] = {}
    with contextlib.ExitStack() as stack:
        running = {}
        for name, contender in contenders.items():
            errors = stack.enter_context(tempfile.TemporaryFile("w+"))
            try:
                process = stack.enter_context(contender.start(errors))
            except Unavailable as reason:
                print(f"{name} is left out: {reason}.", flush=True)
                continue
            stack.callback(process.stdin.close)
            running[name] = process, errors
            _line(name, process, errors)  # one after another: warming up takes every core
        for _ in range(repeats):
            for name, (process, errors) in running.items():
                process.stdin.write(f"{seconds}\n")
                process.stdin.flush()
                answers.setdefault(name, []).append(json.loads(_line(name, process, errors)))
    return answers


def median(answers: Sequence[Mapping[str, float]], key: str = "steps_per_second") -> float:
    """Of one number of the answers."""
    return statistics.median(answer[key] for answer in answers)


def ratio(ones: Sequence[Mapping[str, float]], others: Sequence[Mapping[str, float]]) -> float:
    """Median over the rounds of one's speed over the other's in the same round."""
    key = "steps_per_second"
    pairs = zip(ones, others, strict=True)
    return statistics.median(one[key] / other[key] for one, other in pairs)


def _line(name: str, process: subprocess.Popen, errors) -> str:
    while line := process.stdout.readline():
        if line.startswith(("ready", "{")):
            return line
    errors.seek(0)
    raise RuntimeError(f"{name} failed: {errors.read()[-2000:]}")
