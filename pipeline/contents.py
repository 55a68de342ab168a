"""What results held when they were made, so that nothing is re-used of which a part is gone.

TFX re-uses a result whose folder is there, whatever is in it. Here the files and their sizes are kept
beside the metadata; where some are gone or cut short, the folder is set aside, and TFX makes it again.
"""

from __future__ import annotations

import json
import os
import pathlib
import time
from collections.abc import Iterable

from fairgate.documents import to_json, write_text

FILE = "contents.json"
_ASIDE = "incomplete"


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
            known[_key(folder)] = _sizes(folder)
        write_text(self._file, to_json(known, indent=None) + "\n")

    def set_aside_incomplete(self, folders: Iterable[str]) -> list[str]:
        """Renames those of `folders` of which a part is gone; a sentence about each.

        What was never kept is taken to be complete: some results hold no files.
        """
        known = self._known()
        said = []
        for folder in folders:
            if not os.path.isdir(folder):
                continue  # TFX makes it again by itself
            there = _sizes(folder)
            made = known.get(_key(folder), {})
            gone = [name for name, size in made.items() if there.get(name, -1) < size]
            if not gone:
                continue
            aside = f"{folder.rstrip('/')}.{_ASIDE}-{time.time_ns():x}"
            os.rename(folder, aside)
            said.append(
                f"{folder}: {len(gone)} of {len(made)} files, such as {gone[0]}, are gone or cut short "
                f"since it was made: it is made again. What was left is in {aside}"
            )
        return said

    def _known(self) -> dict[str, dict[str, int]]:
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}  # nothing was kept yet, or it cannot be read: nothing is known
        return found if isinstance(found, dict) else {}


def _key(folder: str) -> str:
    """Names a result by its last folders, <step>/<output>/<number>: runs may be moved."""
    return "/".join(folder.rstrip("/").split("/")[-3:])


def _sizes(folder: str) -> dict[str, int]:
    """Path below `folder` -> size of every file in it [bytes]."""
    found = {}
    for place, _, files in os.walk(folder):
        for name in files:
            path = os.path.join(place, name)
            if os.path.isfile(path):
                found[os.path.relpath(path, folder)] = os.path.getsize(path)
    return found
