"""Text of other people's as it is shown: what cannot be seen, or moves what is around it, as an escape.

A name with U+202E turns the rest of its line round, and one with U+001B can clear the terminal: two
different names may look alike. Nothing but what is shown changes; JSON and files keep names as they are.
"""

from __future__ import annotations

import re
import unicodedata

HIDDEN = ("Cc", "Cf", "Co", "Cs")
"""Unicode's general categories of controls, formats, private use and surrogates."""
_KEPT = "\u200c\u200d"
"""The joiners that emoji and several scripts are written with."""
_SUSPECT = re.compile(r"[^\x20-\x7e\n\t]")


_LEAST_HIDDEN = 6  # characters: a shorter text is part of many words
_hidden: dict[str, str] = {}


def hide(secret: str, name: str) -> None:
    """From now on `name` is shown in the place of a secret that is in a text, whoever says it.

    Texts of fewer than 6 characters are left alone.
    """
    if len(secret) >= _LEAST_HIDDEN:
        _hidden[secret] = name


def visible(text: str) -> str:
    r"""The text without secrets, and with an escape in the place of each character that nobody would see.

    >>> visible("left \u202eright"), visible("\x1b[2J")
    ('left \\u202eright', '\\x1b[2J')
    >>> visible("Jünger & Älter\n")
    'Jünger & Älter\n'
    """
    for secret, name in _hidden.items():
        text = text.replace(secret, name)
    return text if text.isprintable() else _SUSPECT.sub(_escaped, text.replace("\r\n", "\n"))


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    hidden = unicodedata.category(character) in HIDDEN and character not in _KEPT
    return character.encode("unicode_escape").decode() if hidden else character
