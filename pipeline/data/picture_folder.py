"""The pictures below a folder."""

from __future__ import annotations

import os
from pathlib import Path

from fairgate.errors import DataError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif")
# Looked at, too, so that nothing that a person takes for a picture is passed over without a word.
_OTHERS = (".jpe", ".jfif", ".tif", ".tiff", ".heic", ".avif")


def pictures(folder: Path) -> tuple[list[Path], list[str]]:
    """(pictures below `folder`, names of hidden ones), sorted.

    Raises:
      DataError: there are none that are not hidden.
    """
    names = []
    for place, _, files in os.walk(folder):
        inside = Path(place).relative_to(folder)
        names += [inside / file for file in files if _is_picture(file)]
    names.sort()
    hidden = [name for name in names if any(part.startswith(".") for part in name.parts)]
    if len(hidden) == len(names):
        besides = f" but hidden ones, such as {hidden[0]}" if hidden else ""
        raise DataError(f"{folder}: holds no pictures ({', '.join(SUFFIXES)}){besides}")
    left_out = set(hidden)
    return [folder / name for name in names if name not in left_out], [str(n) for n in hidden]


def _is_picture(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in (*SUFFIXES, *_OTHERS)
