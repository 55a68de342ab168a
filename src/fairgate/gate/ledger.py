"""The ledger: which models were judged on which test data, in small files.

Files, because nothing else is at hand wherever a gate is asked: on a laptop, in a CI job, in a container
of a cluster. What happened is written down event by event, for all test splits in one row of numbers:

    <root>/journal/event-000001.json, event-000002.json, ...
    <root>/records/<digest of a split>.json

An event is an attempt, which is written before the test predictions are looked at, or the end of a
series. It is never changed: an evaluation that was interrupted finds its own attempt when it is started
again. The records of a split (`fairgate.records`) say which splits are the same test data: an attempt
counts on every split that shares more than `SHARE` of the smaller one's records with its own, so that one
record more or less, or another name of the pipeline, starts no new series.

Earlier versions kept a folder for each split, <root>/<digest>/attempt-0001.json, ...; see `adopt`.
"""

from __future__ import annotations

import contextlib
import datetime
import fnmatch
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar, get_args

from fairgate import vocabulary
from fairgate.errors import DataError
from fairgate.gate.attempts import Attempt, End, Entry, Question, Why, ended_by, share
from fairgate.gate.files import LOCAL, Files
from fairgate.records import Records

SHARE = 0.01
"""Splits that share more than this of the smaller one's records are the same test data (`Records`)."""

_JOURNAL, _RECORDS = "journal", "records"
# Kinds of events; a former attempt is one of an earlier version.
_ATTEMPT, _FORMER, _END = "attempt", "former attempt", "end"
_NOT_OURS = "not an entry as the gate wrote it"
_T = TypeVar("_T")


@dataclass(frozen=True)
class Page:
    """What happened on a split, and on those that share records with it.

    Attributes:
      entries: the attempts, in order.
      end: of the series, if it has ended.
    """

    entries: list[Entry]
    end: End | None = None


def admit(
    root: str,
    records: Records,
    question: Question,
    confidence: float,
    attempts: int,
    run: str,
    files: Files = LOCAL,
    former: Question | None = None,
) -> Attempt:
    """The attempt that asks `question`: the one of before, or a new one, which is written down.

    Processes that ask at the same time get different numbers.

    Args:
      root: folder of the ledger.
      records: of the test split.
      question: what is asked of it; its `split` is put in here.
      confidence: of the promise over all attempts.
      attempts: how many there may be.
      run: names the run, for whoever is refused later.
      files: the file system that the ledger lies on.
      former: the same question as earlier versions wrote it.

    Raises:
      AttemptsUsedUp: see `attempts.share`.
      DataError: the ledger is damaged.
    """
    question = replace(question, split=records.digest)
    alias = replace(former or question, split=records.digest)
    adopt(root, root, files)
    while True:
        events = _events(root, files)
        page = _page(root, events, records, files)
        entries = [
            replace(entry, question=question) if entry.question == alias else entry
            for entry in page.entries
        ]
        number, delta = share(entries, question, confidence, attempts, page.end)
        attempt = Attempt(
            number=number,
            of=attempts,
            confidence=round(1.0 - delta, 12),
            delta_total=round(1.0 - confidence, 12),
            test_digest=records.digest,
        )
        _keep(root, records, files)
        event = _event(_ATTEMPT, question, delta, run)
        if number <= len(entries) or _append(root, len(events) + 1, event, files):
            return attempt


def settle(
    root: str, records: Records, attempt: Attempt, passed: bool, run: str, files: Files = LOCAL
) -> Attempt:
    """The attempt, sealed unless its judgement ends the series; an end is written down.

    Args:
      root: folder of the ledger.
      records: of the test split.
      attempt: as `admit` gave it, after its model was judged.
      passed: what was judged.
      run: names the run.
      files: the file system that the ledger lies on.
    """
    while True:
        events = _events(root, files)
        page = _page(root, events, records, files)
        if page.end is not None:
            return replace(attempt, sealed=False)
        why = ended_by(page.entries, 1.0 - attempt.delta_total, attempt.of, passed)
        if why is None:
            return replace(attempt, sealed=True)
        _append(root, len(events) + 1, _ending(records.digest, why, run), files)


def unseal(root: str, test_digest: str, run: str, files: Files = LOCAL) -> End:
    """Ends the series on a split, so that all may be shown; returns the end, which may be an earlier one.

    Raises:
      DataError: nothing was judged on that split.
    """
    while True:
        events = _events(root, files)
        records = _records(root, test_digest, files)
        page = Page([]) if records is None else _page(root, events, records, files)
        if not page.entries:
            raise DataError(
                f"ledger {root}: nothing was judged on test data with the digest {test_digest!r}, so "
                "that nothing is sealed there. Give the ledger that counted the attempt"
            )
        if page.end is not None:
            return page.end
        _append(root, len(events) + 1, _ending(test_digest, "unsealed", run), files)


def read(root: str, records: Records, files: Files = LOCAL) -> Page:
    """What happened on a split; nothing where nothing was judged.

    Raises:
      DataError: an event is missing or cannot be read, so what is left is unknown.
    """
    return _page(root, _events(root, files), records, files)


def is_open(root: str, attempt: Attempt, files: Files = LOCAL) -> bool:
    """Whether all may be shown of an attempt: it was not sealed, or its series has ended since.

    Raises:
      DataError: as for `read`.
    """
    if not attempt.sealed:
        return True
    records = _records(root, attempt.test_digest, files)
    return records is not None and read(root, records, files).end is not None


def adopt(root: str, former: str, files: Files = LOCAL) -> None:
    """Takes over what earlier versions wrote in a folder `former`, once.

    They showed the figures of every attempt: on such test data the series has ended.

    Raises:
      DataError: an entry is missing or cannot be read.
    """
    for split in files.names(former):
        folder = os.path.join(former, split)
        names = [name for name in files.names(folder) if fnmatch.fnmatch(name, "attempt-*.json")]
        for number, name in enumerate(names, start=1):
            _require_next(folder, name, f"attempt-{number:04d}.json")
            found = _parsed(os.path.join(folder, name), files, _entry)
            if found.number != number:
                raise _damaged(os.path.join(folder, name), _NOT_OURS)
            question = replace(found.question, split=split)
            event = _event(_FORMER, question, found.delta, found.run) | {"when": found.when}
            while event not in (events := _events(root, files)):
                _append(root, len(events) + 1, event, files)


def _page(root: str, events: list[dict[str, Any]], records: Records, files: Files) -> Page:
    """The attempts on the records of a split, and the first end."""
    alike: dict[str, bool] = {records.digest: True}
    entries: list[Entry] = []
    end = None
    for number, event in enumerate(events, start=1):
        kind = event["event"]
        split = event["split"] if kind == _END else event["question"]["split"]
        if split not in alike:
            kept = _records(root, split, files)
            if kept is None and kind != _FORMER:  # of earlier versions only digests are known
                raise _damaged(os.path.join(root, _RECORDS, f"{split}.json"), "missing")
            alike[split] = kept is not None and kept.is_of(records, SHARE)
        if not alike[split]:
            continue
        if kind != _END:
            entries.append(_entry(event | {"number": number}))
        if kind != _ATTEMPT:
            end = end or End(event.get("why", "shown before"), event["run"], event["when"])
    return Page(entries, end)


def _events(root: str, files: Files) -> list[dict[str, Any]]:
    """All events, in order."""
    folder = os.path.join(root, _JOURNAL)
    names = [name for name in files.names(folder) if fnmatch.fnmatch(name, "event-*.json")]
    for number, name in enumerate(names, start=1):
        _require_next(folder, name, _event_name(number))
    return [_parsed(os.path.join(folder, name), files, _checked) for name in names]


def _checked(tree: dict[str, Any]) -> dict[str, Any]:
    """The event, if it is one."""
    if tree["event"] == _END:
        End(tree["why"], tree["run"], tree["when"])
        known = tree["why"] in get_args(Why) and isinstance(tree["split"], str)
    else:
        known = tree["event"] in (_ATTEMPT, _FORMER) and bool(_entry(tree | {"number": 1}))
    if not known:
        raise ValueError
    return tree


def _entry(tree: Mapping[str, Any]) -> Entry:
    question = dict(tree["question"])
    constraints = tuple(question.pop("constraints"))
    asked = Question(constraints=constraints, **question)
    if not 0 < tree["delta"] < 1:
        raise ValueError
    return Entry(tree["number"], asked, tree["delta"], tree["run"], tree["when"])


def _event(kind: str, question: Question, delta: float, run: str) -> dict[str, Any]:
    asked = asdict(question) | {"constraints": list(question.constraints)}
    return {"event": kind, "question": asked, "delta": delta, "run": run, "when": _now()}


def _ending(split: str, why: Why, run: str) -> dict[str, Any]:
    return {"event": _END, "split": split, "why": why, "run": run, "when": _now()}


def _append(root: str, number: int, event: Mapping[str, Any], files: Files) -> bool:
    """Whether the event could be written; not if another process was faster."""
    file = os.path.join(root, _JOURNAL, _event_name(number))
    try:
        files.create(file, json.dumps(event, indent=1) + "\n")
    except FileExistsError:
        return False
    return True


def _event_name(number: int) -> str:
    return f"event-{number:06d}.json"


def _keep(root: str, records: Records, files: Files) -> None:
    name = f"{records.digest}.json"
    if name in files.names(os.path.join(root, _RECORDS)):
        return
    with contextlib.suppress(FileExistsError):  # another process was faster, with the same records
        files.create(os.path.join(root, _RECORDS, name), records.to_text())


def _records(root: str, digest: str, files: Files) -> Records | None:
    name = f"{digest}.json"
    if name not in files.names(os.path.join(root, _RECORDS)):
        return None
    file = os.path.join(root, _RECORDS, name)
    try:
        return Records.from_text(files.read(file))
    except (ValueError, TypeError, KeyError):
        raise _damaged(file, "not as the gate wrote it") from None


def _parsed(file: str, files: Files, make: Callable[[dict[str, Any]], _T]) -> _T:
    try:
        return make(json.loads(files.read(file)))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise _damaged(file, _NOT_OURS) from None


def _require_next(folder: str, name: str, expected: str) -> None:
    if name != expected:
        there = f"while {os.path.join(folder, name)} is there"
        raise _damaged(os.path.join(folder, expected), f"missing, {there}")


def _damaged(file: str, how: str) -> DataError:
    return DataError(
        f"{file}: {how}. The gate counts the models it has judged in these files: restore it, or give "
        f"new test data{vocabulary.now().new_test_data}"
    )


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
