"""Runs on this machine, as their folders hold them.

    runs/<pipeline>/<run id>/   settings.yaml, run.log        from the beginning
                                basis.json                    once its data are there
                                verdict.json, report.html ... when the gate has decided
                                frontier.json, trials.json    in their place, of a frontier, of a search
                                failure.json                  in their place, where it failed

Reads small files only: no TensorFlow, no TFX, no ML Metadata.
"""

from __future__ import annotations

import contextlib
import datetime
import difflib
import fcntl
import functools
import json
import os
import pathlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TextIO

import yaml

from fairgate.documents import naming
from fairgate.errors import DataError, FairGateError
from pipeline.results.verdict import VERDICT_FILE, Verdict

SETTINGS_FILE, STEPS_FILE, VERSIONS_FILE = "settings.yaml", "steps.json", "versions.json"
FRONTIER_FILE, TRIALS_FILE, FAILURE_FILE = "frontier.json", "trials.json", "failure.json"
REPORT_FILE, LOG_FILE, LOCK_FILE = "report.html", "run.log", ".lock"
BASIS_FILE, INPUTS_FILE = "basis.json", "test_inputs.pb"

State = Literal["pushed", "passed", "blocked", "running", "failed", "stopped", "frontier", "tuning"]
_ID_FORMAT = "%Y%m%d-%H%M%S-%f"
_MOST_NAMED = 5
_PATIENCE = 3.0  # seconds for a lock


class NoSuchRun(FairGateError):
    """No run here is called so."""


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
      folder: the run's own, `runs/<pipeline>/<run id>`.
    """

    folder: pathlib.Path

    @property
    def pipeline(self) -> str:
        """Name of its pipeline."""
        return self.folder.parent.name

    @property
    def id(self) -> str:
        """When it was started, as the folder says it."""
        return self.folder.name

    @property
    def name(self) -> str:
        """`<pipeline>/<run id>`, which `find` finds."""
        return f"{self.pipeline}/{self.id}"

    @property
    def started(self) -> datetime.datetime | None:
        """When, in this machine's time; None if the folder was given another name."""
        try:
            return datetime.datetime.strptime(self.id, _ID_FORMAT)
        except ValueError:
            return None

    @property
    def state(self) -> State:
        """How it ended, or that it runs; "stopped" if it was interrupted or killed.

        "passed" without a push where somebody went back from the very model: see `Verdict.not_served`.

        Raises:
          DataError: its verdict cannot be read.
        """
        if self.verdict is not None:
            if self.verdict.pushed:
                return "pushed"
            return "passed" if self.verdict.blessed else "blocked"
        if (self.folder / FRONTIER_FILE).exists():
            return "frontier"
        if self.failure is not None:
            return "failed"
        if _is_locked_by(self.folder):
            return "running"
        # Its trials are there from the first one on, whether or not it was stopped after that.
        return "tuning" if (self.folder / TRIALS_FILE).exists() else "stopped"

    @property
    def judges(self) -> bool:
        """Whether it is one that asks the gate, as far as can be seen: no frontier, and no search."""
        with contextlib.suppress(DataError):
            return not any(map(self._has, (FRONTIER_FILE, TRIALS_FILE)))
        return True

    @functools.cached_property
    def verdict(self) -> Verdict | None:
        """What the gate decided; None where it has not, yet.

        Raises:
          DataError: verdict.json cannot be read.
        """
        return Verdict.read(self.folder / VERDICT_FILE) if self._has(VERDICT_FILE) else None

    @functools.cached_property
    def settings(self) -> dict[str, Any]:
        """All settings, as plain values: `pipeline.settings.load([settings_file])` makes the tree."""
        try:
            with (self.folder / SETTINGS_FILE).open() as file:
                found = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise DataError(f"{self.folder / SETTINGS_FILE}: cannot be read: {error}") from None
        return found if isinstance(found, dict) else {}

    @property
    def settings_file(self) -> pathlib.Path:
        """All settings, to be given to another run with --settings."""
        return self.folder / SETTINGS_FILE

    @functools.cached_property
    def steps(self) -> list[dict[str, Any]]:
        """What `terminal.Step` holds of each step; empty until the run ends."""
        return self._json(STEPS_FILE) or []

    @functools.cached_property
    def versions(self) -> dict[str, str]:
        """Digests of data, settings and code, and versions of libraries; empty where not known."""
        return self._json(VERSIONS_FILE) or {}

    @functools.cached_property
    def basis(self) -> dict[str, str]:
        """Digests of the data, settings and code that it goes by (`pipeline.running.basis`), if kept."""
        return self._json(BASIS_FILE) or {}

    @property
    def failure(self) -> str | None:
        """Why it failed, where it did."""
        found = self._json(FAILURE_FILE)
        return None if found is None else str(found.get("error", "for a reason that is not known"))

    @property
    def report(self) -> pathlib.Path | None:
        """The page, where there is one."""
        file = self.folder / REPORT_FILE
        return file if file.exists() else None

    @property
    def log(self) -> pathlib.Path | None:
        """All that libraries printed, where it was kept."""
        file = self.folder / LOG_FILE
        return file if file.exists() else None

    def _has(self, name: str) -> bool:
        try:
            return (self.folder / name).exists()
        except PermissionError as error:
            raise _closed(self.folder, error) from None

    def _json(self, name: str) -> Any:
        file = self.folder / name
        try:
            return json.loads(file.read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise DataError(f"{file}: cannot be read: {error}") from None


def next_id(home: pathlib.Path, now: datetime.datetime) -> str:
    """What a new run of a pipeline is called: by the time, and behind all that there are.

    A clock may be put back, and local time goes back by itself once a year: then the newest run is still
    the last one by name.

    Args:
      home: the pipeline's folder of runs.
      now: in this machine's time.
    """
    begun = (Run(file.parent).started for file in home.glob(f"*/{SETTINGS_FILE}"))
    newest = max((each for each in begun if each is not None), default=datetime.datetime.min)
    following = max(now, newest + datetime.timedelta(milliseconds=1))
    return following.strftime(_ID_FORMAT)[:-3]


def every(root: pathlib.Path) -> list[Run]:
    """The runs, frontiers and searches below `root`, the newest first.

    Raises:
      DataError: a folder of runs cannot be looked into, so that the newest run may be another one.
    """
    found = [Run(folder) for home in _folders(root) for folder in _folders(home) if _is_run(folder)]
    return sorted(found, key=lambda run: (run.id, run.pipeline), reverse=True)


def _folders(folder: pathlib.Path) -> list[pathlib.Path]:
    try:
        # What begins with a dot is being removed.
        return [each for each in folder.iterdir() if not each.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except PermissionError as error:
        raise _closed(folder, error) from None


def _is_run(folder: pathlib.Path) -> bool:
    try:
        return (folder / SETTINGS_FILE).exists()
    except PermissionError:
        return True  # which tells what is wrong when it is looked at


def _closed(folder: pathlib.Path, error: OSError) -> DataError:
    return DataError(
        f"{folder}: cannot be looked into: {error.strerror}. Get the permission to read it (chmod u+rX), "
        "or move it away"
    )


def find(root: pathlib.Path, name: str | None = None) -> Run:
    """The run that is called `name`; without one, the newest.

    Args:
      root: folder for runs.
      name: of a pipeline (its newest run), `<pipeline>/<run id>`, a run id or its beginning, or the
        path of a run's folder.

    Raises:
      NoSuchRun: with the runs that there are.
    """
    if name is not None and (pathlib.Path(name) / SETTINGS_FILE).is_file():
        return Run(pathlib.Path(name))
    known = every(root)
    if not known:
        raise NoSuchRun(
            f"there are no runs in '{root}'. Make one with the command run, or say where they are with "
            "--runs FOLDER"
        )
    found = [run for run in known if name is None or _is_called(run, name.rstrip("/"))]
    # A frontier or a search has no verdict to show: it is found by its own name only.
    runs = [run for run in found if run.judges] or found
    if not runs:
        raise NoSuchRun(_unknown(root, known, str(name)))
    if name is not None and len({run.pipeline for run in runs}) > 1:
        several = ", ".join(run.name for run in runs[:_MOST_NAMED])
        raise NoSuchRun(f"'{name}' may be any of {several}: give more of its name")
    return runs[0]


def _is_called(run: Run, name: str) -> bool:
    whole = run.name if "/" in name else run.id
    return name in (run.pipeline, str(run.folder.parent)) or whole.startswith(name)


def _unknown(root: pathlib.Path, known: Sequence[Run], name: str) -> str:
    names = [*dict.fromkeys(run.pipeline for run in known)]
    names += [run.name for run in known] + [run.id for run in known]
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean '{close[0]}'? " if close else ""
    newest = ", ".join(run.name for run in known[:_MOST_NAMED])
    more = f" and {len(known) - _MOST_NAMED} more" if len(known) > _MOST_NAMED else ""
    return f"no run in '{root}' is called '{name}'. {hint}There are {newest}{more}"


@contextlib.contextmanager
def locked(home: pathlib.Path) -> Iterator[TextIO | None]:
    """The lock of a pipeline, held until this is left or the process ends; None where another holds it.

    Args:
      home: the pipeline's folder of runs.

    Raises:
      FileNotFoundError: there is no such folder, or it was removed meanwhile.
    """
    while True:
        with naming(home / LOCK_FILE), open(home / LOCK_FILE, "a") as lock:
            if not _taken(lock):
                yield None
                return
            if _is_there(lock):
                yield lock
                return


def _taken(lock: TextIO) -> bool:
    """Whether the lock could be had, soon: what works beside a killed run takes a moment to end."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            if time.monotonic() > until:
                return False
            time.sleep(0.02)


def _is_there(lock: TextIO) -> bool:
    """Whether the file still has its name: who waited for a removal holds the lock of what is gone."""
    try:
        return os.path.samestat(os.fstat(lock.fileno()), os.stat(lock.name))
    except FileNotFoundError:
        return False


def _is_locked_by(folder: pathlib.Path) -> bool:
    """Whether the run in `folder` goes on: it holds the lock of its pipeline, and named itself there."""
    try:
        with (folder.parent / LOCK_FILE).open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return lock.read().strip() == folder.name
    except OSError:
        pass  # no lock was ever made, or it cannot be asked
    return False
