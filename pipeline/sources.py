"""Where settings come from: files, assignments of a command line, the environment; one tree of all."""

from __future__ import annotations

import copy
import difflib
import functools
import os
import pathlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from fairgate import visible
from fairgate.errors import SettingsError
from pipeline import places, typed, yaml12
from pipeline.called import called

_MOST_PROBLEMS, _MOST_SHOWN = 20, 300
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}


def read(file: str, model: type[BaseModel]) -> dict[str, Any]:
    """The tree that a YAML file gives, its words as the fields of `model` want them.

    Raises:
      SettingsError: naming the file, the line and what was expected.
    """
    try:
        file = places.found(places.expanded(file))
    except ValueError as error:
        raise SettingsError(f"--settings {file}: {error}") from None
    path = pathlib.Path(file)
    if not path.is_file():
        raise SettingsError(
            f"--settings {file}: no such file. Give the path of a YAML file with settings, "
            "such as schemas/smiles/settings.yaml"
        )
    node = yaml12.compose(text(path), file)
    if node is None:
        return {}
    tree = typed.read(node, model, file)
    if not isinstance(tree, dict):
        raise SettingsError(
            f"{file}: expected fields and values at the top, found {type(yaml12.plain(node)).__name__}"
        )
    return tree


def text(file: pathlib.Path) -> str:
    """What a settings file holds.

    Raises:
      SettingsError: it cannot be read, or is no text in UTF-8 (or UTF-16 with its mark).
    """
    try:
        if file.stat().st_size > 4 * yaml12.MOST_BYTES:  # no character has more bytes
            raise SettingsError(
                f"{file}: has {file.stat().st_size:,} bytes, and settings have at most "
                f"{yaml12.MOST_BYTES:,}. Is it another file?"
            )
        content = file.read_bytes()
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror}") from None
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise SettingsError(
            f"{file}: line {line}: byte {content[error.start]:#04x} is no text in {encoding.upper()}. "
            "Save the file as UTF-8 (it may be in an encoding of Windows, such as Windows-1252)"
        ) from None


def merge(base: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    """`overlay` over `base`: mappings merge, anything else replaces. Groups replace as a whole."""
    merged = dict(base)
    for key, value in overlay.items():
        below = merged.get(key)
        both = (
            isinstance(value, dict) and isinstance(below, dict) and key not in ("groups", "values")
        )
        merged[key] = merge(merged[key], value) if both else value
    return merged


_VARIABLE = re.compile(r"\$(\$)\{|\$\{([^}]*)\}")
_SECRET_NAME = re.compile("TOKEN|SECRET|PASS|KEY|CREDENTIAL|AUTH", re.IGNORECASE)
Location = tuple[str, ...]


def expand(
    value: Any, location: Location = (), references: dict[Location, str] | None = None
) -> Any:
    """`value` with the environment variables that its texts name.

    Args:
      value: of YAML.
      location: where it is in the tree.
      references: is told what each text with a variable in it was, by location.

    Raises:
      SettingsError: one is not set.
    """
    if isinstance(value, dict):
        return {k: expand(item, (*location, str(k)), references) for k, item in value.items()}
    if isinstance(value, list):
        return [expand(item, (*location, str(i)), references) for i, item in enumerate(value)]
    if not isinstance(value, str):
        return value

    def replacement(match: re.Match[str]) -> str:
        escaped, name = match.groups()
        if escaped:
            return "${"
        if references is not None:
            references[location] = value
        if not os.environ.get(name):
            field = ".".join(location)
            raise SettingsError(
                f"{field} = {value!r}: the environment variable {name!r} is not set. Set it "
                f"(export {name}=...), or give the value itself with --set {field}=..."
            )
        if _SECRET_NAME.search(name):
            visible.hide(os.environ[name], f"${{{name}}}")
        return os.environ[name]

    return _VARIABLE.sub(replacement, value)


def escape(value: Any) -> Any:
    """The inverse of `expand`: texts that stand for themselves."""
    if isinstance(value, dict):
        return {key: escape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [escape(item) for item in value]
    return value.replace("${", "$${") if isinstance(value, str) else value


def leaf(tree: Any, location: Location) -> Any:
    """What is at `location`; None where nothing is."""
    for key in location:
        if isinstance(tree, dict):
            tree = tree.get(key)
        elif isinstance(tree, list) and key.isdecimal() and int(key) < len(tree):
            tree = tree[int(key)]
        else:
            return None
    return tree


def put_back(tree: Any, references: Mapping[Location, Reference], location: Location = ()) -> Any:
    """`escape`, and references to the environment where their values still stand.

    A value that validation has put elsewhere is known by itself.
    """
    if isinstance(tree, dict):
        return {k: put_back(item, references, (*location, str(k))) for k, item in tree.items()}
    if isinstance(tree, list):
        return [put_back(item, references, (*location, str(i))) for i, item in enumerate(tree)]
    found = references.get(location)
    if found is not None and found.value == tree:
        return found.text
    if isinstance(tree, str):
        moved = (each.text for each in references.values() if each.moved and each.value == tree)
        return next(moved, escape(tree))
    return tree


@dataclass(frozen=True)
class Reference:
    """A text that names the environment.

    Attributes:
      text: as it was given.
      value: what became of it, or what it says now where that has `moved`.
      moved: whether nothing of the kind is at its place any more.
    """

    text: str
    value: Any
    moved: bool


def referred(
    given: Mapping[Location, str], expanded: Any, validated: Any
) -> dict[Location, Reference]:
    """What became of the texts that name the environment.

    Args:
      given: location -> text.
      expanded: the tree with their values.
      validated: the same after validation, as plain values.
    """
    found = {}
    for location, text in given.items():
        value, said = leaf(validated, location), leaf(expanded, location)
        moved = not isinstance(value, str | int | float)
        found[location] = Reference(text, said if moved else value, moved)
    return found


@functools.cache
def _defaults(model: type[BaseModel]) -> dict[str, Any]:
    return model().model_dump(mode="json")


def assign(tree: dict[str, Any], assignment: str, model: type[BaseModel]) -> None:
    """Puts `path.to.field=value` into `tree`, whose fields are those of `model`.

    Raises:
      SettingsError: it names no field, or its value cannot be read.
    """
    path, equals, said = assignment.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise SettingsError(
            f"--set {assignment}: expected path.to.field=value, such as gate.limit=0.02"
        )
    if not assignment.isprintable() and any("\ud800" <= each <= "\udfff" for each in assignment):
        raise SettingsError(f"--set {assignment!r}: is no text in UTF-8")
    annotation: Any = model
    inside = False
    for key in keys:
        inside = typed.kind(annotation).model is None
        annotation = typed.below(annotation, key) if annotation is not None else None
    value = typed.read_assigned(said, annotation, f"--set {assignment}", inside)
    node: Any = tree
    default: Any = _defaults(model)
    for position, key in enumerate(keys):
        last = position == len(keys) - 1
        default = _child(default, key)
        if not isinstance(node, dict | list):
            raise SettingsError(
                f"--set {assignment}: {'.'.join(keys[:position])} is {node!r}, which has no {key!r}; set "
                "it as a whole"
            )
        if isinstance(node, list):
            index = int(key) if key.isdecimal() and len(key) < 10 else -1
            if not 0 <= index < len(node):
                at = ".".join(keys[:position])
                raise SettingsError(
                    f"--set {assignment}: {at} is a list of {len(node)}; it has no element {key!r}"
                )
            if last:
                node[index] = value
            else:
                node = node[index]
            continue
        if last:
            node[key] = value
        else:
            if not isinstance(node.get(key), dict | list):
                # The default's own elements stay around the one assigned; a new group stands alone.
                kept = isinstance(default, list) or _child(default, keys[position + 1]) is not None
                node[key] = copy.deepcopy(default) if kept else {}
            node = node[key]


def _child(default: Any, key: str) -> Any:
    return default.get(key) if isinstance(default, dict) else None


def explain(
    error: ValidationError,
    sources: Sequence[str],
    model: type[BaseModel],
    references: Mapping[Location, str] | None = None,
) -> str:
    """In words, what `error` found wrong in settings from `sources`.

    Of a text in `references` its reference is shown, and of a field that may hold secrets nothing.
    """
    lines = []
    problems = error.errors(include_url=False)
    for problem in problems[:_MOST_PROBLEMS]:
        location = [str(part) for part in problem["loc"]]
        field = ".".join(location)
        if problem["type"] == "extra_forbidden":
            known = _fields_at(location[:-1], model)
            close = difflib.get_close_matches(location[-1], known, n=1, cutoff=0.5)
            hint = f"did you mean {'.'.join([*location[:-1], close[0]])!r}?" if close else ""
            lines.append(f"{field}: no such setting; {hint or 'known here: ' + ', '.join(known)}")
            continue
        message = problem["msg"].removeprefix("Value error, ")
        if problem["input"] is None and problem["type"] != "value_error":
            message = f"nothing is given (YAML reads null, ~ and an empty value so): {message}"
        # Behind the location of a text stands which of its kinds was tried.
        texts = ((references or {}).get(tuple(location[:n])) for n in range(len(location), 0, -1))
        given = next(filter(None, texts), problem["input"])
        hides = isinstance(given, dict) or typed.is_secret(model, location)
        value = "" if hides else f" (given: {_shown(given)})"
        lines.append(f"{field}: {message}{value}" if field else message)
    if more := len(problems) - _MOST_PROBLEMS:
        lines += [f"and {more:,} more"] if more > 0 else []
    origin = "; ".join(sources) or "the defaults"
    return (
        f"settings not accepted (from {origin}):\n  "
        + "\n  ".join(lines)
        + f"\nAll settings and their values: {called()} settings"
    )


def _shown(value: Any) -> str:
    """A value as a message shows it: not without end."""
    shown = repr(value)
    return shown if len(shown) <= _MOST_SHOWN else f"{shown[:_MOST_SHOWN]} ..."


def _fields_at(location: Sequence[str], model: type[BaseModel]) -> list[str]:
    """Names of the fields at `location` in the tree; empty where there are none to list."""
    annotation: Any = model
    for part in location:
        annotation = None if annotation is None else typed.below(annotation, part)
    found = None if annotation is None else typed.kind(annotation).model
    return [] if found is None else list(found.model_fields)
