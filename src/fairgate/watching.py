"""What `fairgate monitor` answers: a log, read line by line, and a monitor that watches it."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pathlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.text import Text

import fairgate
from fairgate import vocabulary
from fairgate.answers import BLOCKED, DONE, Answer
from fairgate.commands import declared_in, require_writable, rows_told
from fairgate.data.counting import MOST_GROUPS
from fairgate.data.groups import GroupFeature
from fairgate.documents import append_line, to_json, write_text
from fairgate.errors import DataError, SettingsError
from fairgate.gate import tables, words
from fairgate.monitoring import reading
from fairgate.monitoring.log import GrowingFile, Line, Log, Place, StandardInput
from fairgate.monitoring.monitor import Alarm, Monitor, Watched
from fairgate.monitoring.reading import LeftOut
from fairgate.monitoring.sentences import sentence
from fairgate.monitoring.state import State
from fairgate.monitoring.table import Table
from fairgate.report import monitor_page

_PAUSE, _SAVED_EVERY = 0.5, 2.0
"""Seconds between looks at a file that has not grown, and between savings of the state."""


@dataclass(frozen=True)
class _Asked:
    """What is watched: of the command line, of the state, or of a judgement."""

    label: str
    prediction: str
    constraints: Sequence[str]
    groups: dict[str, list[str] | None]
    confidence: float
    threshold: float | None
    positive: Any
    declared: dict[str, GroupFeature]

    @property
    def columns(self) -> list[str]:
        return [self.label, self.prediction, *self.group_columns.values()]

    @property
    def group_columns(self) -> dict[str, str]:
        return reading.columns_of(self.groups, self.declared)


def monitor(options: argparse.Namespace, known: Mapping[str, Any] | None = None) -> Answer:
    """Watches a log.

    Args:
      options: of the command line.
      known: what they need not say: `constraints`, `groups` (feature -> names), `confidence`, `label`,
        `positive`, each as far as it is known from elsewhere.
    """
    for file in (options.state, options.picture, options.events):
        require_writable(file)
    with contextlib.ExitStack() as stack, vocabulary.speaking(vocabulary.OPTIONS):
        state = State(options.state) if options.state else None
        asked = _asked(options, state, known or {})
        log = stack.enter_context(contextlib.closing(_open(options.log, state)))
        groups = _named_groups(asked, log)
        watched = Monitor(
            asked.constraints,
            groups=groups,
            confidence=asked.confidence,
            threshold=asked.threshold,
            positive=asked.positive,
            declared=asked.declared,
        )
        if state is not None and state.is_there:
            state.restore(watched)
        progress = stack.enter_context(rows_told())
        _Watch(options, asked, watched, log, state, progress).go()
    document = {
        "broken": bool(watched.alarms),
        "records": watched.records,
        "left_out": dict(watched.left_out),
        "constraints": [asdict(row) for row in watched.watched()],
        "log": options.log,
        "state": options.state,
        "version": fairgate.__version__,
    }
    return Answer(
        BLOCKED if watched.alarms else DONE,
        document,
        lambda console: _show(watched, options, console),
    )


class _Watch:
    """One run of the command: reads the log to its end, or for as long as it grows."""

    def __init__(
        self,
        options: argparse.Namespace,
        asked: _Asked,
        monitor: Monitor,
        log: Log,
        state: State | None,
        progress: Callable[[int], None],
    ) -> None:
        self.options, self.asked, self.progress = options, asked, progress
        self.monitor, self.log, self.state = monitor, log, state
        goes_on = isinstance(log, GrowingFile) and log.place.offset
        first = log.first_line() if isinstance(log, GrowingFile) and goes_on else b""
        self.table = Table(log.name, asked.columns, first)
        self.saved, self.dirty = time.monotonic(), False
        self.said: set[str] = set()

    def go(self) -> None:
        """Watches until the log ends; with --follow, until there is an alarm."""
        for lines in self._lines():
            read, bad_rows = self.table.read(lines)
            found, bad_values = reading.records(
                read[self.asked.label],
                read[self.asked.prediction],
                {name: read[column] for name, column in self.asked.group_columns.items()},
                self.monitor.groups,
                self.asked.threshold,
                self.monitor.positive,
                self.asked.declared,
            )
            for left_out in (bad_rows, bad_values):
                self.monitor.left_out += left_out.rows
                self._say(left_out)
            alarms = self.monitor.watch(found)
            self.dirty = True
            self._raise(alarms)
            if alarms or time.monotonic() - self.saved > _SAVED_EVERY:
                self._save()
            self.progress(self.monitor.records)
            if alarms and self.options.follow:
                break
        rows = sum(self.monitor.left_out.values())
        if rows and not self.monitor.records:
            raise DataError(
                f"{self.log.name}: none of {rows:,} rows could be counted: {_reasons(self.monitor)}. "
                "Nothing was watched"
            )
        self._save()

    def _lines(self) -> Iterator[list[Line]]:
        all_shown = len(self.monitor.alarms) == len(self.monitor.constraints)
        while not (all_shown and self.options.follow):
            if lines := self.log.more():
                yield lines
            elif isinstance(self.log, GrowingFile) and self.log.replaced():
                _tell(f"{self.log.name} is another file now: read from its start")
            elif isinstance(self.log, GrowingFile) and self.options.follow:
                self._save()
                time.sleep(_PAUSE)
            else:
                # With a state, a last line that is still being written waits for the next time.
                whole = self.state is None or not isinstance(self.log, GrowingFile)
                if whole and (lines := self.log.rest()):
                    yield lines
                return

    def _raise(self, alarms: Sequence[Alarm]) -> None:
        for alarm in alarms:
            if self.options.events:
                line = to_json({"event": "alarm", **asdict(alarm)}, indent=None)
                append_line(pathlib.Path(self.options.events), line)
            what = f"{alarm.constraint} is shown broken by record {alarm.record:,}"
            print(f"ALARM: {what}", flush=True)

    def _say(self, left_out: LeftOut) -> None:
        """Says once of each reason that rows are left out."""
        for reason, example in left_out.examples.items():
            if reason not in self.said:
                self.said.add(reason)
                _tell(f"left out, and counted: {reason} ({example})")

    def _save(self) -> None:
        if not self.dirty:
            return
        if self.state is not None:
            places = dict(self.state.source.get("places", {}))
            if isinstance(self.log, GrowingFile):
                places[os.path.abspath(self.log.path)] = self.log.place.as_document()
            columns = {"label": self.asked.label, "prediction": self.asked.prediction}
            self.state.source = {**columns, "places": places}
            self.state.save(self.monitor, self.state.source)
        if self.options.picture:
            page = monitor_page(self.monitor, self.options.log)
            write_text(pathlib.Path(self.options.picture), page)
        self.saved, self.dirty = time.monotonic(), False


def _asked(
    options: argparse.Namespace, state: State | None, elsewhere: Mapping[str, Any]
) -> _Asked:
    """What the command line says, and where it is silent the state, and then the judgement."""
    known = dict(elsewhere)
    if options.judged:
        known |= _of_judgement(options.judged)
    if state is not None and state.is_there:
        known |= {**state.question, **state.source}
        known["constraints"] = known["lines"]
        for name in ("label", "prediction"):
            given = getattr(options, name)
            if given and known.get(name, given) != given:
                raise SettingsError(
                    f"{state.file}: the state is of the column {known[name]!r} as --{name}, and "
                    f"{given!r} is given: ask as before, or give a new state file (--state FILE)"
                )
    for name in ("label", "prediction"):
        if not (getattr(options, name) or known.get(name)):
            raise SettingsError(f"--{name} COLUMN is needed: the log's columns have no fixed names")
    constraints = options.constraint or known.get("constraints")
    if not constraints:
        raise SettingsError(
            "--constraint LINE is needed, or --judged with a judgement that has some"
        )
    groups: dict[str, list[str] | None] = dict(known.get("groups", {}))
    for given in options.group:
        column, equals, names = given.partition("=")
        found = [name.strip() for name in names.split(",") if name.strip()] if equals else None
        groups[column] = found or groups.get(column)
    declared = declared_in(options.groups_file) or reading.declared_of(known)
    groups |= {name: list(of.membership.names) for name, of in declared.items()}
    return _Asked(
        label=options.label or known["label"],
        prediction=options.prediction or known["prediction"],
        constraints=constraints,
        groups=groups,
        confidence=_first(options.confidence, known.get("confidence"), 0.95),
        threshold=_first(options.threshold, known.get("threshold")),
        positive=_first(options.positive, known.get("positive")),
        declared=declared,
    )


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _of_judgement(file: str) -> dict[str, Any]:
    """The constraints and the groups of what `fairgate judge --verdict` or a run wrote."""
    try:
        document = json.loads(pathlib.Path(file).read_text(encoding="utf-8"))
        lines = [row["constraint"] for row in document["gate"]]
        return {"constraints": lines, "groups": dict(document["features"])}
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror or error}") from None
    except (ValueError, TypeError, KeyError):
        raise DataError(
            f"{file}: no judgement. Expected what `fairgate judge --verdict FILE` wrote, or the "
            "verdict.json of a run"
        ) from None


def _open(log: str, state: State | None) -> Log:
    if log == "-":
        return StandardInput()
    places = {} if state is None else state.source.get("places", {})
    known = places.get(os.path.abspath(log))
    opened = GrowingFile(log, Place.of(known) if known else None)
    if known and opened.started_anew:
        _tell(
            f"{log} is another file than the one of which {known['lines']:,} lines were read: read from "
            "its start. What was written to the old one since then is not counted"
        )
    return opened


def _named_groups(asked: _Asked, log: Log) -> dict[str, list[str]]:
    """The groups' names; those that nobody named are the ones that the file has now."""
    unnamed = [feature for feature, names in asked.groups.items() if names is None]
    named = {feature: list(names or []) for feature, names in asked.groups.items()}
    if not unnamed:
        return named
    if not isinstance(log, GrowingFile):
        raise SettingsError(
            f"the groups of {unnamed[0]} are not known before standard input is read, and constraints "
            f"are about them: name them, as in --group {unnamed[0]}=Female,Male"
        )
    for feature, names in _groups_in(log.name, unnamed, asked.columns).items():
        if not names:
            raise DataError(
                f"{log.name}: column {feature!r} has no value yet, so that its groups are not known: "
                f"name them, as in --group {feature}=Female,Male"
            )
        named[feature] = names
        _tell(f"watched are the groups of {feature} that {log.name} has now: {', '.join(names)}")
    return named


def _groups_in(log: str, features: Sequence[str], columns: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {feature: set() for feature in features}
    table = Table(log, columns)
    with GrowingFile(log) as file:
        while lines := file.more() or file.rest():
            read, _ = table.read(lines)
            for feature, names in found.items():
                names.update(read[feature].values)
                if len(names) > MOST_GROUPS:
                    raise DataError(
                        f"{log}: column {feature!r} holds more than {MOST_GROUPS} different values: "
                        "groups are expected, by name"
                    )
    return {feature: sorted(names) for feature, names in found.items()}


def _tell(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def _show(monitor: Monitor, options: argparse.Namespace, console: Console) -> None:
    console.print(sentence(monitor))
    if monitor.left_out:
        console.print(f"Rows left out: {_reasons(monitor)}.")
    console.print()
    made = tables.table(f"An e-value of {monitor.needed:g} is an alarm")
    made.add_column("constraint", overflow="fold")
    for name in ("value", "bound", "limit", "e-value"):
        made.add_column(name, justify="right", no_wrap=True)
    made.add_column("")
    for row in monitor.watched():
        made.add_row(Text(row.constraint), *_cells(row))
    console.print(made)
    for what, file in (("Picture", options.picture), ("State", options.state)):
        if file:
            tables.line(console, f"{what}: {file}", "dim")


def _reasons(monitor: Monitor) -> str:
    return ", ".join(f"{rows:,} with {why}" for why, rows in sorted(monitor.left_out.items()))


def _cells(row: Watched) -> list[str | Text]:
    sense = ">=" if ">=" in row.constraint else "<="
    e_value = f"{row.e_value:.2f}" if row.e_value < 1000 else f"{row.e_value:.1e}"
    broken = Text("broken", "red") if row.alarm else Text("")
    return [
        words.number(row.value),
        words.number(row.bound),
        f"{sense} {row.limit:g}",
        e_value,
        broken,
    ]
