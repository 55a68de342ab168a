"""A monitor as a file: written whole or not at all, and refused where it is of another question."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any, Protocol

from fairgate.documents import to_json, write_text
from fairgate.errors import DataError, SettingsError

_FORMAT = "fairgate monitor 1"


class Kept(Protocol):
    """What is kept in the file: a monitor."""

    @property
    def question(self) -> dict[str, Any]:
        """What is watched."""
        ...

    def restore(self, document: Mapping[str, Any]) -> None:
        """Goes on from what `as_document` told."""
        ...

    def as_document(self) -> dict[str, Any]:
        """All that is needed to go on."""
        ...


class State:
    """The file that a monitor's state is kept in.

    Args:
      file: need not be there yet.

    Attributes:
      source: what whoever saved it wants to know again, such as how far a log was read; empty without.

    Raises:
      DataError: it is there and cannot be read, or holds no state.
    """

    def __init__(self, file: str | os.PathLike[str]) -> None:
        self.file = pathlib.Path(file)
        self._document = self._read()
        self.source: dict[str, Any] = dict(self._document["source"]) if self._document else {}

    @property
    def is_there(self) -> bool:
        """Whether there was a state."""
        return self._document is not None

    @property
    def question(self) -> dict[str, Any]:
        """What the state is about, as `Monitor.question` and the lines of its constraints."""
        document = self._require()
        return {**document["question"], "lines": document["lines"]}

    def restore(self, monitor: Kept) -> None:
        """Lets a monitor go on from here.

        Raises:
          SettingsError: it watches something else; what differs is named.
          DataError: the state is damaged.
        """
        document = self._require()
        asked = json.loads(to_json(monitor.question))
        for name in dict.fromkeys([*document["question"], *asked]):
            value = document["question"].get(name)
            if asked.get(name) != value:
                raise SettingsError(
                    f"{self.file}: the state is of another question: {name} = {_shown(value)} there, "
                    f"and {_shown(asked.get(name))} is asked for. What was bet on one question is no "
                    "evidence for another: ask as before, or give a new state file"
                )
        try:
            monitor.restore(document)
        except (ValueError, TypeError, KeyError) as error:
            raise self._damaged(str(error)) from None

    def save(self, monitor: Kept, source: Mapping[str, Any] | None = None) -> None:
        """Writes the state.

        Raises:
          DataError: it cannot be written, or another process wrote to it meanwhile.
        """
        on_disk = self._read()
        if (on_disk or {}).get("digest") != (self._document or {}).get("digest"):
            raise DataError(
                f"{self.file}: another process has written this state meanwhile. Records would be "
                "counted twice: let one monitor watch a log, or give each a state file of its own"
            )
        document = {"format": _FORMAT, "source": dict(source or {}), **monitor.as_document()}
        document["digest"] = _digest(document)
        try:
            write_text(self.file, to_json(document, indent=None) + "\n")
        except OSError as error:
            raise DataError(f"{self.file}: cannot be written: {error.strerror or error}") from None
        self._document = document

    def _require(self) -> dict[str, Any]:
        if self._document is None:
            raise DataError(f"{self.file}: there is no state of a monitor")
        return self._document

    def _read(self) -> dict[str, Any] | None:
        try:
            document = json.loads(self.file.read_text(encoding="utf-8"))
            intact = document["format"] == _FORMAT and document["digest"] == _digest(document)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DataError(f"{self.file}: cannot be read: {error.strerror or error}") from None
        except (ValueError, TypeError, KeyError):
            intact = False
        if not intact:
            raise self._damaged(
                "it was not written by this version of the monitor, or changed since"
            )
        return dict(document)

    def _damaged(self, why: str) -> DataError:
        return DataError(
            f"{self.file}: not the state of a monitor: {why}. Restore it from a copy, or start a new "
            "one with another file"
        )


def _digest(document: Mapping[str, Any]) -> str:
    rest = {name: value for name, value in document.items() if name != "digest"}
    return hashlib.blake2b(to_json(rest, indent=None).encode(), digest_size=16).hexdigest()


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else text[:200] + " ..."
