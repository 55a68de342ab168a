"""measured.json -> what stands on the pages."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
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
    its `verdict`, the fields of verdict.json that are shown; of others perhaps `shown`, what was printed,
    `table`, in Markdown, or `runs`, what the page calls the runs that it shows.
    """
    return json.loads(MEASURED.read_text())


def section(entry: dict[str, Any]) -> str:
    """What stands on a page, its markers with it."""
    printed = figures(entry["verdict"]) if "verdict" in entry else entry.get("shown", "")
    shown = f"```\n{printed}```\n\n" if printed else ""
    shown += f"{entry['table']}\n" if "table" in entry else ""
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


def times(steps: Sequence[Mapping[str, Any]]) -> str:
    """Seconds and memory of each step of a run, and of all, as a table."""
    rows = [(step["name"], step["seconds"], step["peak_memory_gb"]) for step in steps]
    every = ("**all**", sum(row[1] for row in rows), max(row[2] for row in rows))
    lines = [
        f"| {name} | {seconds:,.0f} | {memory:.1f} |" for name, seconds, memory in [*rows, every]
    ]
    return "\n".join(["| step | seconds | peak memory, GB |", "|---|---:|---:|", *lines, ""])


def write() -> None:
    """Puts each section between the markers of its page."""
    for page, entry in read().items():
        markers.fill(REPOSITORY / page, BEGIN, END, section(entry))
