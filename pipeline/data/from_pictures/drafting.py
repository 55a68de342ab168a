"""A draft of the settings, for a person to look through, from the names of the label and the groups."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from fairgate.data.columns import text_of
from fairgate.errors import SettingsError
from pipeline.data.from_csv.config import CsvSettings
from pipeline.data.from_pictures import tables
from pipeline.data.from_pictures.files import Files, places

IMAGE, CLASS = "image", "class"

_SIDE = 64  # pixels of the longer side; networks here see no more of it on two cores
_LOOKED_AT = 20
_MOST_GROUPS = 20
_POSITIVE = ("1", "yes", "true", "positive", "y", "t")
_TRAINED, _HELD = 0.02, 0.1  # limits that a test split of some thousand pictures can show


@dataclass(frozen=True)
class Asked:
    """What a person says of the pictures.

    Attributes:
      label: column of the table; None: the folders of the classes.
      groups: columns of the table.
      positive: value of the label that is the positive class; None: it is guessed.
    """

    label: str | None
    groups: Sequence[str]
    positive: str | None = None


def draft(
    files: Files, table: Path | None, asked: Asked, where: Path
) -> tuple[dict[str, Any], list[str]]:
    """(tree of settings, what was guessed).

    Args:
      files: the pictures.
      table: with a row for each; None where folders say all.
      asked: what its columns mean.
      where: the folder of the settings file.

    Raises:
      SettingsError: what is asked makes no two classes, or no groups.
      DataError: the table cannot be read.
    """
    csv = CsvSettings()
    found: dict[str, dict[str, int]] = {}
    if table is not None:
        csv = tables.with_delimiter(table, csv)
        with tables.opened(table, csv) as source:
            names = [*asked.groups, *([] if asked.label is None else [asked.label])]
            found = {name: dict(of) for name, of in tables.values(source, names).items()}
    label = CLASS if asked.label is None else asked.label
    if asked.label is None:
        of_folders = [place.label for place in places(files).values()]
        found[label] = {name: 1 for name in of_folders if name is not None}
    said, guessed = _label(label, found[label], asked.positive)
    groups = {_clean(name): {"name": name, **_groups(name, found[name])} for name in asked.groups}
    constraint = f"max_gap(FPR, [{next(iter(groups))}])"
    name = slug(where.name)
    tree: dict[str, Any] = {
        "name": name,
        "model_name": slug(label),
        "data": {
            "path": f"data/{name}",
            "schema_file": str(where / "schema.pbtxt"),
            "features": {
                "image": {"name": IMAGE, **_size(files)},
                "label": said,
                "groups": groups,
            },
        },
        "trainer": {"network": "cnn", "constraints": [f"{constraint} <= {_TRAINED}"]},
        "gate": {"constraints": [f"{constraint} <= {_HELD}"]},
    }
    if csv.delimiter != ",":
        tree["data"]["csv"] = {"delimiter": csv.delimiter}
    return tree, guessed


def slug(name: str) -> str:
    """A name for a pipeline, from that of a folder or a column.

    >>> slug("img align (celeba)"), slug("笑顔")
    ('img-align-celeba', 'pictures')
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_]+", "-", plain).strip("-_") or "pictures"


def _label(
    name: str, values: Mapping[str, int], positive: str | None
) -> tuple[dict[str, Any], list[str]]:
    there = _typed(values)
    empty = {"left_out": [None]} if _has_empty(values) else {}
    if positive is not None:
        chosen = next((each for each in there if text_of(each) == text_of(positive)), None)
        if chosen is None:
            raise SettingsError(
                f"--positive {positive}: '{name}' never holds that; it holds {_shown(there)}"
            )
        others = [each for each in there if each != chosen]
        if len(others) == 1:
            return {"name": name, "positive": chosen, "negative": others[0], **empty}, []
        return {"name": name, "positive": chosen, "others": "negative", **empty}, []
    if len(there) != 2:
        raise SettingsError(
            f"the label '{name}' holds {len(there)} values ({_shown(there)}); expected two. Say which of "
            "them is the positive class with --positive VALUE; all others are negative then"
        )
    likely = [each for each in there if str(each).casefold() in _POSITIVE]
    chosen = likely[0] if likely else there[-1]
    other = next(each for each in there if each != chosen)
    guessed = (
        [] if likely else [f"took {name} = {chosen} for the positive class (--positive VALUE)"]
    )
    return {"name": name, "positive": chosen, "negative": other, **empty}, guessed


def _groups(name: str, values: Mapping[str, int]) -> dict[str, Any]:
    there = _typed(values)
    unknown = {"unknown": [None]} if _has_empty(values) else {}
    if not 2 <= len(there) <= _MOST_GROUPS:
        raise SettingsError(
            f"--groups {name}: the column holds {len(there):,} values ({_shown(there)}); expected 2 to "
            f"{_MOST_GROUPS} groups. Write a settings file, in which a group may be a range or a list"
        )
    if set(there) in ({0, 1}, {-1, 1}):
        return {
            "values": {_clean(name): 1, f"Not {_clean(name)}": min(map(int, there))},
            **unknown,
        }
    return {"values": {_clean(str(value)): value for value in there}, **unknown}


def _typed(values: Mapping[str, int]) -> list[int | str]:
    """The different values, as whole numbers if all are, in order; without the empty one."""
    texts = list(dict.fromkeys(text for value in values if (text := text_of(value)) is not None))
    try:
        numbers = [int(text) for text in texts]
    except ValueError:
        return sorted(texts)
    return sorted(numbers) if all(map(_is_same, numbers, texts)) else sorted(texts)


def _is_same(number: int, text: str) -> bool:
    return str(number) == text


def _has_empty(values: Mapping[str, int]) -> bool:
    return any(text_of(value) is None for value in values)


def _shown(values: Sequence[int | str]) -> str:
    more = ", ..." if len(values) > 5 else ""
    return ", ".join(str(value) for value in values[:5]) + more


def _clean(name: str) -> str:
    """A name for constraints, which hold none of [ ] =."""
    return re.sub(r"[\[\]=\n]", "_", name).strip() or "_"


def _size(files: Files) -> dict[str, int]:
    """Of the first pictures that can be read, or what is usual."""
    sizes, grey = [], True
    # Pillow raises whatever it stumbles over in a damaged file; that is told when all are looked at.
    for path in files.paths[:_LOOKED_AT]:
        with contextlib.suppress(Exception), Image.open(path) as picture:
            sizes.append(picture.size)
            grey = grey and picture.mode in ("1", "L", "LA")
    if not sizes:
        return {"height": _SIDE, "width": _SIDE, "channels": 3}
    width, height = sorted(sizes)[len(sizes) // 2]
    scale = min(1.0, _SIDE / max(width, height))
    return {
        "height": max(4, round(height * scale)),
        "width": max(4, round(width * scale)),
        "channels": 1 if grey else 3,
    }
