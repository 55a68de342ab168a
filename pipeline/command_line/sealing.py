"""The command that ends a series of attempts, to see what was sealed."""

from __future__ import annotations

import argparse
import pathlib
from typing import TYPE_CHECKING

from fairgate.answers import DONE, Answer
from pipeline.command_line import documents
from pipeline.results import ending
from pipeline.results import runs as all_runs
from pipeline.running import terminal

if TYPE_CHECKING:
    from rich.console import Console


def unseal(options: argparse.Namespace) -> Answer:
    """Ends the series of a run, and shows every run of it."""
    run = all_runs.find(pathlib.Path(options.runs), options.run)
    with terminal.quiet(str(run.folder / all_runs.LOG_FILE), options.verbose):
        from pipeline import unsealing

        end, shown = unsealing.unseal(run)

    def in_words(console: Console) -> None:
        for each in shown:
            if each.verdict is not None:
                console.print(f"{each.name}: the figures of its test split", style="bold")
                ending.show(each, each.verdict, console)
                console.print()
        console.print(
            "The series of attempts on this test split has ended: the gate will refuse any model that it "
            "has not judged there."
        )

    return Answer(
        DONE,
        {"end": end.why, "runs": [documents.whole(each.folder) for each in shown]},
        in_words,
    )
