"""Command lines that help: a misspelt command gets a suggestion, and none at all gets the help."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Sequence
from typing import NoReturn

from fairgate import answers, streams
from fairgate.documents import to_json

_UNKNOWN = re.compile(r"invalid choice: '(.*?)' \(choose from (.*)\)$")


class Parser(argparse.ArgumentParser):
    """An `argparse.ArgumentParser` whose commands are answered by `answers.give`."""

    def error(self, message: str) -> NoReturn:
        """Says what is wrong and what may have been meant, and exits with status 2."""
        found = _UNKNOWN.search(message)
        if found:
            known = [name.strip(" '") for name in found[2].split(",")]
            close = difflib.get_close_matches(found[1], known, n=1)
            if close:
                message = f"{message}; did you mean '{close[0]}'?"
        if Parser._as_json:
            print(to_json({"error": message}))
        super().error(message)

    def answer(self, arguments: Sequence[str] | None = None) -> int:
        """Parses the command line and does what it says; returns the exit status."""
        with streams.lasting():
            # Known before the rest is, so that what cannot be parsed is told in the same way.
            Parser._as_json = "--json" in (sys.argv[1:] if arguments is None else arguments)
            options = self.parse_args(arguments)
            if not hasattr(options, "command"):
                self.print_help()
                return answers.DONE
            return answers.give(options)

    _as_json = False  # of the class: each command has a parser of its own
