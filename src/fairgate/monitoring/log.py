"""Lines of a file that grows, and of standard input.

A line counts when its end has been written. A file that was moved away and made anew (rotated), or cut
and written again from its start (truncated), is noticed: what was left of the old one is read where it
still can be, and the new one from its start.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from fairgate.errors import DataError

_CHUNK = 1 << 20
LONGEST = 1 << 20
"""Bytes of a line; a longer one is no row of answers."""
_HEAD = 1024
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"

Line = tuple[int, bytes | None]
"""Its number, from 1 in every file, and what it holds without its end; None for one that is too long."""


class Log(Protocol):
    """Where lines come from."""

    name: str

    def more(self) -> list[Line]:
        """The next complete lines; none where there are none now."""
        ...

    def rest(self) -> list[Line]:
        """At the very end: the last line, if its end was not written."""
        ...

    def close(self) -> None:
        """Nothing more is read."""
        ...


class _Splitter:
    """Bytes, piece by piece -> complete lines."""

    def __init__(self, number: int = 0) -> None:
        self.number, self.taken = number, 0
        self._pending, self._too_long = b"", 0

    def add(self, data: bytes) -> list[Line]:
        """The lines that end in these bytes; `taken` grows by theirs."""
        *whole, pending = (self._pending + data).split(b"\n")
        lines: list[Line] = []
        for line in whole:
            self.number += 1
            self.taken += len(line) + 1 + self._too_long
            long = self._too_long or len(line) > LONGEST
            lines.append((self.number, None if long else line.rstrip(b"\r")))
            self._too_long = 0
        if len(pending) > LONGEST or (self._too_long and pending):
            self._too_long += len(pending)
            pending = b""
        self._pending = pending
        return lines

    def rest(self) -> list[Line]:
        """What has no end yet."""
        return self.add(b"\n") if self._pending or self._too_long else []


class StandardInput:
    """Lines of standard input: `more` waits for some, and finds none at its end."""

    name = "standard input"

    def __init__(self) -> None:
        self._splitter = _Splitter()

    def more(self) -> list[Line]:
        """See `Log.more`."""
        while data := os.read(sys.stdin.fileno(), _CHUNK):
            if lines := self._splitter.add(data):
                return lines
        return []

    def rest(self) -> list[Line]:
        """See `Log.rest`."""
        return self._splitter.rest()

    def close(self) -> None:
        """Standard input is others', too."""


@dataclass(frozen=True)
class Place:
    """How far a file was read.

    Attributes:
      offset: bytes.
      lines: lines.
      head: how many of the first bytes tell this file from others, and
      digest: theirs.
    """

    offset: int
    lines: int
    head: int
    digest: str

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Place:
        """What `as_document` wrote."""
        return cls(**document)

    def as_document(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


class GrowingFile:
    """Lines of a file, from a place on.

    Args:
      path: of the file.
      place: where to go on, if it is still the same file; its start otherwise.

    Attributes:
      place: where to go on after the lines that were read.
      started_anew: whether it was another file than that of `place`.

    Raises:
      DataError: it cannot be read, or is no text.
    """

    def __init__(self, path: str | os.PathLike[str], place: Place | None = None) -> None:
        self.path, self.name = pathlib.Path(path), os.fspath(path)
        self._left: list[Line] = []
        self._open(place)

    def _open(self, place: Place | None) -> None:
        try:
            self._stream = self.path.open("rb")
        except OSError as error:
            raise DataError(f"{self.name}: cannot be read: {error.strerror or error}") from None
        first = self._head(4)
        if first.startswith(_GZIP) or first == _PARQUET:
            self.close()
            what = "is compressed" if first.startswith(_GZIP) else "is a Parquet file"
            raise DataError(
                f"{self.name}: {what}, and a monitor reads lines of text as they are written. Give CSV "
                "or JSON lines, such as: zcat LOG | fairgate monitor -"
            )
        self.place = place if place and self._is_at(place) else _START
        self.started_anew = place is not None and self.place is _START
        self._splitter = _Splitter(self.place.lines)
        self._begin = self.place.offset
        self._stream.seek(self._begin)

    def close(self) -> None:
        """Closes the file."""
        self._stream.close()

    def __enter__(self) -> GrowingFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _head(self, size: int) -> bytes:
        self._stream.seek(0)
        return self._stream.read(size)

    def _is_at(self, place: Place) -> bool:
        """Whether what was read up to `place` is still there."""
        size = os.fstat(self._stream.fileno()).st_size
        return size >= place.offset and _digest(self._head(place.head)) == place.digest

    def first_line(self) -> bytes:
        """The first line that is not empty; the place stays."""
        with self.path.open("rb") as stream:
            while line := stream.readline(LONGEST):
                if line.strip():
                    return line
        return b""

    def more(self) -> list[Line]:
        """See `Log.more`; none, too, where another file is there now: see `replaced`."""
        if self._left:
            lines, self._left = self._left, []
            return lines
        # Read in full before the position is moved for a look at the head.
        at = self._stream.tell()
        same = self._is_at(self.place)
        self._stream.seek(at)
        return self._read() if same else []

    def _read(self) -> list[Line]:
        while data := self._stream.read(_CHUNK):
            if lines := self._splitter.add(data):
                self._remember()
                return lines
        return []

    def _remember(self) -> None:
        offset, at = self._begin + self._splitter.taken, self._stream.tell()
        head, digest = self.place.head, self.place.digest
        if head < _HEAD:
            head = min(_HEAD, offset)
            digest = _digest(self._head(head))
            self._stream.seek(at)
        self.place = Place(offset, self._splitter.number, head, digest)

    def rest(self) -> list[Line]:
        """See `Log.rest`."""
        return self._splitter.rest()

    def replaced(self) -> bool:
        """Whether another file is there now, from whose start `more` goes on.

        To be asked where `more` has found nothing. Of a file that was moved away, what had not been read
        comes first; its last line counts, though its end may be missing.
        """
        try:
            there = self.path.stat()
        except FileNotFoundError:
            return False  # moved away, and the next one is not there yet
        mine = os.fstat(self._stream.fileno())
        rotated = (there.st_dev, there.st_ino) != (mine.st_dev, mine.st_ino)
        at = self._stream.tell()
        if not rotated and self._is_at(self.place):
            self._stream.seek(at)
            return False
        left: list[Line] = []
        if rotated:
            self._stream.seek(at)
            while lines := self._read():
                left += lines
            left += self.rest()
        self.close()
        self._open(None)
        self._left = left
        return True


def _digest(head: bytes) -> str:
    return hashlib.blake2b(head, digest_size=16).hexdigest()


_START = Place(0, 0, 0, _digest(b""))
