"""The ledger: which models were judged on which test data, in small files.

Files, because nothing else is at hand wherever a gate is asked: on a laptop, in a CI job, in a container
of a cluster. What happened is written down event by event, for all test splits in one row of numbers:

    <root>/journal/event-000001.json, event-000002.json, ...   and their seals: see `journal`
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
import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, get_args

from fairgate.errors import DataError
from fairgate.gate import journal
from fairgate.gate.attempts import Attempt, End, Entry, Question, Why, ended_by, share
from fairgate.gate.files import LOCAL, Files
from fairgate.gate.journal import Event, Journal
from fairgate.records import Records

SHARE = 0.01
"""Splits that share more than this of the smaller one's records are the same test data (`Records`)."""

_RECORDS = "records"
# Kinds of events; a former attempt is one of an earlier version.
_ATTEMPT, _FORMER, _END = "attempt", "former attempt", "end"


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
        page = _page(events, records)
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
        kept = _keep(root, records, files)
        event = _event(_ATTEMPT, question, delta, run) | {"records": kept}
        if number <= len(entries) or events.append(event):
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
        page = _page(events, records)
        if page.end is not None:
            return replace(attempt, sealed=False)
        why = ended_by(page.entries, 1.0 - attempt.delta_total, attempt.of, passed)
        if why is None:
            return replace(attempt, sealed=True)
        events.append(_ending(records.digest, why, run))


def unseal(root: str, test_digest: str, run: str, files: Files = LOCAL) -> End:
    """Ends the series on a split, so that all may be shown; returns the end, which may be an earlier one.

    Raises:
      DataError: nothing was judged on that split.
    """
    while True:
        events = _events(root, files)
        records = _records(root, test_digest, files)
        page = Page([]) if records is None else _page(events, records)
        if not page.entries:
            raise DataError(
                f"ledger {root}: nothing was judged on test data with the digest {test_digest!r}, so "
                "that nothing is sealed there. Give the ledger that counted the attempt"
            )
        if page.end is not None:
            return page.end
        events.append(_ending(test_digest, "unsealed", run))


def read(root: str, records: Records, files: Files = LOCAL) -> Page:
    """What happened on a split; nothing where nothing was judged.

    Raises:
      DataError: an event is missing or cannot be read, so what is left is unknown.
    """
    return _page(_events(root, files), records)


def unheld(root: str, files: Files = LOCAL) -> str | None:
    """A sentence where an earlier version wrote entries whose change nobody would notice yet.

    Raises:
      DataError: as for `read`.
    """
    found = _events(root, files)
    if not found.unheld:
        return None
    return (
        f"{root}: {found.unheld} of {len(found.events)} entries were written by a version of FairGate "
        "that did not hold them by digests, so that a change of them would not be noticed; the next "
        "attempt holds them"
    )


def same_data(root: str, test_digest: str, records: Records, files: Files = LOCAL) -> bool:
    """Whether a split that the ledger knows by its digest is the same test data as that of `records`."""
    if test_digest == records.digest:
        return True
    kept = _records(root, test_digest, files)
    return kept is not None and kept.is_of(records, SHARE)


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
        journal.require_in_order(folder, names, "attempt-{:04d}.json".format)
        for number, name in enumerate(names, start=1):
            found = journal.parsed(os.path.join(folder, name), files, _numbered(number))
            question = replace(found.question, split=split)
            event = _event(_FORMER, question, found.delta, found.run) | {"when": found.when}
            while event not in (known := _events(root, files)).events:
                known.append(event)


def _page(known: Journal, records: Records) -> Page:
    """The attempts on the records of a split, and the first end."""
    alike: dict[str, bool] = {}
    held: dict[str, str | None] = {}
    entries: list[Entry] = []
    end = None
    for number, event in enumerate(known.events, start=1):
        kind = event["event"]
        split = event["split"] if kind == _END else event["question"]["split"]
        file = _records_file(known.root, split)
        if split not in alike:
            text = _records_text(known.root, split, known.files)
            if text is None and kind != _FORMER:  # of earlier versions only digests are known
                raise journal.damaged(file, "missing")
            is_of = text is not None and _parsed_records(file, text).is_of(records, SHARE)
            alike[split], held[split] = split == records.digest or is_of, _held(text)
        if event.get("records") not in (None, held[split]):
            raise journal.damaged(file, "changed since it was written")
        if not alike[split]:
            continue
        if kind != _END:
            entries.append(_entry(event | {"number": number}))
        if kind != _ATTEMPT:
            end = end or End(event.get("why", "shown before"), event["run"], event["when"])
    return Page(entries, end)


def _events(root: str, files: Files) -> Journal:
    """All events, in order."""
    return journal.read(root, files, _checked)


def _checked(tree: Event) -> Event:
    """The event, if it is one."""
    if tree["event"] == _END:
        End(tree["why"], tree["run"], tree["when"])
        known = tree["why"] in get_args(Why) and isinstance(tree["split"], str)
    else:
        known = tree["event"] in (_ATTEMPT, _FORMER) and bool(_entry(tree | {"number": 1}))
    if not known:
        raise ValueError
    return tree


def _numbered(number: int) -> Callable[[Event], Entry]:
    """Reads an entry of an earlier version, which has its number in it."""

    def make(tree: Event) -> Entry:
        if tree["number"] != number:
            raise ValueError
        return _entry(tree)

    return make


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


def _keep(root: str, records: Records, files: Files) -> str | None:
    """Keeps the records of a split, if they are not; returns what holds them in an event."""
    if _records_text(root, records.digest, files) is None:
        with contextlib.suppress(
            FileExistsError
        ):  # another process was faster, with the same records
            files.create(_records_file(root, records.digest), records.to_text())
    return _held(_records_text(root, records.digest, files))


def _records(root: str, digest: str, files: Files) -> Records | None:
    """The records that are kept of a split."""
    text = _records_text(root, digest, files)
    return None if text is None else _parsed_records(_records_file(root, digest), text)


def _records_text(root: str, digest: str, files: Files) -> str | None:
    file = _records_file(root, digest)
    is_there = os.path.basename(file) in files.names(os.path.dirname(file))
    return files.read(file) if is_there else None


def _parsed_records(file: str, text: str) -> Records:
    try:
        return Records.from_text(text)
    except (ValueError, TypeError, KeyError):
        raise journal.damaged(file, "not as the gate wrote it") from None


def _records_file(root: str, digest: str) -> str:
    return os.path.join(root, _RECORDS, f"{digest}.json")


def _held(text: str | None) -> str | None:
    """The digest of a file of records, without the end of its line."""
    return None if text is None else hashlib.sha256(text.strip().encode()).hexdigest()[:32]


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
