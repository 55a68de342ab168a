"""Programs that XLA compiled, kept from one process to the next.

TensorFlow can keep what it compiles in a folder (`--tf_xla_persistent_cache_directory`), but a training
would not survive what can happen to one: a file that was cut short, or a folder that cannot be written,
fails the step that was to be compiled. So TensorFlow gets a folder of this process alone. Programs are
brought there from the folder that is kept once they are seen to be whole, and brought back after.

A program is known by its operations and by their names, which TensorFlow numbers through a whole
process: `round_names` begins at a round number, so that what was done before does not count.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import importlib.metadata
import os
import pathlib
import platform
import re
import shutil
import tempfile
from collections.abc import Iterator

from absl import logging

FOLDER = ".compiled"
_FLAGS = "TF_XLA_FLAGS"
_FLAG = "--tf_xla_persistent_cache_directory"
_PREFIX = "fairgate-compiled-"
# A program of the trainer has half a megabyte to a few.
_MOST = 64
_ROUND = 1_000_000


@contextlib.contextmanager
def kept_in(folder: pathlib.Path | str) -> Iterator[None]:
    """What XLA compiles inside is looked for in `folder` first, and kept there after.

    To be entered before TensorFlow compiles anything in this process. Without effect where the user's own
    TF_XLA_FLAGS name a folder. A folder that cannot be written or read is no error: nothing is kept then.

    Args:
      folder: on this machine; made if it is missing. Programs of other machines, and of other versions of
        TensorFlow, may be in it, too: each has its own folder inside.
    """
    own = _folder_of_this_process()
    if own is None:
        yield
        return
    shelf = pathlib.Path(folder, machine())
    brought = _bring(shelf, own)
    try:
        yield
    finally:
        _keep(own, brought, shelf)


def round_names() -> None:
    """Lets the names that TensorFlow gives from now on begin at the next round number."""
    from tensorflow.python.framework import ops

    while ops.uid() % _ROUND:  # a tenth of a second for all of them
        pass


@functools.cache
def machine() -> str:
    """Names what a compiled program runs on: the instructions of the processor, the GPUs, TensorFlow."""
    told = [platform.machine(), os.environ.get("XLA_FLAGS", "")]
    for package in ("tensorflow", "keras"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            told.append(importlib.metadata.version(package))
    files = ["/proc/cpuinfo", "/proc/driver/nvidia/version"]
    files += sorted(map(str, pathlib.Path("/proc/driver/nvidia/gpus").glob("*/information")))
    for file in files:
        with contextlib.suppress(OSError):
            lines = pathlib.Path(file).read_text().splitlines()
            names = ("flags", "Features", "model name", "NVRM", "Model")
            told += sorted({line for line in lines if line.startswith(names)})
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


@functools.cache
def _folder_of_this_process() -> pathlib.Path | None:
    """Where TensorFlow keeps what it compiles; None where the user has another place for it."""
    flags = os.environ.get(_FLAGS, "")
    # A process that started this one may have said where its own are.
    flags = re.sub(rf"{_FLAG}=\S*{_PREFIX}\S*", "", flags)
    if _FLAG in flags:
        return None
    try:
        own = pathlib.Path(tempfile.mkdtemp(prefix=_PREFIX))
    except OSError:
        return None  # nowhere to write at all
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    os.environ[_FLAGS] = f"{flags} {_FLAG}={own}".strip()
    return own


def _bring(shelf: pathlib.Path, own: pathlib.Path) -> set[str]:
    """Copies what is whole on the shelf to the folder of this process; the names of what is there."""
    try:
        for file in shelf.glob("*.pb"):
            held = file.read_bytes()
            name, _, digest = file.stem.rpartition(".")
            if digest == _digest(held) and not (own / f"{name}.pb").exists():
                _write(own / f"{name}.pb", held)
    except OSError as error:
        logging.info("compiled programs in %s are left alone: %s", shelf, error)
    return {file.name for file in own.glob("*.pb")}


def _keep(own: pathlib.Path, known: set[str], shelf: pathlib.Path) -> None:
    """Copies what is new in the folder of this process to the shelf, which holds the newest."""
    try:
        new = [file for file in own.glob("*.pb") if file.name not in known]
        if new:
            shelf.mkdir(parents=True, exist_ok=True)
        for file in new:
            held = file.read_bytes()
            _write(shelf / f"{file.stem}.{_digest(held)}.pb", held)
        if new:
            newest = sorted(shelf.glob("*.pb"), key=lambda file: file.stat().st_mtime, reverse=True)
            for file in newest[_MOST:]:
                file.unlink(missing_ok=True)
    except OSError as error:
        logging.info("compiled programs are not kept in %s: %s", shelf, error)


def _write(file: pathlib.Path, held: bytes) -> None:
    """Whole or not at all, whoever else writes there."""
    beside = file.with_name(f".{os.getpid()}-{file.name}")
    try:
        beside.write_bytes(held)
        os.replace(beside, file)
    finally:
        beside.unlink(missing_ok=True)


def _digest(held: bytes) -> str:
    return hashlib.sha256(held).hexdigest()[:16]
