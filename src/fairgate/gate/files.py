"""The file system that a ledger lies on: this machine's, or another that can do the same."""

from __future__ import annotations

import contextlib
import os
import pathlib
import uuid
from typing import Protocol

from fairgate.documents import naming


class Files(Protocol):
    """The file system that a ledger lies on."""

    def names(self, folder: str) -> list[str]:
        """The names of what lies in `folder`, sorted; none where it is not there.

        Raises:
          OSError, DataError: it cannot be looked into, which must not be taken for an empty one.
        """
        ...

    def read(self, file: str) -> str:
        """What `file` holds."""
        ...

    def create(self, file: str, text: str) -> None:
        """Writes `file`, whole or not at all, and its folder before it.

        Raises:
          FileExistsError: it is there already.
        """
        ...


class LocalFiles:
    """The file system of this machine."""

    def names(self, folder: str) -> list[str]:
        """See `Files.names`."""
        try:
            return sorted(os.listdir(folder))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def read(self, file: str) -> str:
        """See `Files.read`."""
        return pathlib.Path(file).read_text(encoding="utf-8")

    def create(self, file: str, text: str) -> None:
        """See `Files.create`."""
        folder = os.path.dirname(file)
        os.makedirs(folder, exist_ok=True)
        partial = os.path.join(folder, f".{uuid.uuid4().hex}")
        try:
            with naming(file), open(partial, "x", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            os.link(partial, file)  # one operation, which fails if the name is taken
        finally:
            with contextlib.suppress(FileNotFoundError):  # there was no room for it
                os.unlink(partial)


LOCAL = LocalFiles()
