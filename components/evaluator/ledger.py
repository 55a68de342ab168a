"""The ledger: which models were judged on which test split, in small files.

A file, because nothing else in reach can count: a TFX resolver could ask ML Metadata, but Vertex AI and
Kubeflow Pipelines run none of one's own. The Evaluator writes each attempt into its artifacts' properties
too, so ML Metadata knows the same. One folder for each test split, named by the digest of its contents:

    <root>/<test digest>/attempt-0001.json, attempt-0002.json, ...

An entry is written before the test predictions are looked at, and never changed: an evaluation that was
interrupted finds its own entry when it is started again.
"""

from __future__ import annotations

import datetime
import json
import os
import uuid
from dataclasses import asdict

import tensorflow as tf

from components.errors import DataError
from components.evaluator.attempts import Attempt, Entry, Question, share


def admit(
    root: str, test_digest: str, question: Question, confidence: float, attempts: int, run: str
) -> Attempt:
    """The attempt that asks `question`: the one of before, or a new one, which is written down.

    Processes that ask at the same time get different numbers.

    Args:
      root: folder of the ledger, local or of any file system that TensorFlow knows.
      test_digest: of the contents of the test split.
      question: what is asked of it.
      confidence: of the promise over all attempts.
      attempts: how many there may be.
      run: names the run, for whoever is refused later.

    Raises:
      AttemptsUsedUp: see `attempts.share`.
      DataError: the ledger is damaged.
    """
    folder = os.path.join(root, test_digest)
    while True:
        entries = read(root, test_digest)
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
        when = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        entry = Entry(number, question, delta, run, when)
        tf.io.gfile.makedirs(folder)
        try:
            _create(_file(folder, number), json.dumps(asdict(entry), indent=1) + "\n")
        except FileExistsError:
            continue  # another process was faster: what is left is counted anew
        return attempt


def read(root: str, test_digest: str) -> list[Entry]:
    """The attempts on one test split, in order; none where nothing was judged.

    Raises:
      DataError: an entry is missing or cannot be read, so what is left is unknown.
    """
    folder = os.path.join(root, test_digest)
    files = sorted(tf.io.gfile.glob(os.path.join(folder, "attempt-*.json")))
    entries = []
    for number, file in enumerate(files, start=1):
        expected = _file(folder, number)
        if os.path.basename(file) != os.path.basename(expected):
            raise DataError(
                f"{expected}: missing, while {file} is there. The gate counts the models it has judged "
                "in these files: restore the folder, or give new test data (data.splits.test)"
            )
        entries.append(_parse(file, number))
    return entries


def _parse(file: str, number: int) -> Entry:
    try:
        with tf.io.gfile.GFile(file) as stream:
            tree = json.loads(stream.read())
        question = tree.pop("question")
        constraints = tuple(question.pop("constraints"))
        entry = Entry(question=Question(constraints=constraints, **question), **tree)
        intact = entry.number == number and 0 < entry.delta < 1
    except (ValueError, TypeError, KeyError, AttributeError):
        intact = False
    if not intact:
        raise DataError(
            f"{file}: not an entry as the gate wrote it. The gate counts the models it has judged in "
            "these files: restore it, or give new test data (data.splits.test)"
        )
    return entry


def _file(folder: str, number: int) -> str:
    return os.path.join(folder, f"attempt-{number:04d}.json")


def _create(file: str, text: str) -> None:
    """Writes `file`, whole or not at all; raises FileExistsError if it is there already."""
    if "://" in file:
        # An object store writes objects whole, but TensorFlow offers no exclusive creation there: the
        # loser of a race finds the winner's words in its place.
        if not tf.io.gfile.exists(file):
            with tf.io.gfile.GFile(file, "w") as stream:
                stream.write(text)
            with tf.io.gfile.GFile(file) as stream:
                if stream.read() == text:
                    return
        raise FileExistsError(file)
    partial = os.path.join(os.path.dirname(file), f".{uuid.uuid4().hex}")
    try:
        with open(partial, "x") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.link(partial, file)  # one operation, which fails if the name is taken
    finally:
        os.unlink(partial)
