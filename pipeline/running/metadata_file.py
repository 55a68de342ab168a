"""metadata.sqlite, where ML Metadata keeps what a pipeline's runs made: looked at before it is believed.

TFX asks it for every result that may be re-used. Where it is gone, damaged or held by somebody else, what
is said is SQLite's; here it is a sentence about the file, before anything runs.
"""

from __future__ import annotations

import contextlib
import pathlib
import sqlite3
from collections.abc import Iterator

import ml_metadata as mlmd
from ml_metadata import errors
from ml_metadata.proto import metadata_store_pb2

from fairgate import no_room
from fairgate.errors import DataError

_SECONDS = 5.0  # for which a lock of another process is waited for
_TABLE = "MLMDEnv"  # which every store of ML Metadata has


def opened(
    config: metadata_store_pb2.ConnectionConfig, artifacts: pathlib.Path
) -> mlmd.MetadataStore:
    """The store of a pipeline.

    Args:
      config: of SQLite.
      artifacts: the folder of the pipeline's results.

    Raises:
      DataError: the file cannot be used, or is gone while there are results that only it knows.
    """
    file = pathlib.Path(config.sqlite.filename_uri)
    if not require_usable(file) and _holds_results(artifacts):
        gone = "is empty" if file.exists() else "is not there"
        raise DataError(
            f"{file}: {gone}, and it alone knows what lies in {artifacts}: which results are whole, and "
            f"of what. {_ways_out(file, artifacts)}"
        )
    with speaking(file):
        return mlmd.MetadataStore(config)


def require_usable(file: pathlib.Path, writes: bool = True) -> bool:
    """Whether anything is known there yet.

    Args:
      file: metadata.sqlite.
      writes: whether it must be possible to write there.

    Raises:
      DataError: it cannot be read or written, is damaged, held by another process, or is something else.
      OSError: there is no room to write.
    """
    if not file.exists() or (file.is_file() and not file.stat().st_size):
        return False
    try:
        with contextlib.closing(sqlite3.connect(file, timeout=_SECONDS)) as known:
            if writes:
                known.execute("BEGIN IMMEDIATE")
                known.rollback()
            [[found]] = known.execute("PRAGMA quick_check(1)").fetchall()
            tables = {name for (name,) in known.execute("SELECT name FROM sqlite_master")}
    except sqlite3.OperationalError as error:
        said = str(error)
        if "locked" in said:
            raise DataError(
                f"{file}: another process holds it ({said}): a viewer, a copy that is being made, or a "
                "run on another machine. End that, or wait for it, and run again"
            ) from None
        no_room.require(file)
        raise DataError(
            f"{file}: cannot be used ({said}). Look whether it and its folder may be read and written, "
            "and whether there is room; then run again"
        ) from None
    except sqlite3.DatabaseError as error:
        raise _damaged(file, str(error)) from None
    if found != "ok":
        raise _damaged(file, str(found))
    if tables and _TABLE not in tables:
        raise _damaged(file, f"a database without the table {_TABLE}")
    return bool(tables)


@contextlib.contextmanager
def speaking(file: pathlib.Path) -> Iterator[None]:
    """What ML Metadata raises inside is a sentence about its file.

    Raises:
      DataError: in its place.
      OSError: in its place where it is for lack of room, which SQLite tells in many words.
    """
    try:
        yield
    except errors.StatusError as error:
        no_room.require(file)
        said = " ".join(str(error).split())[:300]
        raise DataError(
            f"{file}: ML Metadata could not use it: {said}. Look whether there is room, and whether "
            "another process holds it, and run again. If a newer ml-metadata wrote it, use that version"
        ) from error


def _holds_results(artifacts: pathlib.Path) -> bool:
    return artifacts.is_dir() and any(not each.name.startswith(".") for each in artifacts.iterdir())


def _damaged(file: pathlib.Path, how: str) -> DataError:
    ways = _ways_out(file, file.parent / "artifacts")
    return DataError(f"{file}: damaged, or no file of ML Metadata: {how}. {ways}")


def _ways_out(file: pathlib.Path, artifacts: pathlib.Path) -> str:
    return (
        f"Restore it from a copy; or move it and {artifacts} away, and run again: everything is made "
        "anew then, and the ledger still counts the attempts"
    )
