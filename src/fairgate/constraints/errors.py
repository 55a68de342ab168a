"""What can be wrong with a constraint, said so that a person can repair it."""

from __future__ import annotations

from collections.abc import Sequence

from fairgate.errors import FairGateError

_MOST_SHOWN = 1_000  # characters of a constraint


class ConstraintError(FairGateError):
    """A constraint that cannot be read.

    Attributes:
        text: the whole constraint, as given.
        column: 1-based column of the offending character in `text`.
        problem: what is wrong, in a few words.
        expected: what would have been right at that place.
        suggestions: names that the writer may have meant, best first.
        line: 1-based number of the constraint among several, or None.
    """

    def __init__(
        self,
        text: str,
        column: int,
        problem: str,
        expected: str,
        suggestions: Sequence[str] = (),
        line: int | None = None,
    ) -> None:
        self.text = text
        self.column = column
        self.problem = problem
        self.expected = expected
        self.suggestions = tuple(suggestions)
        self.line = line
        super().__init__(self._message())

    def at_line(self, line: int) -> ConstraintError:
        """The same error, naming the 1-based number of the constraint in its list."""
        return ConstraintError(
            self.text, self.column, self.problem, self.expected, self.suggestions, line
        )

    def _message(self) -> str:
        place = f"column {self.column}"
        if self.line is not None:
            place = f"line {self.line}, {place}"
        # Control characters would move the caret away from the character it points at.
        shown, column = _around(self.text, self.column)
        shown = "".join(c if c.isprintable() else " " for c in shown)
        message = f"{place}: {self.problem}\n  {shown}\n  {' ' * (column - 1)}^\n"
        message += f"expected {self.expected}"
        if self.suggestions:
            message += f"; did you mean {' or '.join(repr(s) for s in self.suggestions)}?"
        return message


def _around(text: str, column: int) -> tuple[str, int]:
    """What is shown of a text, and the column there: all of it, or the part around the column."""
    if len(text) <= _MOST_SHOWN:
        return text, column
    start = max(0, min(column - 1 - _MOST_SHOWN // 2, len(text) - _MOST_SHOWN))
    end = start + _MOST_SHOWN
    before, after = "... " if start else "", " ..." if end < len(text) else ""
    return f"{before}{text[start:end]}{after}", column - start + len(before)


class NotTrainableError(FairGateError):
    """A constraint that can be read and measured, but not (yet) trained on.

    Attributes:
        constraint: the text of the constraint.
        part: the text of the sub-expression that is in the way.
    """

    def __init__(self, constraint: str, part: str, problem: str, remedy: str) -> None:
        self.constraint = constraint
        self.part = part
        super().__init__(
            f"cannot train on the constraint '{constraint}': {problem}\n"
            f"  the part in the way: {part}\n"
            f"  what would work: {remedy}"
        )


class OutOfReachError(NotTrainableError):
    """A constraint that no classifier can meet."""

    def __init__(self, constraint: str, part: str) -> None:
        super().__init__(constraint, part, "no classifier can meet it", "a limit within reach")
