"""measured.json -> what stands on the pages."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import markers
from fairgate.gate import tables
from pipeline.results.verdict import Verdict

REPOSITORY = Path(__file__).parents[2]
MEASURED = Path(__file__).with_name("measured.json")
BEGIN, END = "<!-- measured: written by `make figures` -->", "<!-- end of measured -->"


def read() -> dict[str, dict[str, Any]]:
    """Page, from the root of the repository -> what its figures were measured by.

    Of each: `command`, `date`, `version`, `machine` and `varies`, a sentence; of the default run also
    its `verdict`, the fields of verdict.json that are shown.
    """
    return json.loads(MEASURED.read_text())


def section(entry: dict[str, Any]) -> str:
    """What stands on a page, its markers with it."""
    shown = f"```\n{figures(entry['verdict'])}```\n\n" if "verdict" in entry else ""
    stamp = (
        f"*Measured on {entry['date']} by `{entry['command']}`, with version {entry['version']}, on "
        f"{entry['machine']}. {entry['varies']}*"
    )
    return f"{BEGIN}\n\n{shown}{stamp}\n\n{END}"


def figures(verdict: dict[str, Any]) -> str:
    """The tables of a verdict, as a run prints them."""
    printed = io.StringIO()
    console = Console(file=printed, width=80, color_system=None)
    read_back = Verdict.of(verdict)
    tables.show_figures(read_back, console, "the test split")
    if read_back.pushed:
        console.print(f"PASSED: pushed to {read_back.pushed_model}")
    lines = (line.rstrip() for line in printed.getvalue().rstrip().splitlines())
    return "".join(f"{line}\n" for line in lines)


def write() -> None:
    """Puts each section between the markers of its page."""
    for page, entry in read().items():
        markers.fill(REPOSITORY / page, BEGIN, END, section(entry))
