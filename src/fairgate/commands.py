"""What the library's commands answer; `command_line` has their options."""

from __future__ import annotations

import argparse
import contextlib
import os
import pathlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import yaml
from rich.console import Console
from rich.text import Text

import fairgate
from fairgate import api, planning, vocabulary
from fairgate.answers import BLOCKED, DONE, Answer
from fairgate.data.answers import positive_of
from fairgate.data.groups import GroupFeature, declare
from fairgate.data.question import Question
from fairgate.documents import to_json, write_text
from fairgate.errors import DataError, SettingsError
from fairgate.gate import tables, words
from fairgate.gate.advice import Promise
from fairgate.gate.judgement import Judgement
from fairgate.report import judgement_page

_MOST_CHARACTERS, _MOST_LEVELS = 500_000, 16  # of a file that declares groups


def judge(options: argparse.Namespace) -> Answer:
    """Judges a model."""
    with vocabulary.speaking(vocabulary.OPTIONS):
        declared = declared_in(options.groups_file)
        question = Question(
            options.label,
            options.prediction,
            tuple(dict.fromkeys([*options.group, *declared])),
            options.baseline,
            options.threshold,
            positive_of(options.positive),
            options.unit,
            options.weight,
            options.largest_unit,
            options.largest_weight,
            options.record,
            declared,
            tuple(options.classes),
        )
    for file in (options.report, options.verdict):
        require_writable(file)
    if options.attempts != 1 and options.ledger is None:
        raise DataError("--attempts are counted in a ledger: give --ledger FOLDER too")
    if options.unseal and options.ledger is None:
        raise DataError("--unseal ends the attempts that a ledger counts: give --ledger FOLDER too")
    _require_different(options.files)
    with vocabulary.speaking(vocabulary.OPTIONS):
        asked = api.gate_config(
            options.constraint,
            options.confidence,
            options.minimum_accuracy,
            options.minimum_negatives,
            options.better_than,
            options.attempts,
            options.units,
        )
        book = None
        if options.ledger is not None:
            book = api.Ledger(options.ledger, options.attempts, options.name)
        with rows_told() as progress:
            judgement = api.judge_files(
                options.files,
                question,
                asked,
                book,
                progress,
                vocabulary.OPTIONS,
                options.unseal,
            )
    document = _document(judgement, options)
    if options.verdict:
        write_text(pathlib.Path(options.verdict), to_json(document) + "\n")
    if options.report:
        write_text(pathlib.Path(options.report), _page(judgement, options))
    return Answer(
        DONE if judgement.blessed else BLOCKED,
        document,
        lambda console: _show(judgement, options, console),
    )


def power(options: argparse.Namespace) -> Answer:
    """Says what so many examples could promise."""
    with vocabulary.speaking(vocabulary.OPTIONS):
        asked = api.gate_config(options.constraint, options.confidence)
        declared = declared_in(options.groups_file)
        if bool(options.label) != bool(options.group or declared):
            raise DataError(
                "--label and --group go together (or --label and --groups-file): with both, FILE holds "
                "test examples; with neither, a table of counts"
            )
        for column in ("unit", "weight"):
            if getattr(options, column) and not options.label:
                raise DataError(
                    f"--{column} names a column of test examples, and FILE is a table of counts: give "
                    "the examples themselves, with --label and --group"
                )
        if options.label:
            with rows_told() as progress:
                found = planning.power_of_files(
                    options.files,
                    options.label,
                    options.group,
                    asked,
                    positive_of(options.positive),
                    progress,
                    options.unit,
                    options.largest_unit,
                    options.correlation,
                    options.weight,
                    options.largest_weight,
                    declared,
                )
        else:
            found = planning.power_of_sizes(planning.read_sizes(options.files), asked)
    document = {
        "promises": [
            {
                "constraint": str(promise.constraint),
                "confidence": promise.confidence,
                "of": "decisions" if promise.of_decisions else "errors",
                "limits": [
                    {"share": share, "limit": limit} for share, limit in promise.limits.items()
                ],
                "units": promise.units,
                "correlation": None if promise.units is None else promise.alike,
                "most": promise.most,
                "sentence": str(promise),
            }
            for promise in found
        ]
    }
    return Answer(DONE, document, lambda console: _show_power(found, console))


def declared_in(file: str | None) -> dict[str, GroupFeature]:
    """The group features in a file; none without one.

    Raises:
      DataError: it cannot be read.
      SettingsError: it declares no groups, or groups by quantiles without their numbers.
    """
    if file is None:
        return {}
    try:
        text = pathlib.Path(file).read_text(encoding="utf-8")
        _require_modest(file, text)
        found = yaml.safe_load(text)
    except DataError:
        raise
    except (OSError, ValueError, yaml.YAMLError) as error:  # numbers of thousands of digits, too
        raise DataError(f"{file}: cannot be read as YAML: {error}") from None
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise DataError(
            f"{file}: expected names of features with what makes their groups, such as "
            "Age: {name: age, values: {Young: '<25', Old: '>=25'}}"
        )
    try:
        declared = declare(found)
    except SettingsError as error:
        raise SettingsError(f"{file}: {error}") from None
    for name, group in declared.items():
        if waits := group.membership.waits_for:
            raise SettingsError(
                f"{file}: {name}: {waits[0]} is a quantile of a training split, which is not here: give "
                f"its number, as in quantiles: {{{waits[0]}: 31}}; a run keeps them in its settings.yaml"
            )
    return declared


def _require_modest(file: str, text: str) -> None:
    """Refuses what a small file can make of itself: levels without end, aliases of aliases."""
    if len(text) > _MOST_CHARACTERS:
        raise DataError(
            f"{file}: has {len(text):,} characters, and at most {_MOST_CHARACTERS:,} are read"
        )
    level = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            line = "" if event.start_mark is None else f"line {event.start_mark.line + 1}: "
            raise DataError(f"{file}: {line}write out what the alias (*) stands for")
        level += isinstance(event, yaml.CollectionStartEvent)
        level -= isinstance(event, yaml.CollectionEndEvent)
        if level > _MOST_LEVELS:
            raise DataError(f"{file}: nested too deeply; groups have at most {_MOST_LEVELS} levels")


def _document(judgement: Judgement, options: argparse.Namespace) -> dict[str, Any]:
    return judgement.as_document() | {"files": options.files, "version": fairgate.__version__}


def _page(judgement: Judgement, options: argparse.Namespace) -> str:
    said = {
        "Predictions": f"column {options.prediction} of {', '.join(options.files)}",
        "Right is": f"column {options.label}",
    }
    if options.threshold is not None:
        said["Threshold"] = f"a score above {options.threshold:g} is a Yes"
    if options.unit:
        said["Unit"] = f"column {options.unit}: whose example a row is"
    if options.weight:
        said["Weight"] = f"column {options.weight}, at most {options.largest_weight:g}"
    if options.baseline:
        said["Baseline"] = f"column {options.baseline}"
    title = options.name or pathlib.Path(options.files[0]).name
    return judgement_page(judgement, title, list(said.items()))


def _show(judgement: Judgement, options: argparse.Namespace, console: Console) -> None:
    console.print(words.sentence(judgement.as_document()))
    console.print()
    tables.show(
        judgement,
        console,
        "the model may be served",
        "the model should not be served",
        where="the test examples",
        helping="What would help:",
    )
    if judgement.sampling.units is not None:
        console.print(Text(str(judgement.sampling), style="dim"))
    for what, file in (("Report", options.report), ("Verdict", options.verdict)):
        if file:
            tables.line(console, f"{what}: {file}", "dim")


def _show_power(found: Sequence[Promise], console: Console) -> None:
    for promise in found:
        made = tables.table(f"{promise.constraint}")
        what = "says Yes to" if promise.of_decisions else "errs on"
        made.add_column(f"a model that {what}")
        made.add_column(
            f"passes a limit of, at {words.percent(promise.confidence)}", justify="right"
        )
        made.add_column("")
        for share, limit in promise.limits.items():
            passes = promise.constraint.is_satisfied(limit)
            made.add_row(
                f"{share:.0%} of every group",
                f"{promise.constraint.sense} {limit:g}",
                Text("within the limit asked" if passes else "not within", "" if passes else "red"),
            )
        console.print(made)
        console.print(Text(str(promise)))
        console.print()


def require_writable(file: str | None) -> None:
    """Raises DataError before anything is counted, where the answer could not be written."""
    if file is None:
        return
    folder = pathlib.Path(file).resolve().parent
    if not folder.is_dir():
        raise DataError(f"{file}: there is no folder {folder}: make it first")
    if pathlib.Path(file).is_dir():
        raise DataError(f"{file}: this is a folder; name a file to write")


def _require_different(files: Sequence[str]) -> None:
    seen: set[str] = set()
    for file in files:
        if (path := os.path.realpath(file)) in seen:
            raise DataError(f"{file} is given twice: its rows would be counted twice")
        seen.add(path)


@contextlib.contextmanager
def rows_told() -> Iterator[Callable[[int], None]]:
    """Tells on standard error how many rows were read, where that takes over two seconds."""
    began = told = time.monotonic()
    shown = sys.stderr.isatty()

    def progress(rows: int) -> None:
        nonlocal told
        now = time.monotonic()
        if now - began > 2 and now - told > (0.5 if shown else 10):
            told = now
            print(f"\r{rows:,} rows read", end="" if shown else "\n", file=sys.stderr, flush=True)

    try:
        yield progress
    finally:
        if shown and told > began:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
