"""Numbers and groups as the constraint language writes them."""

from __future__ import annotations

from fairgate.constraints.rates import Group


def number_text(value: float) -> str:
    """The shortest text that reads back to the same float64, without a needless '.0'."""
    text = repr(float(value))
    return text[:-2] if text.endswith(".0") else text


def group_text(group: Group) -> str:
    """[Feature=Group], with a backslash before the characters that mean something in brackets."""
    content = f"{group.feature}={group.name}"
    return "[" + "".join("\\" + c if c in "\\[]" else c for c in content) + "]"
