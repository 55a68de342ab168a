"""Standard output and error that outlast their readers, so that these change no exit status."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO


class Lasting:
    """A text stream that goes on without a word when its reader is gone (`fairgate run | head`).

    What its encoding does not have is written as an escape.
    """

    def __init__(self, stream: TextIO):
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes `text`, or nothing where nobody reads; returns its length."""
        try:
            self._stream.write(text)
        except BrokenPipeError:
            self._end()
        except UnicodeEncodeError:
            encoding = self._stream.encoding or "ascii"
            self.write(text.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def flush(self) -> None:
        """Flushes what was written, or nothing where nobody reads."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._end()

    def close(self) -> None:
        """Closes the stream."""
        self.flush()
        self._stream.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _end(self) -> None:
        """What is still to be written, by whomever, goes nowhere."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)


@contextlib.contextmanager
def lasting() -> Iterator[None]:
    """Standard output and error as `Lasting` streams, and open ones where they were closed."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this
    saved = sys.stdout, sys.stderr
    with contextlib.ExitStack() as stack:
        for name, descriptor in (("stdout", 1), ("stderr", 2)):
            stream = getattr(sys, name)
            if stream is None:
                stream = stack.enter_context(open(descriptor, "w", closefd=False))
            setattr(sys, name, stream if isinstance(stream, Lasting) else Lasting(stream))
        try:
            yield
        finally:
            # Here, and not when the interpreter ends, which would make its own status of a broken pipe.
            sys.stdout.flush()
            sys.stderr.flush()
            sys.stdout, sys.stderr = saved
