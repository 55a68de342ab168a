"""What whoever reads a sentence calls settings and test data: those of a pipeline, arguments, or options.

A sentence is made with the names in force where it is made, and is never altered afterwards: a group
may be called "test split" or "gate.limit", and keeps its name.

>>> with speaking(OPTIONS):
...     now().setting("minimum_accuracy")
'--minimum-accuracy'
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Vocabulary:
    """The names that one kind of reader knows.

    Attributes:
      setting: the gate's setting of a name, such as "minimum_accuracy".
      argument: what else is given, such as "largest_weight".
      value: of an argument and what it is given, such as ("positive", "VALUE").
      test_data: what models are judged on, for "the test split".
      these_test_data: for "on this test split".
      has: the verb that goes with the test data.
      new_test_data: " (data.splits.test)" where a setting names them; else empty.
      new_ledger: how another ledger is given, such as " (--ledger FOLDER)".
    """

    setting: Callable[[str], str]
    argument: Callable[[str], str]
    value: Callable[[str, str], str]
    test_data: str = "test examples"
    these_test_data: str = "these test examples"
    has: str = "have"
    new_test_data: str = ""
    new_ledger: str = " (ledger=FOLDER)"


PIPELINE = Vocabulary(
    setting=lambda name: f"gate.{name}",
    argument=lambda name: name,
    value=lambda name, given: f"{name}={given}",
    test_data="test split",
    these_test_data="this test split",
    has="has",
    new_test_data=" (data.splits.test)",
    new_ledger=" (another folder of runs: --set runs=FOLDER)",
)
"""Of whoever runs the pipeline; in force where nothing else is."""
ARGUMENTS = Vocabulary(
    setting=lambda name: name,
    argument=lambda name: name,
    value=lambda name, given: f"{name}={given}",
)
"""Of whoever calls functions."""
OPTIONS = Vocabulary(
    setting=lambda name: f"--{name.replace('_', '-')}",
    argument=lambda name: f"--{name.replace('_', '-')}",
    value=lambda name, given: f"--{name} {given}",
    new_ledger=" (--ledger FOLDER)",
)
"""Of whoever uses the command line."""

_spoken: ContextVar[Vocabulary] = ContextVar("vocabulary", default=PIPELINE)


def now() -> Vocabulary:
    """The names in force."""
    return _spoken.get()


@contextlib.contextmanager
def speaking(names: Vocabulary) -> Iterator[None]:
    """Sentences and errors that are made inside use `names`."""
    token = _spoken.set(names)
    try:
        yield
    finally:
        _spoken.reset(token)
