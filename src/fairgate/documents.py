"""JSON files as FairGate writes them: whole or not at all, and without NaN, which JSON does not have."""

from __future__ import annotations

import contextlib
import json
import math
import os
import pathlib
import uuid
from collections.abc import Iterator
from typing import Any


def finite(value: Any) -> Any:
    """`value` with None in place of each number that is NaN or infinite, at any depth.

    >>> finite({"value": float("nan"), "limits": (0.1, float("inf"))})
    {'value': None, 'limits': [0.1, None]}
    """
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def to_json(value: Any, indent: int | None = 2) -> str:
    """`value` as JSON text; what is not finite is null.

    Args:
      value: of dictionaries, lists, tuples, text, numbers, truth values and None.
      indent: spaces for each level; None: all on one line.

    Raises:
      TypeError: something else is in it.
    """
    return json.dumps(finite(value), indent=indent, ensure_ascii=False, allow_nan=False)


def write_text(file: pathlib.Path, text: str, private: bool = False) -> None:
    """Writes `file`, whole or not at all: a reader never sees half of it, nor does a failure leave it.

    Of several that write it at once the last one is it.

    Args:
      file: to be written, or replaced.
      text: what it holds then.
      private: whether its owner alone may read it.

    Raises:
      OSError: it cannot be written.
    """
    write_bytes(file, text.encode(), private)


def write_bytes(file: pathlib.Path, content: bytes, private: bool = False) -> None:
    """As `write_text`, what is no text."""
    partial = file.with_name(f".{file.name}.{uuid.uuid4().hex}.partial")
    try:
        mode = 0o600 if private else 0o666
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with open(descriptor, "wb") as stream:
            stream.write(content)
        partial.replace(file)
    except BaseException as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename = str(file)  # as people know it
        raise


def append_line(file: pathlib.Path, text: str) -> None:
    """Adds a line to `file`, whole or not at all: half of one would spoil the next.

    What was written to a pipe or a terminal cannot be taken back.

    Raises:
      OSError: it cannot be written.
    """
    with naming(file), open(file, "ab", buffering=0) as stream:
        before = stream.tell() if stream.seekable() else None
        left = (text + "\n").encode()
        try:
            while left:  # where the disk is full after a part, the next write says so
                left = left[stream.write(left) :]
        except OSError:
            if before is not None:
                stream.truncate(before)
            raise


@contextlib.contextmanager
def naming(file: str | os.PathLike[str]) -> Iterator[None]:
    """An OSError inside says that it is about `file`, if it does not name one: writes do not."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(file)
        raise
