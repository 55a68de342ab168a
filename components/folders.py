"""What lies in a folder, whatever its name: `[`, `]`, `?` and `*` in it are no patterns."""

from __future__ import annotations

import fnmatch
import os

import tensorflow as tf


def inside(folder: str) -> list[str]:
    """Paths of all that lies in `folder`, sorted; none where there is no such folder."""
    if not tf.io.gfile.isdir(folder):
        return []
    # Object stores name folders with a slash behind.
    names = {name.rstrip("/") for name in tf.io.gfile.listdir(folder)}
    return sorted(os.path.join(folder, name) for name in names)


def matching(folder: str, pattern: str) -> list[str]:
    """Paths below `folder` that match `pattern`, sorted; `*` in it stands for no more than one folder."""
    found = [folder]
    for part in pattern.split("/"):
        if not any(character in part for character in "*?["):
            found = [path for each in found if tf.io.gfile.exists(path := os.path.join(each, part))]
        else:
            found = [
                path
                for each in found
                for path in inside(each)
                if fnmatch.fnmatchcase(os.path.basename(path), part)
            ]
    return sorted(found)
