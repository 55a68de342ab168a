"""Numbers and groups as the constraint language writes them."""

from __future__ import annotations

import re

from fairgate.constraints.rates import Group

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z_0-9]*|[0-9]+")


def number_text(value: float) -> str:
    """The shortest text that reads back to the same float64, without a needless '.0'."""
    text = repr(float(value))
    return text[:-2] if text.endswith(".0") else text


def group_text(group: Group) -> str:
    """[Feature=Group], with a backslash before the characters that mean something in brackets."""
    return _bracket(f"{group.feature}={group.name}")


def class_text(name: str) -> str:
    """A class behind a rate: (A), or in brackets, ([two words]), where a name could not be read else.

    >>> class_text("A"), class_text("1"), class_text("under 10")
    ('(A)', '(1)', '([under 10])')
    """
    return f"({name})" if _PLAIN.fullmatch(name) else f"({_bracket(name)})"


def _bracket(content: str) -> str:
    return "[" + "".join("\\" + c if c in "\\[]" else c for c in content) + "]"
