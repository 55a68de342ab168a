"""Which files make a split, and which of those that a pattern matches are left out."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

import tensorflow as tf

from components import folders
from fairgate.errors import DataError

_SHOWN = 6
_HIDDEN = (".", "_")


def list_shards(folder: str, split: str, pattern: str) -> list[str]:
    """The files of one split, sorted, without what `left_out` names.

    Raises:
      DataError: no folder, or no file in it matches.
    """
    if not tf.io.gfile.isdir(folder):
        raise DataError(
            f"data.path = {folder!r}: no such folder. Give a folder of TFRecord shards, such as a "
            "TFDS-prepared celeb_a/2.1.0, or leave data.path unset for the synthetic stand-in"
        )
    shards, others = _matches(folder, pattern)
    if not shards:
        found = ", ".join(sorted(tf.io.gfile.listdir(folder))[:6]) or "nothing"
        besides = f", besides {_listed(others)}" if others else ""
        raise DataError(
            f"{folder}: split '{split}' has no shards: no file matches "
            f"data.splits.{split} = {pattern!r}{besides} (the folder holds: {found}). Put the shards "
            "there or correct the pattern"
        )
    return shards


def left_out(folder: str, patterns: Mapping[str, str]) -> list[str]:
    """A sentence for each split whose pattern matches what are no shards."""
    result = []
    for split, pattern in patterns.items():
        _, others = _matches(folder, pattern)
        if others:
            result.append(
                f"left out of the {split} split, which data.splits.{split} = {pattern!r} matches, too: "
                f"{_listed(others)}"
            )
    return result


def _matches(folder: str, pattern: str) -> tuple[list[str], dict[str, str]]:
    """(shards, sorted; path below `folder` -> why it is none)."""
    shards, others = [], {}
    for path in folders.matching(folder, pattern):
        below = path.removeprefix(folder.rstrip("/")).strip("/")
        if _is_hidden(below, pattern):
            others[below] = "hidden"
        elif tf.io.gfile.isdir(path):
            others[below.rstrip("/")] = "a folder"
        else:
            shards.append(path)
    return shards, others


def _is_hidden(below: str, pattern: str) -> bool:
    """Whether a part of a path is as systems name what is theirs: ._x, .part.crc, _SUCCESS.

    A pattern that says so itself means it.
    """
    named = [part[:1] for part in posixpath.normpath(pattern).split("/")]
    parts = [part[:1] for part in below.split("/")]
    return any(
        start in _HIDDEN and start != meant
        for start, meant in zip(parts, [*named, *[""] * len(parts)], strict=False)
    )


def _listed(others: Mapping[str, str]) -> str:
    shown = [f"{name} ({why})" for name, why in list(others.items())[:_SHOWN]]
    more = len(others) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")
