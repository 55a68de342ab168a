"""Command line: `fairgate COMMAND`, or `python -m pipeline COMMAND`; `--help` lists the commands."""

from __future__ import annotations

import sys

from pipeline.command_line import parser


def main(arguments: list[str] | None = None) -> int:
    """Parses the command line and does what it says; returns the exit status."""
    return parser.make().answer(arguments)


if __name__ == "__main__":
    sys.exit(main())
