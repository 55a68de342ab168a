"""One line of JSON for each finished trial of a method: what makes an experiment resumable."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fairgate.documents import to_json, write_text
from fairgate.errors import SettingsError

Record = dict[str, Any]
Key = tuple[str, float, int]

_TRIALS, _PLAN = "trials.jsonl", "experiment.json"


def key(record: Record) -> Key:
    """(method, fraction, trial)."""
    return record["method"], record["fraction"], record["trial"]


class Records:
    """The trials in a folder. One process writes them.

    Args:
        folder: is made if it is not there.
        plan: what every trial in it was made by.

    Raises:
        SettingsError: the folder holds trials of another plan.
    """

    def __init__(self, folder: Path, plan: Record):
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / _TRIALS
        written = folder / _PLAN
        if written.exists():
            _require_same(json.loads(written.read_text()), plan, folder)
        else:
            write_text(written, to_json(plan, indent=1) + "\n")
        self._cut_torn_line()

    def read(self) -> list[Record]:
        """Every trial once, as it was written last, in the order of their first lines."""
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        found = map(json.loads, lines)
        return list({key(record): record for record in found}.values())

    def append(self, records: Iterable[Record]) -> None:
        """Adds lines in one write: another reader sees all of them or none.

        Raises:
            OSError: nothing was added; a full disk, for instance.
        """
        text = "".join(json.dumps(record) + "\n" for record in records)
        descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            before = os.fstat(descriptor).st_size
            written = os.write(descriptor, text.encode())
            if written < len(text.encode()):  # the disk is full: half a line would spoil the next
                os.ftruncate(descriptor, before)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._file))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _cut_torn_line(self) -> None:
        """A machine that stopped in the middle of a line leaves its beginning."""
        if self._file.exists():
            whole = self._file.read_bytes()
            kept = whole[: whole.rfind(b"\n") + 1]
            if kept != whole:
                os.truncate(self._file, len(kept))


def finished(records: Iterable[Record]) -> set[Key]:
    """What need not run again: all but trials that failed."""
    return {key(record) for record in records if "error" not in record}


def _require_same(before: Record, now: Record, folder: Path) -> None:
    for field in {**before, **now}:
        if before.get(field) != now.get(field):
            raise SettingsError(
                f"--out {folder}: its trials were made with {field} = {before.get(field)!r}, not "
                f"{now.get(field)!r}; give another folder"
            )
