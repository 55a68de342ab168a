"""A folder that is there whole or not at all; what somebody left half made is cleared away."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from fairgate.documents import naming
from fairgate.errors import DataError


@contextlib.contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Yields a hidden folder beside `folder` that takes its place when all went well.

    Where `folder` is a link, that is the place it leads to, perhaps on another disk.

    Whoever makes one holds a lock on it, which the system releases however the process ends: those of
    processes that were killed are removed by the next one that makes the same folder.

    Raises:
      DataError: another process was faster; nothing of its folder was touched.
    """
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    beginning = _beginning(folder)
    _clear(folder)
    with contextlib.ExitStack() as stack:
        while True:
            unfinished = Path(tempfile.mkdtemp(prefix=beginning, dir=folder.parent))
            # Before it was locked, another process may have taken it for a left one.
            if stack.enter_context(_locked(unfinished)) and unfinished.exists():
                break
        try:
            with naming(folder):
                yield unfinished
            unfinished.chmod(0o755)  # mkdtemp makes folders that only their owner can read
            try:
                unfinished.replace(folder)
            except OSError as error:
                if not folder.is_dir() or not any(folder.iterdir()):
                    raise
                raise DataError(
                    f"'{folder}' is there meanwhile, made by another command. Nothing in it was touched; "
                    "run again to use it"
                ) from error
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)  # gone already when all went well


def is_made(folder: Path) -> bool:
    """Whether `folder` is there; then nobody makes it again, and what killed ones left is removed."""
    if not folder.exists():
        return False
    with contextlib.suppress(OSError):  # a folder that others can read may not be theirs to write
        _clear(folder.resolve())
    return True


def _beginning(folder: Path) -> str:
    return f".{folder.name}.incomplete-"


def _clear(folder: Path) -> None:
    for left in _beginning_with(folder.parent, _beginning(folder)):
        with _locked(left) as is_ours:
            if is_ours:
                shutil.rmtree(left, ignore_errors=True)


def _beginning_with(folder: Path, beginning: str) -> list[Path]:
    names = [entry.name for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
    return [folder / name for name in sorted(names) if name.startswith(beginning)]


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Holds the lock of a folder; whether it could be had."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        yield False
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_ours = True
    except OSError:
        is_ours = False
    try:
        yield is_ours
    finally:
        os.close(descriptor)
