"""Going back to an older version of a model that is served."""

from __future__ import annotations

from components.evaluator import digests
from components.pusher import versions
from components.pusher.versions import Record, Version
from fairgate.errors import DataError


def roll_back(folder: str, number: int) -> Version:
    """Makes a copy of version `number` the newest one; a model server loads it, and no run undoes it.

    A run that comes to the model which was served until then passes, pushes nothing and says so; but
    not where this goes forward again, to a version that is newer than that model's.

    Args:
      folder: of all versions.
      number: the version to go back to; or forward to, after going back.

    Returns:
      the copy.

    Raises:
      DataError: there is no such version, it is damaged, or it is served already; nothing was changed.
    """
    if not versions.every(folder):
        raise DataError(f"{folder}: no version is there, so there is none to go back to")
    with versions.alone(folder):
        there = versions.every(folder)
        numbers = ", ".join(str(each.number) for each in there)
        found = [each for each in there if each.number == number]
        if not found:
            raise DataError(f"{folder}: there is no version {number}. There are {numbers}")
        [old], newest = found, there[-1]
        if old.is_damaged():
            raise DataError(
                f"{old.folder}: is not as it was pushed: files in it were changed or are gone. Choose "
                "another version: serving list tells which are whole"
            )
        files = old.files()
        if newest.files() == files:
            raise DataError(
                f"{folder}: version {newest.number}, the newest, is that model: it is served already"
            )
        copy_of, instead_of = _origin(old), _origin(newest)
        record = Record(
            files=files,
            model=old.model() or digests.model_digest(old.folder),
            copy_of=copy_of,
            instead_of=instead_of,
            instead_of_model=newest.model() if copy_of < instead_of else "",
        )
        return versions.add(folder, old.folder, record)


def _origin(version: Version) -> int:
    """The version that was pushed, also where this one is a copy of it."""
    copied = None if version.record is None else version.record.copy_of
    return version.number if copied is None else copied
