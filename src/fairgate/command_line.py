"""The library's commands and their options: `fairgate judge`, `fairgate power`, `fairgate monitor`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from fairgate.answers import FAILED
from fairgate.options import Parser

_FILES = "CSV with a header, JSON lines (both also gzipped) or Parquet, one row for each example"
_CONSTRAINT = (
    'line of the constraint language, such as "max_gap(FPR, [sex]) <= 0.05" (may be repeated)'
)


class _Version(argparse.Action):
    """Prints the version; it is looked up only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        import fairgate

        print(f"fairgate {fairgate.__version__}")
        parser.exit()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command `fairgate` of the installed package; returns the exit status."""
    parser = Parser(
        prog="fairgate",
        description="Says whether a model keeps its fairness limits, with a stated confidence, by "
        "what it said of test examples.",
        epilog="exit status of judge: 0 passed, 3 blocked, 1 it could not judge, 2 the command line "
        "makes no sense; of power: 0, or as above; of monitor: 0 nothing is shown broken, 3 it is, or "
        "as above",
    )
    add_version(parser)
    add_commands(parser.add_subparsers(metavar="COMMAND"))
    return parser.answer(arguments)


def add_version(parser: argparse.ArgumentParser) -> None:
    """Adds --version."""
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")


def add_commands(commands: Any) -> None:
    """Adds the library's commands to the sub-commands of a parser."""
    judge = commands.add_parser(
        "judge",
        help="judge any model by its predictions: passed, or blocked, and why",
        description="Judges a model by its predictions on test examples that nobody used to train or to "
        "choose it. It passes if, for every constraint, the confidence bound keeps the limit.",
        epilog="example: fairgate judge predictions.csv --label hired --prediction said_yes --group sex "
        '--constraint "max_gap(FPR, [sex]) <= 0.05"',
    )
    judge.set_defaults(command="fairgate.commands:judge", refusal=FAILED)
    _add_files(judge, _FILES)
    judge.add_argument("--label", required=True, metavar="COLUMN", help="what is right")
    judge.add_argument(
        "--prediction",
        required=True,
        metavar="COLUMN",
        help="what the model said: a decision, or a score where --threshold is given",
    )
    judge.add_argument(
        "--group",
        action="append",
        default=[],
        metavar="COLUMN",
        help="divides the examples into groups (may be repeated)",
    )
    _add_groups_file(judge)
    _add_gate(judge)
    judge.add_argument(
        "--baseline", metavar="COLUMN", help="what another model said, to compare with"
    )
    judge.add_argument(
        "--threshold", type=float, metavar="NUMBER", help="a score above it is a Yes"
    )
    _add_positive(judge)
    judge.add_argument(
        "--classes",
        action="append",
        default=[],
        metavar="VALUE",
        help="a value of a label that has more than two (to be repeated for each): constraints name one, "
        "as in 'max_gap(TPR(VALUE), [GROUP]) <= 0.1'",
    )
    _add_units(judge)
    judge.add_argument(
        "--minimum-accuracy",
        type=float,
        default=0.0,
        metavar="NUMBER",
        help="lowest that passes, held by its lower confidence bound",
    )
    judge.add_argument(
        "--minimum-negatives",
        type=int,
        default=0,
        metavar="NUMBER",
        help="fewest negative examples of each group that pass",
    )
    judge.add_argument(
        "--better-than",
        choices=("auto", "commonest", "chance", "nothing"),
        default="auto",
        help="what a model is shown to be better than: the commonest answer; chance (a TPR over its "
        "FPR); or nothing (default: auto, the commonest answer, but chance where more than four in five "
        "examples have the same label)",
    )
    judge.add_argument(
        "--ledger",
        metavar="FOLDER",
        help="where attempts on the same test examples are counted, so that the promise holds for all of "
        "them together; without one, it holds for the first model only",
    )
    judge.add_argument(
        "--attempts",
        type=int,
        default=1,
        metavar="NUMBER",
        help="how many different models may be judged on the same test examples (default: 1); until one "
        "passes or the last is blocked, nothing else is shown of them",
    )
    judge.add_argument(
        "--unseal",
        action="store_true",
        help="end the attempts with this one, for good, and show its figures",
    )
    judge.add_argument(
        "--record",
        metavar="COLUMN",
        help="what names each example, so that the ledger knows it again in any order; without it, "
        "examples are known by the order of their labels",
    )
    judge.add_argument("--name", default="", help="of this attempt, as the ledger keeps it")
    judge.add_argument("--report", metavar="FILE", help="write the judgement as an HTML page")
    judge.add_argument("--verdict", metavar="FILE", help="write the judgement as JSON")

    power = commands.add_parser(
        "power",
        help="say what so many test examples could promise, before any model is judged",
        description="Says which limits a model without any gap would pass on so many test examples. FILE "
        "is a table of counts with the columns feature, group, negatives and positives; or, with --label "
        "and --group, the test examples themselves.",
        epilog='example: fairgate power counts.csv --constraint "max_gap(FPR, [sex]) <= 0.05"',
    )
    power.set_defaults(command="fairgate.commands:power", refusal=FAILED)
    _add_files(power, "table of counts; or with --label and --group, " + _FILES)
    power.add_argument("--label", metavar="COLUMN", help="what is right, in test examples")
    power.add_argument(
        "--group",
        action="append",
        default=[],
        metavar="COLUMN",
        help="divides the examples into groups (may be repeated)",
    )
    _add_groups_file(power)
    power.add_argument(
        "--unit",
        metavar="COLUMN",
        help="whose example a row is, where people have several: limits are of bounds over people",
    )
    power.add_argument(
        "--largest-unit",
        type=float,
        metavar="NUMBER",
        help="the most rows that anybody has, known before (default: as many as the largest has here)",
    )
    power.add_argument(
        "--correlation",
        type=float,
        default=0.1,
        metavar="NUMBER",
        help="that two outcomes of one person are supposed to have, with --unit (default: %(default)s)",
    )
    power.add_argument(
        "--weight",
        metavar="COLUMN",
        help="what a row counts, at least 0: limits are of such bounds",
    )
    power.add_argument(
        "--largest-weight",
        type=float,
        metavar="NUMBER",
        help="what no weight is over, known before; with --weight",
    )
    _add_gate(power)
    _add_positive(power)
    _add_monitor(commands)


def _add_monitor(commands: Any) -> None:
    monitor = commands.add_parser(
        "monitor",
        help="watch a served model by its labelled answers: says when a limit is shown broken",
        description="Reads labelled answers as they come in and says when a constraint is shown broken. "
        "With the given confidence it never does so of one that is kept, however long it watches.",
        epilog="example: fairgate monitor answers.csv --label hired --prediction said_yes --group sex "
        '--constraint "max_gap(FPR, [sex]) <= 0.05" --state monitor.json --follow',
    )
    monitor.set_defaults(command="fairgate.watching:monitor", refusal=FAILED)
    monitor.add_argument(
        "log",
        metavar="LOG",
        help="CSV with a header, or JSON lines, which may grow; - is standard input",
    )
    monitor.add_argument("--label", metavar="COLUMN", help="what is right")
    monitor.add_argument(
        "--prediction",
        metavar="COLUMN",
        help="what the model said: a decision, or a score where --threshold is given",
    )
    monitor.add_argument(
        "--group",
        action="append",
        default=[],
        metavar="COLUMN[=NAME,NAME...]",
        help="divides the records into groups (may be repeated); without names, those that the log has",
    )
    _add_groups_file(monitor)
    monitor.add_argument("--constraint", action="append", metavar="LINE", help=_CONSTRAINT)
    monitor.add_argument(
        "--judged",
        metavar="FILE",
        help="takes constraints and groups from a judgement (judge --verdict, or a run's verdict.json)",
    )
    monitor.add_argument(
        "--confidence",
        type=float,
        metavar="NUMBER",
        help="how sure it must be that it never calls a limit broken that is kept (default: 0.95)",
    )
    monitor.add_argument(
        "--threshold", type=float, metavar="NUMBER", help="a score above it is a Yes"
    )
    _add_positive(monitor)
    monitor.add_argument(
        "--state",
        metavar="FILE",
        help="where it is kept what was seen, so that the next run goes on; what it knows need not be "
        "given again",
    )
    monitor.add_argument(
        "--follow", action="store_true", help="wait for more records, until a limit is shown broken"
    )
    monitor.add_argument("--events", metavar="FILE", help="append each alarm as a line of JSON")
    monitor.add_argument(
        "--picture", metavar="FILE", help="write what was seen over time as an HTML page"
    )
    _add_json(monitor)


def _add_groups_file(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--groups-file",
        metavar="FILE",
        help="YAML of groups that are several values, ranges or everything else of a column, as "
        "data.features.groups has them: {Age: {name: age, values: {Young: '<25', Old: '>=25'}}}",
    )


def _add_files(command: argparse.ArgumentParser, what: str) -> None:
    command.add_argument("files", nargs="+", metavar="FILE", help=what)


def _add_gate(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--constraint", required=True, action="append", metavar="LINE", help=_CONSTRAINT
    )
    command.add_argument(
        "--confidence",
        type=float,
        default=0.95,
        metavar="NUMBER",
        help="a model over its limit passes with a probability of at most one minus this (default: "
        "0.95)",
    )
    _add_json(command)


def _add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--json",
        action="store_true",
        help="print one JSON document instead (all else goes to standard error)",
    )


def _add_units(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--unit",
        metavar="COLUMN",
        help="whose example a row is, where people have several: bounds are then over people",
    )
    command.add_argument(
        "--largest-unit",
        type=float,
        metavar="NUMBER",
        help="the most rows that anybody has, known before (default: as many as the largest has here)",
    )
    command.add_argument("--weight", metavar="COLUMN", help="what a row counts, at least 0")
    command.add_argument(
        "--largest-weight",
        type=float,
        metavar="NUMBER",
        help="what no weight is over, known before; --weight needs it",
    )
    command.add_argument(
        "--units",
        choices=("betting", "cluster_robust"),
        default="betting",
        help="bounds over units or weights: betting is guaranteed (default), cluster_robust approximate",
    )


def _add_positive(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--positive",
        action="append",
        metavar="VALUE",
        help="the label's value that is a Yes, or a range such as '>= 50000' (may be repeated; default: "
        "1, true or yes)",
    )


if __name__ == "__main__":
    sys.exit(main())
