"""The ledger: which models were judged on which test split, in small files.

Files, because nothing else is at hand wherever a gate is asked: on a laptop, in a CI job, in a container
of a cluster. One folder for each test split, named by the digest of its contents:

    <root>/<test digest>/attempt-0001.json, attempt-0002.json, ...

An entry is written before the test predictions are looked at, and never changed: an evaluation that was
interrupted finds its own entry when it is started again.
"""

from __future__ import annotations

import datetime
import fnmatch
import json
import os
import pathlib
import uuid
from dataclasses import asdict
from typing import Protocol

from fairgate import vocabulary
from fairgate.errors import DataError
from fairgate.gate.attempts import Attempt, Entry, Question, share


class Files(Protocol):
    """The file system that a ledger lies on."""

    def names(self, folder: str) -> list[str]:
        """The names in `folder`, sorted; none where it is not there."""
        ...

    def read(self, file: str) -> str:
        """What `file` holds."""
        ...

    def create(self, file: str, text: str) -> None:
        """Writes `file`, whole or not at all, and its folder before it.

        Raises:
          FileExistsError: it is there already.
        """
        ...


class LocalFiles:
    """The file system of this machine."""

    def names(self, folder: str) -> list[str]:
        """See `Files.names`."""
        return sorted(os.listdir(folder)) if os.path.isdir(folder) else []

    def read(self, file: str) -> str:
        """See `Files.read`."""
        return pathlib.Path(file).read_text(encoding="utf-8")

    def create(self, file: str, text: str) -> None:
        """See `Files.create`."""
        folder = os.path.dirname(file)
        os.makedirs(folder, exist_ok=True)
        partial = os.path.join(folder, f".{uuid.uuid4().hex}")
        try:
            with open(partial, "x", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            os.link(partial, file)  # one operation, which fails if the name is taken
        finally:
            os.unlink(partial)


LOCAL = LocalFiles()


def admit(
    root: str,
    test_digest: str,
    question: Question,
    confidence: float,
    attempts: int,
    run: str,
    files: Files = LOCAL,
) -> Attempt:
    """The attempt that asks `question`: the one of before, or a new one, which is written down.

    Processes that ask at the same time get different numbers.

    Args:
      root: folder of the ledger.
      test_digest: of the contents of the test split.
      question: what is asked of it.
      confidence: of the promise over all attempts.
      attempts: how many there may be.
      run: names the run, for whoever is refused later.
      files: the file system that the ledger lies on.

    Raises:
      AttemptsUsedUp: see `attempts.share`.
      DataError: the ledger is damaged.
    """
    folder = os.path.join(root, test_digest)
    while True:
        entries = read(root, test_digest, files)
        number, delta = share(entries, question, confidence, attempts)
        attempt = Attempt(
            number=number,
            of=attempts,
            confidence=round(1.0 - delta, 12),
            delta_total=round(1.0 - confidence, 12),
            test_digest=test_digest,
        )
        if number <= len(entries):
            return attempt
        when = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        entry = Entry(number, question, delta, run, when)
        try:
            files.create(_file(folder, number), json.dumps(asdict(entry), indent=1) + "\n")
        except FileExistsError:
            continue  # another process was faster: what is left is counted anew
        return attempt


def read(root: str, test_digest: str, files: Files = LOCAL) -> list[Entry]:
    """The attempts on one test split, in order; none where nothing was judged.

    Raises:
      DataError: an entry is missing or cannot be read, so what is left is unknown.
    """
    folder = os.path.join(root, test_digest)
    names = [name for name in files.names(folder) if fnmatch.fnmatch(name, "attempt-*.json")]
    entries = []
    for number, name in enumerate(names, start=1):
        file, expected = os.path.join(folder, name), _file(folder, number)
        if file != expected:
            raise DataError(
                f"{expected}: missing, while {file} is there. The gate counts the models it has judged "
                "in these files: restore the folder, or give new test data"
                f"{vocabulary.now().new_test_data}"
            )
        entries.append(_parse(file, files, number))
    return entries


def _parse(file: str, files: Files, number: int) -> Entry:
    try:
        tree = json.loads(files.read(file))
        question = tree.pop("question")
        constraints = tuple(question.pop("constraints"))
        entry = Entry(question=Question(constraints=constraints, **question), **tree)
        intact = entry.number == number and 0 < entry.delta < 1
    except (ValueError, TypeError, KeyError, AttributeError):
        intact = False
    if not intact:
        raise DataError(
            f"{file}: not an entry as the gate wrote it. The gate counts the models it has judged in "
            f"these files: restore it, or give new test data{vocabulary.now().new_test_data}"
        )
    return entry


def _file(folder: str, number: int) -> str:
    return os.path.join(folder, f"attempt-{number:04d}.json")
