"""JSON files as FairGate writes them: whole or not at all, and without NaN, which JSON does not have."""

from __future__ import annotations

import contextlib
import json
import math
import os
import pathlib
import uuid
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
    partial = file.with_name(f".{file.name}.{uuid.uuid4().hex}.partial")
    try:
        mode = 0o600 if private else 0o666
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with open(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        partial.replace(file)
    except BaseException as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename = str(file)  # as people know it
        raise
