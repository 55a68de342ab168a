"""Takes runs away: their folders, and with the last one of a pipeline what all of them shared.

What was asked of a test split stays counted in the ledger, and what was pushed stays served.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fairgate.errors import SettingsError
from pipeline.results import runs
from pipeline.results.runs import NoSuchRun, Run

_GOING = ".removed-"
"""Begins the name of a folder that is being taken away: no run is called so."""


@dataclass(frozen=True)
class Removed:
    """What was taken away.

    Attributes:
      run: which one.
      whole: whether it was the last of its pipeline, whose artifacts and metadata went with it.
      served: the model that it pushed, which stays.
    """

    run: str
    whole: bool
    served: str | None


def named(root: pathlib.Path, names: Sequence[str]) -> list[Run]:
    """The runs of these names, each once; only whole names are taken for what is lost for good.

    Args:
      root: folder for runs.
      names: `<pipeline>/<run id>`, run ids, or folders of runs below `root`.

    Raises:
      NoSuchRun: there is none, with those that there are.
      SettingsError: the name is that of a pipeline, a part of a run's, or of several runs.
    """
    known = runs.every(root)
    found: dict[str, Run] = {}
    for name in names:
        plain = name.rstrip("/")
        place = pathlib.Path(plain).resolve()
        matches = [r for r in known if plain in (r.name, r.id) or place == r.folder.resolve()]
        if not matches:
            close = runs.find(root, plain)  # tells what there is
            raise SettingsError(f"'{name}': give the whole name of a run, such as {close.name}")
        if len(matches) > 1:
            several = ", ".join(run.name for run in matches)
            raise SettingsError(f"'{name}' may be any of {several}: give PIPELINE/ID")
        found[matches[0].name] = matches[0]
    return list(found.values())


def remove(run: Run) -> Removed:
    """Takes one run away; of a link to one that lies elsewhere the link.

    What removals that were killed left is cleared away, too.

    Raises:
      NoSuchRun: another command was faster.
      SettingsError: it goes on, or another one of its pipeline does, which may read what it left.
    """
    home = run.folder.parent
    served = _served(run)
    try:
        with _alone(home):
            whole = [each.folder for each in runs.every(home.parent) if each.folder.parent == home]
            last = whole == [run.folder]
            gone = home if last else run.folder
            # Renamed first, so that no half of a run is ever listed.
            os.rename(gone, gone.with_name(f"{_GOING}{uuid.uuid4().hex}"))
    except FileNotFoundError:
        raise NoSuchRun(f"{run.name} is gone: another command removed it meanwhile") from None
    for folder in (home.parent, home):
        for aside in folder.glob(f"{_GOING}*"):
            _clear(aside)
    return Removed(run.name, last, served)


def _clear(folder: pathlib.Path) -> None:
    if folder.is_symlink():
        folder.unlink(missing_ok=True)
    while folder.exists():
        with contextlib.suppress(FileNotFoundError):  # another removal clears it, too
            shutil.rmtree(folder)


def _served(run: Run) -> str | None:
    with contextlib.suppress(ValueError):  # a verdict that cannot be read is no reason to keep it
        verdict = run.verdict
        return verdict.pushed_model if verdict is not None and verdict.model_is_there else None
    return None


@contextlib.contextmanager
def _alone(home: pathlib.Path) -> Iterator[None]:
    """Holds the lock of a pipeline, that no run of it begins or goes on."""
    with runs.locked(home) as lock:
        if lock is None:
            raise SettingsError(f"a run is using {home}: wait for it or stop it, and remove then")
        yield
