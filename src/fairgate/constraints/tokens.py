"""The words of the constraint language, each with the column it starts at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from fairgate.constraints.errors import ConstraintError

Kind = Literal["number", "name", "bracket", "symbol", "end"]

_PATTERN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
      | (?P<number>([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?)
      | (?P<name>[A-Za-z_][A-Za-z_0-9]*)
      | (?P<bracket>\[(?:[^\\\[\]]|\\.)*\])
      | (?P<symbol><=|>=|[-+*/(),|])
    """,
    re.VERBOSE | re.DOTALL,
)

# Longer ones are accidents, and no message could show where.
MOST_CHARACTERS = 10_000

# What people write instead, and what the language wants there.
_MEANT = {
    "<": "'<=' (a strict limit means nothing for a measured rate)",
    ">": "'>=' (a strict limit means nothing for a measured rate)",
    "=": "'<=' or '>=' (write a band as abs(... - x) <= y)",
    "≤": "'<='",
    "≥": "'>='",
    "%": "a fraction, like 0.05 for 5%",
    "[": "a closing ']' after the name of the group",
    "]": "an opening '[' before the name of the group",
}


@dataclass(frozen=True)
class Token:
    """One word: what it is, its text (of a bracket: the name inside), its 1-based column."""

    kind: Kind
    text: str
    column: int

    def __str__(self) -> str:
        if self.kind == "end":
            return "the end of the constraint"
        return f"'[{self.text}]'" if self.kind == "bracket" else f"'{self.text}'"


def tokenize(text: str) -> list[Token]:
    """Cuts a constraint into words; the last is always of kind "end". From a # on, a line is a comment.

    Raises:
        ConstraintError: at the first character that starts no word; or the text is far too long.
    """
    if len(text) > MOST_CHARACTERS:
        raise ConstraintError(
            f"{text[:60]} ...",
            1,
            f"it has {len(text):,} characters",
            f"at most {MOST_CHARACTERS:,}",
        )
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        match = _PATTERN.match(text, position)
        if match is None:
            character = text[position]
            expected = _MEANT.get(character, "a rate, a number, an operator or a comparison")
            raise ConstraintError(text, position + 1, f"cannot read {character!r} here", expected)
        kind, word = match.lastgroup, match.group()
        if kind == "bracket":
            tokens.append(Token("bracket", re.sub(r"\\(.)", r"\1", word[1:-1]), position + 1))
        elif kind in ("number", "name", "symbol"):
            tokens.append(Token(kind, word, position + 1))  # type: ignore[arg-type]
        position = match.end()
    return [*tokens, Token("end", "", len(text) + 1)]


def without_comment(text: str) -> str:
    """A constraint that `tokenize` reads, without its comments.

    >>> without_comment("FPR | [C#] <= 0.05  # of those who know it")
    'FPR | [C#] <= 0.05'
    """
    words = (match.group() for match in _PATTERN.finditer(text))
    return "".join(word for word in words if not word.startswith("#")).strip()
