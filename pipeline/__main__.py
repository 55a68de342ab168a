"""Command line: `fairgate COMMAND`, or `python -m pipeline COMMAND`; `--help` lists the commands."""

from __future__ import annotations

import os
import sys

from pipeline.command_line import parser


def main(arguments: list[str] | None = None) -> int:
    """Parses the command line and does what it says; returns the exit status."""
    here = os.getcwd()
    if here not in sys.path:
        # For networks of the user's own; behind everything else, so that a file of theirs that is called
        # random.py or types.py takes nobody's place.
        sys.path.append(here)
    return parser.make().answer(arguments)


if __name__ == "__main__":
    sys.exit(main())
