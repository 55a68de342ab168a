"""What results held when they were made, so that nothing is re-used that is not as it was made.

TFX re-uses a result whose folder is there, whatever is in it. Here the files, their sizes and checksums
are kept beside the metadata; where some are gone or were changed, the folder is set aside, and TFX makes
it again. A checksum is taken anew only of a file that was written since, as its time says.
"""

from __future__ import annotations

import json
import os
import pathlib
import time
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from typing import Any

import google_crc32c

from fairgate.documents import to_json, write_text

FILE = "contents.json"
_ASIDE = "incomplete"


@dataclass(frozen=True)
class _File:
    """A file as it was made: its size [bytes], when it was written [ns], and its CRC-32C."""

    size: int
    written: int | None = None
    checksum: int | None = None

    @classmethod
    def at(cls, path: str) -> _File:
        found = os.stat(path)
        return cls(found.st_size, found.st_mtime_ns, _checksum(path))

    @classmethod
    def of(cls, kept: Any) -> _File:
        """As it was kept; earlier versions kept the size alone."""
        return cls(*kept) if isinstance(kept, list) else cls(int(kept))

    def is_still(self, path: str) -> bool:
        """Whether `path` holds what it held."""
        if not os.path.isfile(path):
            return False
        found = os.stat(path)
        if found.st_size != self.size:
            return False
        return found.st_mtime_ns == self.written or self.checksum in (None, _checksum(path))


class Contents:
    """The contents of the results of one pipeline.

    Args:
      home: the pipeline's folder of runs, on this machine.
    """

    def __init__(self, home: pathlib.Path):
        self._file = home / FILE

    def keep(self, folders: Iterable[str]) -> None:
        """Keeps what `folders`, just made, hold."""
        known = self._known()
        for folder in folders:
            known[_key(folder)] = _files(folder)
        tree = {
            key: {name: astuple(of) for name, of in files.items()} for key, files in known.items()
        }
        write_text(self._file, to_json(tree, indent=None) + "\n")

    def set_aside_damaged(self, folders: Iterable[str]) -> list[str]:
        """Renames those of `folders` of which a part is gone or was changed; a sentence about each.

        What was never kept is taken to be complete: some results hold no files.
        """
        known = self._known()
        said = []
        for folder in folders:
            if not os.path.isdir(folder):
                continue  # TFX makes it again by itself
            made = known.get(_key(folder), {})
            gone = [name for name in made if not made[name].is_still(os.path.join(folder, name))]
            if not gone:
                continue
            aside = f"{folder.rstrip('/')}.{_ASIDE}-{time.time_ns():x}"
            os.rename(folder, aside)
            said.append(
                f"{folder}: {len(gone)} of {len(made)} files, such as {gone[0]}, are gone or were "
                f"changed since it was made: it is made again. What was left is in {aside}"
            )
        return said

    def _known(self) -> dict[str, dict[str, _File]]:
        try:
            tree = json.loads(self._file.read_text(encoding="utf-8"))
            return {
                key: {name: _File.of(kept) for name, kept in files.items()}
                for key, files in tree.items()
            }
        except (OSError, ValueError, TypeError, AttributeError):
            return {}  # nothing was kept yet, or it cannot be read: nothing is known


def _key(folder: str) -> str:
    """Names a result by its last folders, <step>/<output>/<number>: runs may be moved."""
    return "/".join(folder.rstrip("/").split("/")[-3:])


def _files(folder: str) -> dict[str, _File]:
    """Path below `folder` -> every file in it."""
    found = {}
    for place, _, files in os.walk(folder):
        for name in files:
            path = os.path.join(place, name)
            if os.path.isfile(path):
                found[os.path.relpath(path, folder)] = _File.at(path)
    return found


def _checksum(path: str) -> int:
    """Some 4 GB a second: large results cost little."""
    checksum = google_crc32c.Checksum()
    with open(path, "rb") as stream:
        while block := stream.read(1 << 22):
            checksum.update(block)
    return int.from_bytes(checksum.digest(), "big")
