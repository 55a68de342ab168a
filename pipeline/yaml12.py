"""YAML 1.2 with the core schema, as far as settings need it: what plain words mean, and where they are.

PyYAML reads YAML 1.1, in which `off`, `No`, `0100` and `12:30` are no text and no decimal numbers, and of
two equal keys the last counts without a word. Here plain words mean what the core schema of YAML 1.2
(section 10.3 of its specification) says, and equal keys are refused with both lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

import yaml

from fairgate.errors import SettingsError

_TAG = "tag:yaml.org,2002:"
TEXT, NUMBER, WHOLE, TRUTH, NOTHING = (
    _TAG + kind for kind in ("str", "float", "int", "bool", "null")
)
_MERGE = _TAG + "merge"
_KNOWN = {TEXT, NUMBER, WHOLE, TRUTH, NOTHING, _MERGE, _TAG + "map", _TAG + "seq"}

_CORE = (
    (NOTHING, r"null|Null|NULL|~|", ["n", "N", "~", ""]),
    (TRUTH, r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    (WHOLE, r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        NUMBER,
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
    (_MERGE, r"<<", ["<"]),
)
ALONE = "a word"  # where a word is from that stands in no document
_MOST_NODES = 100_000
_MOST_LEVELS = 64
MOST_BYTES = 500_000
"""Of a file of settings: the parser takes seconds for as many."""
_MOST_DIGITS = 400  # more than any number has that a computer reckons with (1e308)
_QUOTES = "Put text that holds one of : # [ ] { } , & * ! | > ' \" % @ ` in quotes, such as '|'"


class _Loader(yaml.SafeLoader):
    """The parser of PyYAML with the words of YAML 1.2."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}

    # What the scanner does at each word grows with the levels that are open.

    def fetch_flow_collection_start(self, token_class: Any) -> None:
        if self.flow_level >= _MOST_LEVELS:
            raise RecursionError
        super().fetch_flow_collection_start(token_class)

    def add_indent(self, column: int) -> bool:
        if len(self.indents) > _MOST_LEVELS:
            raise RecursionError
        return bool(super().add_indent(column))


class _Merger(yaml.SafeLoader):
    """Puts what `<<` names into a mapping, whose own values come first; each name stays there once."""

    def __init__(self, source: str):
        super().__init__("")
        self._source = source

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        _check_keys(node, self._source)
        super().flatten_mapping(node)  # which comes back here for each mapping that is named
        node.value = list({key.value: (key, value) for key, value in node.value}.values())


class _Dumper(yaml.SafeDumper):
    """Puts text in quotes wherever YAML 1.1 or 1.2 would take it for something else."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {
        first: list(found) for first, found in yaml.SafeDumper.yaml_implicit_resolvers.items()
    }


def _text(dumper: _Dumper, text: str) -> yaml.Node:
    # Outside of double quotes YAML takes these for ends of lines, of which it keeps none.
    style = '"' if set(text) & set("\x85\u2028\u2029") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


for _tag, _pattern, _firsts in _CORE:
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(_tag, re.compile(rf"(?:{_pattern})\Z"), _firsts)


def compose(text: str, source: str) -> yaml.Node | None:
    """The nodes of one document; None where it is empty.

    Args:
      text: YAML.
      source: where it is from, for messages.

    Raises:
      SettingsError: it is no YAML, a key is there twice, or it holds what settings never need.
    """
    if len(text) > MOST_BYTES:
        raise SettingsError(
            f"{source}: has {len(text):,} characters, and settings have at most {MOST_BYTES:,}. Is it "
            "another file?"
        )
    try:
        node = yaml.compose(text, Loader=_Loader)
        if node is not None:
            _flatten(node, source)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = "" if mark is None else f" at line {mark.line + 1}, column {mark.column + 1}"
        said = ", ".join(filter(None, (error.context, error.problem)))
        raise SettingsError(f"{source}: not valid YAML{at}: {said}. {_QUOTES}") from None
    except yaml.YAMLError as error:
        said = " ".join(str(error).split())
        raise SettingsError(f"{source}: not valid YAML: {said}. Save it as UTF-8 text") from None
    except RecursionError:
        raise SettingsError(
            f"{source}: nested too deeply for settings; expected sections in sections, at most "
            f"{_MOST_LEVELS} levels"
        ) from None
    return node


def word(text: str) -> yaml.ScalarNode:
    """A word that stands alone: what is in its quotes, where it has some, or the text as it is."""
    start = yaml.Mark(ALONE, 0, 0, 0, None, 0)
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        try:
            node = yaml.compose(text, Loader=_Loader)
        except yaml.YAMLError:
            node = None
        if isinstance(node, yaml.ScalarNode):
            return node
    return yaml.ScalarNode(
        _RESOLVER.resolve(yaml.ScalarNode, text, (True, False)), text, start, start
    )


def plain(node: yaml.Node) -> Any:
    """What `node` means by the core schema alone."""
    if isinstance(node, yaml.MappingNode):
        return {key.value: plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [plain(item) for item in node.value]
    return scalar(node)


def scalar(node: yaml.ScalarNode) -> Any:
    """What a word means by the core schema; text where it cannot be what its tag says."""
    text: str = node.value
    if len(text) > _MOST_DIGITS:
        return text
    try:
        if node.tag == WHOLE:
            return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
        if node.tag == NUMBER:
            return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:  # more digits than Python reads, or a tag that was given does not fit
        return text
    if node.tag == NOTHING:
        return None
    if node.tag == TRUTH and text.lower() in ("true", "false"):
        return text.lower() == "true"
    return text


def dump(tree: Any, **options: Any) -> str:
    """`tree` as YAML that means the same in 1.1 and 1.2."""
    options = {"sort_keys": False, "allow_unicode": True, "width": 100} | options
    return str(yaml.dump(tree, Dumper=_Dumper, **options))


def _flatten(root: yaml.Node, source: str) -> None:
    """Checks all nodes, and puts what `<<` names into the mapping that it stands in."""
    merger = _Merger(source)
    for seen, (node, above) in enumerate(_walk(root, ())):
        if any(node is other for other in above):
            raise SettingsError(
                f"{source}: line {node.start_mark.line + 1}: its aliases (*) make it endless. Write out "
                "what they stand for"
            )
        if seen > _MOST_NODES:
            raise SettingsError(
                f"{source}: line {node.start_mark.line + 1}: far too large: settings have at most "
                f"{_MOST_NODES:,} names and values, those that aliases (*) stand for included"
            )
        if node.tag not in _KNOWN:
            raise SettingsError(
                f"{source}: line {node.start_mark.line + 1}: settings have no {node.tag!r}. Leave what "
                "begins with ! out, or put the text in quotes"
            )
        if isinstance(node, yaml.ScalarNode):
            _check_text(node, source)
        if isinstance(node, yaml.MappingNode):
            merger.flatten_mapping(node)


_RESOLVER = _Loader("")


def _walk(
    node: yaml.Node, above: tuple[yaml.Node, ...]
) -> Iterator[tuple[yaml.Node, tuple[yaml.Node, ...]]]:
    yield node, above
    if isinstance(node, yaml.ScalarNode):
        return
    for item in node.value:
        for part in item if isinstance(item, tuple) else (item,):
            yield from _walk(part, (*above, node))


def _check_text(node: yaml.ScalarNode, source: str) -> None:
    at = f"{source}: line {node.start_mark.line + 1}"
    if any("\ud800" <= character <= "\udfff" or character == "\0" for character in node.value):
        raise SettingsError(
            f"{at}: {node.value!r} holds a character that is in no text; leave it out"
        )
    if node.style in ("|", ">") and not node.value:
        raise SettingsError(
            f"{at}: {node.style} alone begins a block of text in YAML, and there is none. Put the "
            f"character in quotes: '{node.style}'"
        )


def _check_keys(node: yaml.MappingNode, source: str) -> None:
    lines: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise SettingsError(
                f"{source}: line {line}: a list or a mapping stands where a name is expected. Put text "
                "that holds [ ] { } in quotes"
            )
        if key.tag == _MERGE:
            continue
        if key.value in lines:
            raise SettingsError(
                f"{source}: {key.value!r} is there twice, at line {lines[key.value]} and at line {line}: "
                "one of them would be lost. Put both into one"
            )
        lines[key.value] = line
