"""YAML into values of the settings tree: the field decides what a word is, not YAML.

Where a setting is text, `off`, `2024`, `-99`, `1.10` and `Yes` are taken as they stand; where it is a
number, they are read by YAML 1.2.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel

from fairgate.errors import SettingsError
from pipeline import places, yaml12


class IsPlace:
    """Marks settings that are files or folders."""


Place = Annotated[str, AfterValidator(places.expanded), IsPlace()]
"""Type of settings that are files or folders."""


class IsSecret:
    """Marks settings that may hold secrets: no message and no comparison shows what they hold."""


@dataclass(frozen=True)
class Kind:
    """What a setting may be.

    Attributes:
      text: text, or some words.
      free: any text.
      other: types of plain values that are no text.
      unset: whether it may be nothing.
      place: whether it is a file or a folder.
      model: a section.
      values: annotation of the values, where names of one's own are mapped to them.
      elements: annotation of the elements of a list.
    """

    text: bool = False
    free: bool = False
    other: frozenset[type] = frozenset()
    unset: bool = False
    place: bool = False
    model: type[BaseModel] | None = None
    values: Any = None
    elements: Any = None

    def __or__(self, more: Kind) -> Kind:
        return Kind(
            self.text or more.text,
            self.free or more.free,
            self.other | more.other,
            self.unset or more.unset,
            self.place or more.place,
            self.model or more.model,
            self.values if self.values is not None else more.values,
            self.elements if self.elements is not None else more.elements,
        )

    @property
    def is_text(self) -> bool:
        """Whether it is text, whatever stands there."""
        return self.text and not (self.other or self.model or self.values or self.elements)


def kind(annotation: Any) -> Kind:
    """What a field with `annotation` may be."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        inner = kind(arguments[0])
        is_place = any(isinstance(each, IsPlace) for each in arguments[1:])
        return replace(inner, place=True) if is_place else inner
    if origin in (types.UnionType, typing.Union):
        found = Kind()
        for argument in arguments:
            found |= kind(argument)
        return found
    if origin is Literal:
        others = frozenset(type(each) for each in arguments if not isinstance(each, str))
        return Kind(text=len(others) < len(arguments), other=others)
    if origin in (tuple, list):
        return Kind(elements=arguments[0])
    if origin is dict:
        return Kind(values=arguments[1])
    if annotation is None or annotation is type(None):
        return Kind(unset=True)
    if annotation is str:
        return Kind(text=True, free=True)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return Kind(model=annotation)
    return Kind(other=frozenset([annotation])) if isinstance(annotation, type) else Kind()


def below(annotation: Any, key: str) -> Any:
    """Annotation of what `key` names in a setting with `annotation`; None where nothing is known."""
    found = kind(annotation)
    if found.model is not None:
        field = found.model.model_fields.get(key)
        if field is None:
            return None
        # Pydantic takes what is around the type off it.
        return (
            typing.Annotated[field.annotation, *field.metadata]
            if field.metadata
            else field.annotation
        )
    return found.values if found.values is not None else found.elements


def is_secret(model: type[BaseModel], location: Sequence[str]) -> bool:
    """Whether a setting, or a section or list that it is in, may hold secrets."""
    annotation: Any = model
    for part in location:
        annotation = None if annotation is None else below(annotation, part)
        if typing.get_origin(annotation) is typing.Annotated and any(
            isinstance(each, IsSecret) for each in typing.get_args(annotation)[1:]
        ):
            return True
    return False


def read(node: yaml.Node, annotation: Any, source: str, inside: bool = False) -> Any:
    """The value of a setting with `annotation` (None: unknown), as `node` gives it.

    Args:
      node: as `yaml12.compose` makes it.
      annotation: of the field, or of what is in its list or mapping.
      source: where it is from, for messages.
      inside: whether it is in a list or a mapping, whose elements are never unset.

    Raises:
      SettingsError: nothing stands where text is expected.
    """
    found = kind(annotation)
    is_list = found.elements is not None
    if isinstance(node, yaml.MappingNode):
        if is_list and not (found.model or found.values):
            return [read(node, found.elements, source, True)]
        return {
            key.value: read(value, below(annotation, key.value), source, found.model is None)
            for key, value in node.value
        }
    if isinstance(node, yaml.SequenceNode):
        return [read(item, found.elements, source, True) for item in node.value]
    if is_list and not (found.text or node.tag == yaml12.NOTHING):
        return [read(line, found.elements, source, True) for line in _lines(node)]
    at = "" if node.start_mark.name == yaml12.ALONE else f": line {node.start_mark.line + 1}"
    return _word(node, found, source + at, inside)


def read_assigned(text: str, annotation: Any, source: str, inside: bool = False) -> Any:
    """The same of what stands on a command line: text is taken as it stands there.

    Quotes around all of it are taken off; `null` is what is unset.

    Raises:
      SettingsError: as `read`; or lists and mappings that are no YAML.
    """
    found = kind(annotation)
    collects = found.model or found.values or found.elements
    one = found.elements is not None and not text.lstrip().startswith(("[", "{"))
    if not one and (collects or annotation is None):
        try:
            node = yaml12.compose(text, source)
        except SettingsError:
            if collects and not found.text:
                raise
            node = yaml12.word(text)
        return None if node is None else read(node, annotation, source, inside)
    texts = kind(found.elements) if one else found
    node = yaml12.word(text if texts.text else text.strip())
    if texts.text and node.tag == yaml12.NOTHING and node.value not in ("", "null"):
        node.tag = yaml12.TEXT
    return read(node, annotation, source, inside)


def _lines(node: yaml.ScalarNode) -> list[yaml.ScalarNode]:
    """A list of one; or of the lines of a block of text."""
    if node.style != "|":
        return [node]
    return [
        yaml.ScalarNode(yaml12.TEXT, line.strip(), node.start_mark, node.end_mark, style="'")
        for line in node.value.splitlines()
        if line.strip() and not line.strip().startswith("#")
    ]


def _word(node: yaml.ScalarNode, found: Kind, where: str, inside: bool) -> Any:
    value = yaml12.scalar(node)
    if value is None:
        if inside and found.text and not found.unset:
            return node.value
        if found.model is not None and not found.unset:
            return {}  # a section of which everything is commented out
        if found.is_text and found.unset and node.value in ("~", ""):
            raise SettingsError(
                f"{where}: no text is given. In YAML ~ is nothing, and what follows # is a comment: put "
                'such text in quotes, such as "#"; give null for what is unset'
            )
        return None
    if not found.text and found.model is not None:
        return node.value  # the name alone, where a section may be given so
    if not found.text or isinstance(value, str):
        return value
    return value if _is_meant(value, node.value, found) else node.value


def _is_meant(value: Any, text: str, found: Kind) -> bool:
    """Whether a word where text may stand, too, is a number or a truth value."""
    if isinstance(value, bool):
        return bool in found.other
    if isinstance(value, float) and not value.is_integer():
        return float in found.other
    # 007 and 0x1F are codes, where there may be any text.
    is_code = found.free and isinstance(value, int) and str(value) != text
    return bool({int, float} & found.other) and not is_code
