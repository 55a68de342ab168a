"""A full disk, whoever found it in whatever words, as one sentence: the place, and the way out."""

from __future__ import annotations

import errno
import os
import pathlib
import re
import tempfile
from collections.abc import Iterator

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# As others' libraries say it: TensorFlow and Beam, SQLite.
_IN_WORDS = re.compile(
    "|".join([*(re.escape(os.strerror(number)) for number in _FULL), "database or disk is full"])
)
_PLACE = re.compile(r"(/[^\s;'\"]+); (?:" + _IN_WORDS.pattern + ")")
_PROBE = 65_536  # [bytes]; less may fit into what is left of a block


def place(error: BaseException) -> str | None:
    """The file that there was no room for, "" where nobody says which; None where it is another error."""
    found = None
    for seen in _chain(error):
        if isinstance(seen, OSError) and seen.errno in _FULL:
            found = found or str(seen.filename or "")
        elif _IN_WORDS.search(str(seen)):
            named = _PLACE.search(str(seen))
            found = found or (named[1] if named else "")
    return found


def sentence(where: str, way_out: str) -> str:
    """What is said of a full disk.

    Args:
      where: the file or folder; "" where it is not known.
      way_out: what to do, begun by "Make room".
    """
    return (
        f"{where or 'a disk'}: there is no room left to write ({os.strerror(errno.ENOSPC)}, a quota or a "
        f"limit of file sizes). {way_out}"
    )


def require(file: pathlib.Path) -> None:
    """Looks whether there is room beside `file`, for whose reader says only that it cannot be written.

    Raises:
      OSError: there is none; it names `file`.
    """
    try:
        with tempfile.TemporaryFile(dir=file.parent) as probe:
            probe.write(bytes(_PROBE))
    except OSError as error:
        if error.errno in _FULL:
            raise OSError(error.errno, os.strerror(error.errno), str(file)) from None


def full_one(*folders: str) -> str:
    """The first of `folders`, or else that of temporary files, where there is no room; or ""."""
    # tempfile.gettempdir passes over those that are full.
    return next(filter(_is_full, [*folders, os.environ.get("TMPDIR", "/tmp")]), "")


def _is_full(folder: str) -> bool:
    try:
        require(pathlib.Path(folder, "any"))
    except OSError as error:
        return error.errno in _FULL
    return False


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
