"""A small disk of this process, which is filled to the last byte at any moment, and emptied again."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_INODES = 4_000
_INSIDE = "FAIRGATE_DRILL_MOUNTS"
# Without rights of root: users may mount in a namespace of their own, which ends with the process.
NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")


def may_mount() -> bool:
    """Whether this machine lets its users mount; some distributions and most containers do not."""
    command = [*NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    with contextlib.suppress(OSError):
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    return False


def enter(arguments: Sequence[str]) -> None:
    """Begins `python ARGUMENTS` in the place of this process, where it may mount; once."""
    if not os.environ.get(_INSIDE):
        os.environ[_INSIDE] = "1"
        os.execvp(NAMESPACE[0], [*NAMESPACE, sys.executable, *arguments])


class Disk:
    """A disk in memory.

    Attributes:
      folder: where it is mounted.
    """

    def __init__(self, folder: Path, megabytes: int) -> None:
        """Mounts it.

        Args:
          folder: made where it is not there.
          megabytes: how much it holds.

        Raises:
          OSError: this process may not mount; see `enter`.
        """
        self.folder = folder
        self._ballast = folder / ".ballast"
        folder.mkdir(parents=True, exist_ok=True)
        options = f"size={megabytes}m,nr_inodes={_INODES}"
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(done.stderr.strip())

    def fill(self, left: int = 0) -> None:
        """Leaves no room: neither a byte nor, unless some bytes are to be left, a file more.

        Args:
          left: bytes that still can be written.
        """
        self._ballast.mkdir(exist_ok=True)
        with open(self._ballast / "bytes", "ab") as stream:
            size = os.statvfs(self.folder)
            room = size.f_bavail * size.f_frsize
            os.posix_fallocate(stream.fileno(), 0, max(1, stream.tell() + room - left))
        with contextlib.suppress(OSError):
            for number in range(_INODES if not left else 0):
                os.close(os.open(self._ballast / str(number), os.O_CREAT))

    def make_room(self) -> None:
        """Takes away what fills it."""
        shutil.rmtree(self._ballast, ignore_errors=True)
