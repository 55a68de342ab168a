"""Options that several commands have, and what shells complete them by."""

from __future__ import annotations

import argparse
from typing import Any

from pipeline.command_line.completing import file as _file
from pipeline.command_line.completing import place as _place

# For shells, which list the runs that there are.
_RUNS = "_fairgate_runs"
_LIST_RUNS = "ls -d runs/*/2*/ 2>/dev/null | sed 's#^runs/##; s#/$##; p; s#/.*##' | sort -ru"


def add_json(command: argparse.ArgumentParser, default: object = False) -> None:
    """--json."""
    command.add_argument(
        "--json",
        action="store_true",
        default=default,
        help="print one JSON document instead (all else goes to standard error)",
    )


def add_verbose(command: argparse.ArgumentParser) -> None:
    """--verbose."""
    command.add_argument(
        "--verbose", action="store_true", help="show all that TensorFlow and Beam print"
    )


def add_run(command: argparse.ArgumentParser, **options: Any) -> None:
    """RUN, with more options of the argument."""
    command.add_argument(
        "run",
        metavar="RUN",
        **options
        | {
            "help": f"{options['help']}; a pipeline's name, PIPELINE/ID, an ID or its "
            "beginning, or a run's folder"
        },
    ).complete = of_runs()


def add_settings(command: argparse.ArgumentParser, default: Any) -> None:
    """--settings and --set, which are `default` where neither is given."""
    command.add_argument(
        "--settings",
        action="append",
        type=_place,
        default=default,
        metavar="FILE",
        help="YAML file with settings, laid over the defaults (may be repeated)",
    ).complete = _file()
    command.add_argument(
        "--set",
        action="append",
        default=default,
        metavar="PATH=VALUE",
        help="one setting, such as gate.limit=0.02 (may be repeated)",
    )


def of_runs() -> dict[str, Any]:
    """Completes the runs that there are: `<pipeline>/<run id>`, and the pipelines' names."""
    return {
        "bash": _RUNS,
        "zsh": _RUNS,
        "preamble": {
            "bash": f'{_RUNS}() {{ compgen -W "$({_LIST_RUNS})" -- "$1"; }}',
            "zsh": f'{_RUNS}() {{ compadd -- ${{(f)"$({_LIST_RUNS})"}}; }}',
        },
    }
