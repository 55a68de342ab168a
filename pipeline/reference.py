"""What every setting is, generated from the settings tree: docs/settings.md.

Types, defaults and descriptions are the tree's own. An example is made up where the type has few values,
and stands in examples.yaml otherwise; each is a value that `--set` takes.
"""

from __future__ import annotations

import functools
import pathlib
import types
import typing
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import annotated_types
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pipeline.settings import Settings

_EXAMPLES = pathlib.Path(__file__).with_name("examples.yaml")
_HEAD = """# Settings

Every setting, generated from the settings tree by `fairgate settings --reference`
(`make settings ARGS=--reference`); a test holds this page against it.

A setting is given in a YAML file (`--settings FILE`, may be repeated) or on the command line
(`--set gate.limit=0.02`, may be repeated and comes last). What is not given keeps its default.
In a path, `NAME` and `0` stand for a key and a position of one's own. `${VARIABLE}` in a text is filled
in from the environment. `fairgate settings` prints all values that are in force.

The setting decides what a word is. Where it is text, the word is taken as it stands: `off`, `Yes`,
`2024` and `-99` need no quotes, and on the command line nothing does (`--set data.csv.comment='#'`,
where the quotes are the shell's). Where it is a number, it is read by YAML 1.2. `null` is what is
unset. In a file, text that holds one of `: # [ ] { } , & * ! | > ' " % @` is put in quotes, as YAML
wants it; `#` begins a comment, there and at the end of a constraint; and a name that is there twice
in one section is refused. A list of one text may be given as that text.

Files and folders: `~` is the home folder, what is relative is so to the folder that the command is
called in, and what ships with FairGate (`schemas/adult/settings.yaml`) is found from any folder.
`gs://bucket/folder` is taken where the table says so.
"""


@dataclass(frozen=True)
class Setting:
    """One row of the reference.

    Attributes:
      path: as `--set` takes it; `NAME` and `0` stand for a key and a position.
      type: which values it takes, in words.
      default: in YAML; None where it must be given.
      description: what it does.
      example: a value, in YAML.
    """

    path: str
    type: str
    default: str | None
    description: str
    example: str


@dataclass(frozen=True)
class Section:
    """The settings below one path."""

    path: str
    description: str
    settings: list[Setting]


def sections() -> list[Section]:
    """All settings, section by section, in the order of the tree."""
    return list(_sections(Settings, "", "settings that belong to no section", Settings()))


def document() -> list[dict[str, Any]]:
    """The same as plain values."""
    return [asdict(setting) for section in sections() for setting in section.settings]


def page() -> str:
    """The same as Markdown."""
    parts = [_HEAD]
    for section in sections():
        title = f"`{section.path}`" if section.path else "At the top"
        parts.append(f"\n## {title}\n\n{_sentence(section.description)}\n")
        parts.append(
            "\n| setting | type | default | what it does | example |\n|---|---|---|---|---|\n"
        )
        for setting in section.settings:
            default = "must be given" if setting.default is None else _code(setting.default)
            cells = (
                _code(setting.path),
                _escaped(setting.type),
                default,
                _escaped(setting.description),
                _code(setting.example),
            )
            parts.append(f"| {' | '.join(cells)} |\n")
    return "".join(parts)


def _sections(
    model: type[BaseModel],
    path: str,
    description: str,
    defaults: BaseModel | None,
    known: dict[type[BaseModel], str] | None = None,
) -> Iterator[Section]:
    """The section of `model`, then those below; what was told before is only referred to."""
    known = {} if known is None else known
    leaves, below = [], []
    for name, field in model.model_fields.items():
        own = f"{path}.{name}" if path else name
        value = (
            getattr(defaults, name)
            if defaults
            else field.get_default(call_default_factory=True, validated_data={})
        )
        inner, step = _model_in(field.annotation)
        if inner is None or inner in known:
            leaves.append(_setting(own, field, value, known.get(inner) if inner else None))
            continue
        if step or not _is_always_there(field.annotation):
            leaves.append(_setting(own, field, value))
        known[inner] = own + step
        below.append((inner, own + step, field.description or "", None if step else value))
    if leaves:
        yield Section(path, description, leaves)
    for inner, own, said, value in below:
        yield from _sections(inner, own, said, value, known)


def _is_always_there(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _setting(path: str, field: FieldInfo, default: Any, like: str | None = None) -> Setting:
    return Setting(
        path=path,
        type=f"settings as in {like}" if like else _type(field.annotation) + _limits(field),
        default=None if field.is_required() else _yaml(default),
        description=field.description or "",
        example=_example(path, field.annotation, default),
    )


def _model_in(kind: Any) -> tuple[type[BaseModel] | None, str]:
    """The settings object that a field holds, and the path to it from the field."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind, ""
    if origin is typing.Annotated:
        return _model_in(arguments[0])
    if origin in (types.UnionType, typing.Union):
        inner = next((_model_in(a)[0] for a in arguments if _model_in(a)[0]), None)
        return inner, ""
    if origin is tuple:
        inner, _ = _model_in(arguments[0])
        return inner, ".0"
    if origin is dict:
        inner, _ = _model_in(arguments[1])
        return inner, ".NAME"
    return None, ""


def _type(kind: Any) -> str:
    """The annotation in words."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    simple = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    if kind in simple:
        return simple[kind]
    if kind is type(None):
        return "unset"
    if origin is typing.Annotated:
        return _type(arguments[0])
    if origin is Literal:
        return "one of " + ", ".join(map(str, arguments))
    if origin in (types.UnionType, typing.Union):
        if set(arguments) == {int, str, type(None)}:
            return "value"
        return " or ".join(_type(argument) for argument in arguments)
    if origin is tuple:
        return f"list of {_plural(_type(arguments[0]))}"
    if origin is dict:
        return f"names, each with {_type(arguments[1])}"
    return "settings, as below" if _model_in(kind)[0] else str(kind)


def _plural(words: str) -> str:
    return {
        "value": "values",
        "text": "texts",
        "whole number or text": "whole numbers or texts",
    }.get(words, words)


def _limits(field: FieldInfo) -> str:
    said = []
    for limit in field.metadata:
        for kind, name, sign in (
            (annotated_types.Ge, "ge", "≥"),
            (annotated_types.Gt, "gt", ">"),
            (annotated_types.Le, "le", "≤"),
            (annotated_types.Lt, "lt", "<"),
        ):
            if isinstance(limit, kind):
                said.append(f"{sign} {getattr(limit, name):g}")
    return f", {', '.join(said)}" if said else ""


def _example(path: str, kind: Any, default: Any) -> str:
    if path in _examples():
        return _yaml(_examples()[path])
    options = typing.get_args(kind) if typing.get_origin(kind) is Literal else ()
    if kind is bool:
        options = (False, True)
    others = [option for option in options if option != default]
    if not others:
        raise KeyError(f"{path}: a setting without an example; give it one in {_EXAMPLES}")
    return _yaml(others[0])


@functools.cache
def _examples() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(_EXAMPLES.read_text())
    return found


def _yaml(value: Any) -> str:
    if value is None:
        return "unset"
    text = yaml.safe_dump(_plain(value), default_flow_style=True, sort_keys=False, width=1000)
    return text.removesuffix("\n").removesuffix("\n...").strip()


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, tuple) else value


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + "."


def _code(text: str) -> str:
    return text if text == "unset" else f"`{_escaped(text)}`"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
