"""Commands about what runs left: open a report, remove runs, write the page of all runs."""

from __future__ import annotations

import argparse
import os
import pathlib
import sys
import webbrowser
from typing import TYPE_CHECKING

from fairgate.answers import DONE, Answer
from fairgate.documents import write_text
from fairgate.errors import DataError
from pipeline.called import called
from pipeline.results import removal
from pipeline.results import runs as all_runs

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.command_line.comparing import Comparison

# What people look at of a run, the first that is there.
_PAGES = (all_runs.REPORT_FILE, "frontier.png", "trials.png")


def open_report(options: argparse.Namespace) -> Answer:
    """The report of a run in the browser; its path, where there is none."""
    run = all_runs.find(pathlib.Path(options.runs), options.run)
    there = [run.folder / name for name in _PAGES if (run.folder / name).exists()]
    if not there:
        raise DataError(
            f"{run.name} has no report: its state is '{run.state}'. {called()} show {run.name} says more"
        )
    opened = not options.json and open_page(there[0])

    def in_words(console: Console) -> None:
        from fairgate.gate import tables

        tables.line(console, str(there[0]))
        if not opened:
            print("No browser was found here: open this file in one.", file=sys.stderr)

    return Answer(DONE, {"file": str(there[0]), "opened": opened}, in_words)


def open_page(file: pathlib.Path) -> bool:
    """Opens a file in a window of the browser; False where there is no window to open."""
    windows = sys.platform != "linux" or any(
        os.environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")
    )
    try:
        return windows and webbrowser.open(file.resolve().as_uri())
    except webbrowser.Error:
        return False


def remove(options: argparse.Namespace) -> Answer:
    """Runs taken away for good."""
    chosen = removal.named(pathlib.Path(options.runs), options.remove)
    removed = [removal.remove(run) for run in chosen]

    def in_words(console: Console) -> None:
        for each in removed:
            with_it = ", with the artifacts of its pipeline, which has no other run"
            print(f"removed {each.run}{with_it if each.whole else ''}")
            if each.served:
                print(f"  its model is still served: {each.served}")
        print("What was asked of their test splits stays counted.")

    document = [{"run": e.run, "artifacts": e.whole, "served": e.served} for e in removed]
    return Answer(DONE, {"removed": document}, in_words)


def write_page(options: argparse.Namespace) -> Answer:
    """The page of all runs."""
    from pipeline.command_line import history_page

    root = pathlib.Path(options.runs)
    file = pathlib.Path(options.html or root / "index.html")
    file = file / "index.html" if file.is_dir() else file
    known = all_runs.every(root)
    _write(file, history_page.render(known, root, file.resolve().parent))
    return Answer(DONE, {"file": str(file), "runs": len(known)}, lambda console: print(file))


def write_comparison(comparison: Comparison, given: str) -> Answer:
    """The page of two runs side by side; in the second one's folder, if no file is given."""
    from pipeline.command_line import compare_page

    first, second = comparison.runs
    name = f"beside_{first.pipeline}_{first.id}.html"
    file = pathlib.Path(given or second.folder / name)
    file = file / name if file.is_dir() else file
    _write(file, compare_page.render(comparison))
    return Answer(DONE, {"file": str(file)}, lambda console: print(file))


def _write(file: pathlib.Path, page: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    write_text(file, page)
