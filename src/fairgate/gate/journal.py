"""The journal of a ledger: its events in order, none of which can be changed or taken away unnoticed.

    <root>/journal/event-000001.json, event-000002.json, ...
    <root>/seals/000001-<digest>, 000002-<digest>, ...

Each event holds a digest of itself and of all before it, as a hash chain does (S. Haber and W. S.
Stornetta, "How to time-stamp a digital document", Journal of Cryptology 1991): whoever changes one, or
takes one out, has to write all later ones anew. What a chain does not show is that its last links are
gone. That is what seals are for: a file for each event, written after it, whose name has its number and
digest.

This is against mistakes (a file removed, a backup put over a newer folder, a branch merged by hand), not
against whoever means to deceive and writes the whole folder anew.

Digests are of what an event says, not of its bytes: another layout or another end of lines is no change.
Earlier versions wrote events without a digest; the next event holds them.
"""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fairgate import vocabulary
from fairgate.errors import DataError
from fairgate.gate.files import Files

Event = dict[str, Any]

_JOURNAL, _SEALS = "journal", "seals"
_DIGEST = "digest"
_NOT_OURS = "not an entry as the gate wrote it"
_SEAL = re.compile(r"(\d{6,})-([0-9a-f]{32})")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Journal:
    """The events of a ledger, when they were read.

    Attributes:
      root: folder of the ledger.
      files: the file system that it lies on.
      events: what happened, in order.
      digests: of each event and all before it.
      sealed: numbers of the events that have a seal, from 1.
      unheld: how many of the last events no digest holds: an earlier version wrote them.
    """

    root: str
    files: Files
    events: list[Event] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    sealed: frozenset[int] = frozenset()
    unheld: int = 0

    def append(self, event: Mapping[str, Any]) -> bool:
        """Whether the event could be written; not if another process was faster."""
        number = len(self.events) + 1
        if self.events and number - 1 not in self.sealed:  # whoever wrote it was stopped before
            self._seal(number - 1, self.digests[-1])
        digest = _chained(self.digests, event)
        file = os.path.join(self.root, _JOURNAL, event_name(number))
        try:
            self.files.create(file, json.dumps({**event, _DIGEST: digest}, indent=1) + "\n")
        except FileExistsError:
            return False
        self._seal(number, digest)
        return True

    def _seal(self, number: int, digest: str) -> None:
        with contextlib.suppress(FileExistsError):
            self.files.create(_seal_file(self.root, number, digest), f"{digest}\n")


def read(root: str, files: Files, check: Callable[[Event], Event]) -> Journal:
    """The journal of the ledger in `root`.

    Args:
      root: folder of the ledger.
      files: the file system that it lies on.
      check: returns the event it is given, if it is one; else raises ValueError, TypeError or KeyError.

    Raises:
      DataError: an event is missing, was changed, or cannot be read, so what is left is unknown.
    """
    # Seals first: an event that is written meanwhile is there before its seal.
    seals = _seals(root, files)
    folder = os.path.join(root, _JOURNAL)
    names = [name for name in files.names(folder) if fnmatch.fnmatch(name, "event-*.json")]
    require_in_order(folder, names, event_name)
    events: list[Event] = []
    digests: list[str] = []
    unheld = 0
    for name in names:
        event = parsed(os.path.join(folder, name), files, check)
        said = event.pop(_DIGEST, None)
        digests.append(_chained(digests, event))
        if said is not None and said != digests[-1]:
            which = " (or one of those before it, which an earlier version wrote)" if unheld else ""
            raise damaged(os.path.join(folder, name), f"changed since it was written{which}")
        events.append(event)
        unheld = unheld + 1 if said is None else 0
    for number, digest in sorted(seals):
        file = os.path.join(folder, event_name(number))
        if number > len(events):
            raise damaged(
                file, f"missing, while its seal {_seal_file(root, number, digest)} is there"
            )
        if digest != digests[number - 1]:
            raise damaged(file, "changed since it was sealed, or one of those before it was")
    return Journal(root, files, events, digests, frozenset(n for n, _ in seals), unheld)


def parsed(file: str, files: Files, make: Callable[[Event], _T]) -> _T:
    """What `make` makes of the JSON in a file of the ledger; DataError where that is none of ours."""
    try:
        return make(json.loads(files.read(file)))
    except json.JSONDecodeError as error:
        raise damaged(file, f"{_NOT_OURS} (line {error.lineno}: {error.msg})") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise damaged(file, _NOT_OURS) from None


def require_in_order(folder: str, names: Sequence[str], named: Callable[[int], str]) -> None:
    """Raises DataError unless `names` are those of the numbers from 1 on."""
    for number, name in enumerate(names, start=1):
        if name != named(number):
            there = f"while {os.path.join(folder, name)} is there"
            raise damaged(os.path.join(folder, named(number)), f"missing, {there}")


def event_name(number: int) -> str:
    """Of the file of an event."""
    return f"event-{number:06d}.json"


def damaged(file: str, how: str) -> DataError:
    """What is wrong with a file of the ledger, and the ways out."""
    names = vocabulary.now()
    return DataError(
        f"{file}: {how}. The gate counts the models it has judged in these files, and judges none while "
        "they are not as it wrote them: restore the whole folder from a copy; or begin another ledger"
        f"{names.new_ledger} with test data that no model was judged on{names.new_test_data}"
    )


def _seal_file(root: str, number: int, digest: str) -> str:
    return os.path.join(root, _SEALS, f"{number:06d}-{digest}")


def _seals(root: str, files: Files) -> set[tuple[int, str]]:
    found = (_SEAL.fullmatch(name) for name in files.names(os.path.join(root, _SEALS)))
    return {(int(match[1]), match[2]) for match in found if match}


def _chained(before: Sequence[str], event: Mapping[str, Any]) -> str:
    """The digest of an event and of all before it."""
    said = json.dumps([before[-1] if before else "", event], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:32]
