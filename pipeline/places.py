"""Files and folders that settings and command lines name.

A place is a path on this machine or an address such as gs://bucket/folder. `~` is the home folder. What
is relative is so to the working folder; what ships with FairGate (`schemas/...`) is found from anywhere.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pathlib
import re

from fairgate.errors import SettingsError

HOME = pathlib.Path(__file__).resolve().parents[1]
"""The folder that FairGate is in, with what ships with it."""

_SHIPPED = "schemas"
_PATTERN = re.compile(r"[\[\]*?\\]")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def is_address(place: str) -> bool:
    """Whether it is somewhere else, such as gs://bucket/folder."""
    return _ADDRESS.match(place) is not None


def expanded(place: str) -> str:
    """`place` with the home folder in the place of `~`, and without file://.

    Raises:
      ValueError: it is empty, or names somebody without a home folder.
    """
    if not place.strip():
        raise ValueError("nothing is given where a file or a folder is expected: give its path")
    if "\0" in place or "\n" in place:
        raise ValueError("a path on one line is expected")
    place = place.removeprefix("file://") if place.startswith("file:///") else place
    if is_address(place) or not place.startswith("~"):
        return place
    whole = os.path.expanduser(place)
    if whole.startswith("~"):
        raise ValueError(
            f"there is no home folder of {place.split('/')[0][1:]!r}: give the whole path, or ./{place} "
            "for what is called so in the working folder"
        )
    return whole


def found(place: str) -> str:
    """Where `place` is: as it says; or in FairGate's own folder, where it ships with it."""
    shipped = HOME / place
    here = is_address(place) or os.path.isabs(place) or os.path.lexists(place)
    below = pathlib.PurePath(os.path.normpath(place)).parts[:1] == (_SHIPPED,)
    return str(shipped) if not here and below and shipped.exists() else place


def plain(folder: str) -> str:
    """`folder`, or a link to it whose name TFX and TensorFlow take for no pattern.

    They look for files by putting `*` behind a folder's name, and take `[`, `]`, `?` and `*` in it
    for parts of a pattern, too. The link lies in the cache of the user, where it is found again.

    Raises:
      SettingsError: no such link can be made.
    """
    if is_address(folder) or not _PATTERN.search(folder):
        return folder
    target = os.path.realpath(folder)
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    name = hashlib.sha256(target.encode(errors="surrogateescape")).hexdigest()[:12]
    link = os.path.join(
        cache, "fairgate", "folders", name, _PATTERN.sub("_", os.path.basename(target))
    )
    try:
        if _PATTERN.search(link):
            raise OSError(0, "the cache has a name like that as well")
        os.makedirs(os.path.dirname(link), exist_ok=True)
        if not os.path.islink(link):
            with contextlib.suppress(FileExistsError):  # another command was faster
                os.symlink(target, link)
    except OSError as error:
        raise SettingsError(
            f"{folder!r}: TensorFlow takes [ ] * ? in the name of a folder for a pattern, and a link to "
            f"it cannot be made as {link!r}: {error.strerror}. Choose a folder without such characters"
        ) from None
    return link
