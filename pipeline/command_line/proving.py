"""Commands about evidence: one that signs it, and one that checks it. Neither loads TensorFlow."""

from __future__ import annotations

import argparse
import pathlib
from dataclasses import asdict
from typing import TYPE_CHECKING

from fairgate.answers import DONE, FAILED, Answer
from fairgate.errors import DataError
from pipeline.called import called
from pipeline.results import evidence
from pipeline.results import runs as all_runs

if TYPE_CHECKING:
    from rich.console import Console


def sign(options: argparse.Namespace) -> Answer:
    """Writes a run's evidence anew, signed where a key is given."""
    run = all_runs.find(pathlib.Path(options.runs), options.run)
    if run.verdict is None:
        raise DataError(
            f"{run.name} has no verdict to give evidence of: its state is '{run.state}'. {called()} show "
            f"{run.name} says more"
        )
    key = None if options.key is None else pathlib.Path(options.key)
    file = evidence.write(run, run.verdict, key)
    return Answer(DONE, {"file": str(file), "signed": key is not None}, lambda console: print(file))


def verify(options: argparse.Namespace) -> Answer:
    """Checks evidence; the exit status is 1 if anything does not fit."""
    file = pathlib.Path(options.file)
    file = file / evidence.EVIDENCE_FILE if file.is_dir() else file
    key = None if options.key is None else pathlib.Path(options.key)
    checked = evidence.check(file, key)

    def in_words(console: Console) -> None:
        from rich.text import Text

        console.print(f"{checked.run}: {checked.promise}", markup=False)
        by = checked.signed_by
        console.print(
            f"Signed with the key whose SHA-256 is {by}." if by else "Not signed.", markup=False
        )
        if checked.absent:
            names = ", ".join(checked.absent)
            console.print(f"Not here, and so not looked at: {names}.", markup=False)
        for problem in checked.problems:
            console.print(Text.assemble(("WRONG: ", "bold red"), problem))
        if not checked.problems:
            console.print(Text("The evidence is whole, and fits what lies beside it.", "green"))

    return Answer(FAILED if checked.problems else DONE, asdict(checked), in_words)
