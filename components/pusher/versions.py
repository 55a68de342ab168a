"""The folder that a model server watches: the versions in it, and how one more gets there whole.

    <folder>/<number>/                              a SavedModel; a server takes the highest number
    <folder>/<number>/assets.extra/fairgate.json    what it is (`Record`); no server reads it
    <folder>/.staging-<random>/                     being copied, or left by a push that was killed

A version is never changed: going back to an older model makes a copy of it the newest version, so that
the versions in their order tell what was served when, and any model server follows.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import fcntl
import json
import os
import re
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields

import tensorflow as tf

from components import folders
from components.evaluator import digests
from fairgate.errors import DataError

_STAGING = ".staging-"
# A model server takes a name for a number if an int64 holds it.
_LARGEST = 2**63 - 1


@dataclass(frozen=True)
class Record:
    """What a version is, as it was written before the version was there.

    Attributes:
      files: `digests.files_digest` of the model.
      model: `digests.model_digest` of it, which tells models from each other however they are exported.
      run: which pushed it; empty where a person went back to it.
      when: it was put there, in ISO 8601.
      copy_of: the older version that this one is a copy of, where a person went back to that.
      instead_of: the version that was served until then.
      instead_of_model: its `model`, where that is newer, so that somebody went back from it; else empty.
    """

    files: str
    model: str
    run: str = ""
    when: str = ""
    copy_of: int | None = None
    instead_of: int | None = None
    instead_of_model: str = ""


@dataclass(frozen=True)
class Version:
    """One version of a model.

    Attributes:
      number: of it.
      folder: that it lies in.
      record: what it is; None where nobody wrote that down, as earlier versions of FairGate did not.
    """

    number: int
    folder: str
    record: Record | None

    def files(self) -> str:
        """`digests.files_digest` of what is there now."""
        return digests.files_digest(self.folder)

    def is_damaged(self) -> bool:
        """Whether it is not what was put there, or no model at all."""
        if self.record is not None:
            return self.record.files != self.files()
        return not tf.io.gfile.exists(os.path.join(self.folder, "saved_model.pb"))

    def model(self) -> str:
        """`digests.model_digest` of what was put there; empty where that cannot be known any more."""
        if self.record is not None:
            return self.record.model
        try:
            return digests.model_digest(self.folder)
        except (tf.errors.OpError, ValueError):
            return ""


def every(folder: str) -> list[Version]:
    """All versions in `folder`, the newest last."""
    found = []
    for path in folders.inside(folder):
        name = os.path.basename(path)
        if re.fullmatch("[0-9]+", name) and int(name) <= _LARGEST:
            found.append(Version(int(name), path, _read(path)))
    return sorted(found, key=lambda version: version.number)


def taken_back(versions: Sequence[Version]) -> dict[str, Version]:
    """Digest of each model that a person went back from, and not to again -> what came instead of it."""
    found: dict[str, Version] = {}
    for version in versions:
        if version.record is not None:
            found.pop(version.record.model, None)
            if version.record.instead_of_model:
                found[version.record.instead_of_model] = version
    return found


@contextlib.contextmanager
def alone(folder: str) -> Iterator[None]:
    """Makes `folder`, and keeps other pushes into it waiting; they go on if one is killed.

    What killed pushes left is removed. Where the file system has no locks (object stores, some network
    volumes) nobody waits and what was left stays: `add` needs neither.
    """
    tf.io.gfile.makedirs(folder)
    if "://" in folder:
        yield
        return
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
        except OSError:
            yield
            return
        for path in folders.inside(folder):
            if os.path.basename(path).startswith(_STAGING):
                folders.remove(path)
        yield
    finally:
        os.close(held)


def add(folder: str, model: str, record: Record) -> Version:
    """Makes the SavedModel in `model` the newest version in `folder`, whole or not at all.

    It is copied into a folder of this push's own beside the versions, compared with `record.files`, and
    renamed, which is one operation.

    Args:
      folder: of all versions.
      model: to be copied; a record that lies in it is not.
      record: what it is; `when` is put in here.

    Raises:
      DataError: what was copied is not what `record` says; no version was made.
    """
    record = Record(**{**asdict(record), "when": _now()})
    staging = os.path.join(folder, _STAGING + uuid.uuid4().hex)
    try:
        _copy(model, staging)
        _require(staging, record, f"what was copied from {model}")
        _write(staging, record)
        number, final = _rename(staging, folder)
    finally:
        folders.remove(staging)
    try:
        _require(final, record, f"what was put into {final}")
    except DataError:
        # Whoever wrote into it: no server may load it.
        tf.io.gfile.rename(final, os.path.join(folder, f".damaged-{uuid.uuid4().hex}"))
        raise
    return Version(number, final, record)


def _copy(source: str, target: str) -> None:
    """A copy of a SavedModel; saved_model.pb comes last, for servers that look at object stores."""
    tf.io.gfile.makedirs(target)
    for path in folders.model_files(source):
        if path != digests.RECORD:
            tf.io.gfile.makedirs(os.path.dirname(os.path.join(target, path)))
            tf.io.gfile.copy(os.path.join(source, path), os.path.join(target, path))
            _sync(os.path.join(target, path))


def _rename(staging: str, folder: str) -> tuple[int, str]:
    """Gives what was staged the number after the newest, or the time: in order within a second, too."""
    while True:
        number = max([int(time.time()), *(version.number + 1 for version in every(folder))])
        if number > _LARGEST:
            raise DataError(
                f"{folder}: holds version {_LARGEST}, and a model server knows no higher number. Move "
                "that folder away: nothing newer can be served while it is there"
            )
        final = os.path.join(folder, str(number))
        try:
            if "://" in folder:
                folders.move_model(staging, final)
            else:
                os.rename(staging, final)
        except (OSError, tf.errors.AlreadyExistsError) as error:
            # Somebody was faster, where nobody waits for the other.
            if isinstance(error, OSError) and error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
            continue
        _sync(folder)
        return number, final


def _require(folder: str, record: Record, what: str) -> None:
    found = digests.files_digest(folder)
    if found != record.files:
        raise DataError(
            f"{what} is not the model that is to be served (digest {found}, not {record.files}): another "
            "program writes there, or the disk fails. No version was made of it; run again"
        )


def _write(folder: str, record: Record) -> None:
    file = os.path.join(folder, digests.RECORD)
    tf.io.gfile.makedirs(os.path.dirname(file))
    with tf.io.gfile.GFile(file, "w") as stream:
        stream.write(json.dumps(asdict(record), indent=1) + "\n")
    _sync(file)


def _read(folder: str) -> Record | None:
    file = os.path.join(folder, digests.RECORD)
    try:
        with tf.io.gfile.GFile(file) as stream:
            tree = json.loads(stream.read())
        known = {field.name for field in fields(Record)}
        return Record(**{name: value for name, value in tree.items() if name in known})
    except tf.errors.NotFoundError:
        return None
    except tf.errors.OpError as error:
        # It may say that somebody went back from a model, which would be served again.
        raise DataError(
            f"{file}: cannot be read, so that it is not known what that version is: {error.message}. "
            "Get the permission to read it, and run again"
        ) from None
    except (ValueError, TypeError, AttributeError):
        # Written by nobody we know: nothing that it could be compared with is there any more.
        return Record(files="unknown", model="")


def _sync(path: str) -> None:
    """Waits until the disk has it: a version must not be there before its files are."""
    if "://" not in path:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
