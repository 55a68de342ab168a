"""Comparisons with other libraries.

python -m benchmarks.peers fairness [--data ../shared/data] [--seeds 5] [--tasks adult compas]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.peers import fairness
from benchmarks.peers.data import RULES


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("fairness", help="error and violation on Adult and COMPAS")
    command.add_argument("--data", type=Path, default=Path("../shared/data"))
    command.add_argument("--seeds", type=int, default=5)
    command.add_argument("--tasks", nargs="+", choices=RULES, default=["adult", "compas"])
    command.add_argument("--methods", nargs="+", choices=fairness.METHODS, default=fairness.METHODS)
    command.add_argument(
        "--choose-on",
        choices=fairness.CHOICES,
        default="validation",
        help="where the settings of the peers are compared: validation, or training data as well",
    )
    command.add_argument(
        "--keep", type=Path, help="a folder for answers; those that are there are not made again"
    )
    options = parser.parse_args()
    if options.seeds < 1:
        parser.error("--seeds must be at least 1")
    try:
        with tempfile.TemporaryDirectory() as temporary:
            fairness.compare(
                options.data,
                options.tasks,
                options.methods,
                options.seeds,
                options.keep or Path(temporary),
                options.choose_on,
            )
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
