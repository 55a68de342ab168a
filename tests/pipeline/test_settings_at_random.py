"""Ten thousand settings trees made at random: a sentence or a result, and no number is changed."""

from __future__ import annotations

import random
import typing
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel

from fairgate.errors import SettingsError
from pipeline import typed
from pipeline.settings import Settings, dump, load
from tests.pipeline.files import write

TREES = 10_000
WORDS = (
    "off", "No", "yes", "true", "null", "~", "", " ", "#", "|", ">", "%", "*", "&a", "<<", "!x",
    "[", "{", "]", ":", "a: b", "a #b", "'", '"', "\\t", "\t", "é", "名", "🙂", "a|b", "<25",
    "${HOME}", "${", "$${x}", "0100", "0o17", "0x1F", "1_000", "1:40", "-99", "+7", ".5", "5.",
    "1.10", "1e3", "1e39", "-1e39", "1e-50", "1e999", ".inf", ".nan", "9007199254740993",
    "16777217", "9" * 30, "0", "-0.0", "2024", "007", "x" * 200, "FPR <= 0.05", "FPR <= 0.05 # x",
    "max_gap(FPR, [Young]) <= 0.1", "[FPR <= 0.5, ACC >= 0.5]", "..", "../x", "~/x", "~nobody/x",
    "gs://b/x", "file:///x", "auto", "last", "tabular", "m:f", "a\nb", "a\x00b", "\ud800",
)  # fmt: skip


def fields(model: type[BaseModel], path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Paths of all settings, and of one in each section with names of one's own."""
    found = []
    for name in model.model_fields:
        kind = typed.kind(typed.below(model, name))
        found.append((*path, name))
        if kind.model is not None:
            found += fields(kind.model, (*path, name))
        for inner, key in ((kind.values, "A"), (kind.elements, "0")):
            below = None if inner is None else typed.kind(inner).model
            if below is not None and below is not model:
                found += fields(below, (*path, name, key))
    return found


FIELDS = fields(Settings)


def value(chance: random.Random, depth: int = 0) -> str:
    """A word, or YAML in one line."""
    what = chance.random()
    if depth > 2 or what < 0.7:
        return chance.choice(WORDS)
    if what < 0.85:
        return f"[{', '.join(value(chance, depth + 1) for _ in range(chance.randrange(3)))}]"
    pairs = (
        f"{chance.choice(WORDS)}: {value(chance, depth + 1)}" for _ in range(chance.randrange(3))
    )
    return f"{{{', '.join(pairs)}}}"


def block(chance: random.Random, paths: list[tuple[str, ...]], depth: int = 0) -> str:
    """The settings at `paths` as a YAML file, names twice and all."""
    lines = []
    for path in paths:
        for indent, key in enumerate(path[:-1]):
            lines.append(f"{'  ' * indent}{key}:")
        lines.append(f"{'  ' * (len(path) - 1)}{path[-1]}: {value(chance)}")
    return "\n".join(lines)


def at(tree: Any, path: typing.Sequence[str]) -> Any:
    for key in path:
        tree = tree[int(key)] if isinstance(tree, list | tuple) else tree[key]
    return tree


def number(text: str) -> Decimal | None:
    """What a person means by `text`; None if it is no plain decimal number."""
    try:
        meant = Decimal(text.strip())
    except InvalidOperation:
        return None
    return meant if "_" not in text and meant.is_finite() else None


def require_same(given: str, kept: Any) -> None:
    """A number that was accepted is the one that was given, or is its text."""
    meant = number(given)
    if isinstance(kept, bool) or meant is None or isinstance(kept, list | dict):
        return
    if isinstance(kept, float):
        assert kept == float(meant)
        assert np.isfinite(np.float32(kept)) and (np.float32(kept) != 0 or kept == 0)
    elif isinstance(kept, int):
        assert kept == meant
    elif isinstance(kept, str):
        assert kept == given


@pytest.mark.parametrize("seed", range(10))
def test_a_setting_on_the_command_line_is_kept_or_refused(seed):
    chance = random.Random(seed)
    accepted = 0
    for _ in range(TREES // 20):
        path, given = chance.choice(FIELDS), value(chance)
        try:
            tree = load([], [f"{'.'.join(path)}={given}"]).model_dump(mode="json")
        except SettingsError as error:
            assert str(error).strip() and "Traceback" not in str(error)
            continue
        accepted += 1
        require_same(given, at(tree, path))
    assert accepted > TREES / 20 / 20  # else nothing was tried


@pytest.mark.parametrize("seed", range(10))
def test_a_file_of_settings_is_kept_or_refused(tmp_path, seed):
    chance = random.Random(1000 + seed)
    accepted = 0
    for _ in range(TREES // 20):
        paths = chance.choices(FIELDS, k=chance.randrange(1, 3))
        text = block(chance, paths)
        file = tmp_path / "settings.yaml"
        content = text.encode("utf-8", "surrogatepass")
        file.write_bytes(content if chance.random() < 0.95 else content[::-1] + b"\xfc\xff")
        try:
            settings = load([str(file)])
        except SettingsError as error:
            assert str(error).strip() and "Traceback" not in str(error)
            continue
        accepted += 1
        if len(paths) == 1:
            [given] = [text.rpartition(f"{paths[0][-1]}: ")[2]]
            require_same(given, at(settings.model_dump(mode="json"), paths[0]))
        if chance.random() < 0.05:
            assert load([write(tmp_path / "dump.yaml", dump(settings))]) == settings
    assert accepted > TREES / 20 / 20
