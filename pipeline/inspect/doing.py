"""Runs of the pipeline from a notebook: by the command that anyone would type."""

from __future__ import annotations

import os
import pathlib
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from components.features import Features
from fairgate.constraints import language
from fairgate.gate import words
from fairgate.gate.judgement import CONSTRAINED
from fairgate.report import sections
from pipeline.inspect.run import REPOSITORY, Run, open_run
from pipeline.inspect.shown import Charts, Table
from pipeline.results.runs import SETTINGS_FILE
from pipeline.settings import Settings, load

_PATH = [str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]
_KEPT = 40  # lines of the output that are told of a failure
_BLOCKED = 3
TIGHTER = "tighter"
"""The change that `changes` finds by itself."""


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
    return _run_in(REPOSITORY, assignments, settings)


def _run_in(
    folder: pathlib.Path, assignments: Sequence[str], settings: Sequence[str | os.PathLike[str]]
) -> Run:
    printed = _command(folder, "run", assignments, settings)
    found = re.search(r"Verdict:\s*(.*?)/verdict\.json", printed.replace("\n", ""))
    assert found is not None, printed
    return open_run(str(folder / found[1].strip()))


def run_again(run: Run, *changes: str) -> Run:
    """The pipeline with a run's settings, but for these; opens the new run.

    Args:
      run: with a folder.
      changes: as after --set.

    Raises:
      ValueError: nothing would be different.
      RuntimeError: it failed; with the end of what it printed.
    """
    assert run.folder is not None, "a cluster's run is run again on the cluster"
    settings = run.folder / SETTINGS_FILE
    if load([str(settings)], changes) == load([str(settings)]):
        raise ValueError(
            f"{', '.join(changes) or 'no change'}: the run has these settings already, and would come "
            "out the same. Set something else"
        )
    return _run_in(_started_in(run.folder, load([str(settings)]).runs), changes, [settings])


def changed(run: Run, change: str) -> Run:
    """The pipeline run again with a change; the same run where there is none.

    Args:
      run: with a folder.
      change: as after --set; "tighter": see `tighter`; empty: none.

    Raises:
      ValueError: nothing would be different.
      RuntimeError: it failed; with the end of what it printed.
    """
    if not change:
        return run
    if change != TIGHTER:
        return run_again(run, change)
    assert run.folder is not None, "a cluster's run is run again on the cluster"
    settings = load([str(run.folder / SETTINGS_FILE)])
    attempt = run.verdict["attempt"]
    used_up = attempt is not None and attempt["number"] >= attempt["of"]
    if used_up and settings.data.path is not None:
        print(
            "The attempts on this test split are used up: another model takes test data that no model "
            "was judged on (data.path). Nothing was run."
        )
        return run
    return run_again(run, *tighter(settings, used_up))


def tighter(settings: Settings, new_data: bool = False) -> list[str]:
    """Each constraint of the training, half as far from what no model can be better than.

    Args:
      settings: of the run before.
      new_data: whether the stand-in is drawn anew, with a test split that no model was judged on.
    """
    features: Features = settings.data.features
    found = []
    for index, line in enumerate(settings.trainer.constraints):
        asked = language.parse(line, features.vocabulary)
        # A rate is at most 1, and what is asked to be small is best at 0.
        limit = asked.limit / 2 if asked.sense == "<=" else (1 + asked.limit) / 2
        found.append(f"trainer.constraints.{index}={asked.with_limit(limit)}")
    if new_data:
        found.append(f"data.stand_in.seed={settings.data.stand_in.seed + 1}")
    return found


def _started_in(folder: pathlib.Path, runs: str) -> pathlib.Path:
    """The folder from which a run was started, to which what is relative in its settings is so.

    Args:
      folder: of the run.
      runs: the setting: where it went.
    """
    above = folder.resolve().parents[1]  # of <runs>/<pipeline>/<run id>
    relative = pathlib.PurePath(os.path.normpath(runs))
    for start in (above, *above.parents):
        if start / relative == above and not relative.is_absolute():
            return start
    return REPOSITORY


def draw_frontier(run: Run, limits: str) -> Charts:
    """The frontier of a run's constraints; draws one at these limits where there is none yet.

    Args:
      run: with a folder, beside which the frontier goes.
      limits: as after --limits.

    Raises:
      RuntimeError: it failed; with the end of what it printed.
    """
    if run.data.frontier is None and run.folder is not None:
        settings = run.folder / SETTINGS_FILE
        home = _started_in(run.folder, load([str(settings)]).runs)
        _command(home, "frontier", [], [settings], "--limits", limits)
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
    folder: pathlib.Path,
    command: str,
    assignments: Sequence[str],
    settings: Sequence[str | os.PathLike[str]],
    *more: str,
) -> str:
    """Runs `fairgate` in `folder`; returns what it printed."""
    arguments = [part for file in settings for part in ("--settings", str(file))]
    arguments += [part for assignment in assignments for part in ("--set", assignment)]
    arguments = [command, *arguments, *more]
    print("fairgate", shlex.join(arguments))
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(_PATH), "FAIRGATE_COMMAND": "fairgate"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode not in (0, _BLOCKED):
        last = "\n".join(done.stdout.splitlines()[-_KEPT:])
        raise RuntimeError(f"fairgate {command} ended with {done.returncode}:\n{last}")
    return done.stdout
