"""Runs of the pipeline from a notebook: by the command that anyone would type."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from fairgate.gate import words
from fairgate.gate.judgement import CONSTRAINED
from fairgate.report import sections
from pipeline.inspect.run import REPOSITORY, Run, open_run
from pipeline.inspect.shown import Charts, Table
from pipeline.runs import SETTINGS_FILE

_KEPT = 40  # lines of the output that are told of a failure
_BLOCKED = 3


def run_pipeline(
    assignments: Sequence[str] = (), settings: Sequence[str | os.PathLike[str]] = ()
) -> Run:
    """Runs the pipeline, and opens the run.

    Args:
      assignments: as after --set.
      settings: files, as after --settings.

    Raises:
      RuntimeError: it failed; with the end of what it printed.
    """
    printed = _command("run", assignments, settings)
    found = re.search(r"Verdict:\s*(.*?)/verdict\.json", printed.replace("\n", ""))
    assert found is not None, printed
    return open_run(str(REPOSITORY / found[1].strip()))


def run_again(run: Run, *changes: str) -> Run:
    """The pipeline with a run's settings, but for these; opens the new run.

    Args:
      run: with a folder.
      changes: as after --set.

    Raises:
      RuntimeError: it failed; with the end of what it printed.
    """
    assert run.folder is not None, "a cluster's run is run again on the cluster"
    return run_pipeline(changes, [run.folder / SETTINGS_FILE])


def draw_frontier(run: Run, limits: str) -> Charts:
    """The frontier of a run's constraints; draws one at these limits where there is none yet.

    Args:
      run: with a folder, beside which the frontier goes.
      limits: as after --limits.

    Raises:
      RuntimeError: it failed; with the end of what it printed.
    """
    if run.data.frontier is None and run.folder is not None:
        _command("frontier", [], [run.folder / SETTINGS_FILE], "--limits", limits)
        run = open_run(str(run.folder))
    return run.frontier()


def compare(before: Run, after: Run) -> Table:
    """Two runs side by side: what they were trained under, and what came out."""
    rows: list[tuple[str, Any, Any]] = [
        ("trained under", *("; ".join(r.settings.trainer.constraints) for r in (before, after))),
    ]
    if any(words.is_sealed(r.verdict) for r in (before, after)):
        rows.append(("figures are of", *(f"the {r.data.split} split" for r in (before, after))))
    for name, *of in zip(_names(before), _outcomes(before), _outcomes(after), strict=True):
        rows.append((name, *of))
    return Table(rows, columns=["", "before", "after"])


def _names(run: Run) -> list[str]:
    gate = [row["expression"] for row in sections.gate(run.data.measured)]
    return ["verdict", "accuracy"] + [
        f"{e}: {what}" for e in gate for what in ("value", "bound", "limit")
    ]


def _outcomes(run: Run) -> list[str]:
    gate = sections.gate(run.data.measured)
    numbers = [
        text
        for row in gate
        for text in (words.number(row["value"]), words.number(row["bound"]), row["limit"])
    ]
    accuracy = words.number(run.data.measured["models"][CONSTRAINED]["accuracy"])
    return [words.outcome(run.verdict).lower(), accuracy, *numbers]


def _command(
    command: str,
    assignments: Sequence[str],
    settings: Sequence[str | os.PathLike[str]],
    *more: str,
) -> str:
    """Runs `python -m pipeline` in the repository; returns what it printed."""
    arguments = [part for file in settings for part in ("--settings", str(file))]
    arguments += [part for assignment in assignments for part in ("--set", assignment)]
    arguments = [command, *arguments, *more]
    print("python -m pipeline", shlex.join(arguments))
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode not in (0, _BLOCKED):
        last = "\n".join(done.stdout.splitlines()[-_KEPT:])
        raise RuntimeError(f"python -m pipeline {command} ended with {done.returncode}:\n{last}")
    return done.stdout
