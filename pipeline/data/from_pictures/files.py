"""Picture files below a folder: found by what a table calls them, and what their folders say of them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fairgate.data.columns import text_of

SPLIT_WORDS = {
    **dict.fromkeys(("train", "training", "0"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev", "1"), "validation"),
    **dict.fromkeys(("test", "testing", "2"), "test"),
}
"""What folders and partitions call the splits; the numbers are those of CelebA."""


def split_of(word: str | None) -> str | None:
    """The split that a word means; None if it means none.

    >>> split_of("Val"), split_of("2.0"), split_of("other")
    ('validation', 'test', None)
    """
    return SPLIT_WORDS.get((text_of(word) or "").casefold())


class Files:
    """The pictures below a folder.

    A table may call them by the whole path or its end, with or without the suffix, in any normal form of
    Unicode (macOS takes letters and accents apart), in either kind of slash.

    Args:
      root: the folder.
      paths: of the pictures, below it.
    """

    def __init__(self, root: Path, paths: Sequence[Path]) -> None:
        self.root, self.paths = root, list(paths)
        self._called: dict[str, list[Path]] = {}
        for path in paths:
            parts = _plain(path.relative_to(root).as_posix()).split("/")
            for start in range(len(parts)):
                name = "/".join(parts[start:])
                # Without suffix, too; a file whose whole name is that goes before.
                for called in (name, _without_suffix(name) + "\0"):
                    self._called.setdefault(called, []).append(path)

    def find(self, name: str | None) -> Path:
        """The picture that is called so.

        Raises:
          ValueError: there is none, or there are several; the message goes on from the name.
        """
        parts = _plain(name or "").split("/")
        for start in range(len(parts)):
            end = "/".join(parts[start:])
            found = self._called.get(end) or self._called.get(end + "\0") or []
            if len(found) == 1:
                return found[0]
            if found:
                first, second = (path.relative_to(self.root) for path in found[:2])
                raise ValueError(f"may be {first}, or {second}: give the path below {self.root}")
        raise ValueError("is missing: there is no such file")

    def named(self, path: Path) -> str:
        """What a picture is called in messages."""
        return path.relative_to(self.root).as_posix()


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip().replace("\\", "/")).lstrip("./")


def _without_suffix(name: str) -> str:
    return str(PurePosixPath(name).with_suffix("")) if name else name


@dataclass(frozen=True)
class Place:
    """What the folders of a picture say of it.

    Attributes:
      split: where there is a folder for each split.
      label: the name of the folder of its class; None where it lies in none.
    """

    split: str | None
    label: str | None


def places(files: Files) -> dict[Path, Place]:
    """Of each picture, what its folders say: FOLDER/cats/1.jpg, or FOLDER/train/cats/1.jpg.

    Folders that hold all others, one in another, say nothing.
    """
    folders = {path: path.relative_to(files.root).parts[:-1] for path in files.paths}
    around = 0
    while len({inside[: around + 1] for inside in folders.values()}) == 1 and all(
        len(inside) > around + 1 for inside in folders.values()
    ):
        around += 1
    heads = {inside[around] for inside in folders.values() if len(inside) > around}
    are_splits = bool(heads) and all(not head.isdecimal() and split_of(head) for head in heads)
    found = {}
    for path, inside in folders.items():
        own = inside[around:]
        split = split_of(own[0]) if are_splits and own else None
        own = own[1:] if are_splits else own
        found[path] = Place(split, unicodedata.normalize("NFC", own[0]) if own else None)
    return found
