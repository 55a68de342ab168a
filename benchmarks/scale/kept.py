"""What was measured, in measured.json, and the tables of docs/scale.md."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import markers
from benchmarks.scale import data
from benchmarks.scale.measuring import Measured, table

FILE = Path(__file__).with_name("measured.json")
BEGIN, END = "<!-- written by `make scale`: begin -->", "<!-- end -->"
COLUMNS = (
    "Of each step: processor seconds of all cores (and seconds on the clock), and the peak of the "
    "process's resident memory in GB meanwhile. The last column is what 1,000 examples more cost "
    "between the two largest sizes, in processor seconds"
)
_SHOWN = ("name", "seconds", "processor_seconds", "peak_memory_gb")

Kept = dict[str, dict[str, dict[str, Any]]]
"""Kind -> number of examples -> `conditions`, `steps_of_training` and the fields of `Measured`."""


def read(file: Path = FILE) -> Kept:
    """What is kept; nothing where there is no file."""
    known: Kept = json.loads(file.read_text()) if file.exists() else {}
    return known


def keep(kind: str, examples: int, steps: int, run: Measured, file: Path = FILE) -> None:
    """Puts a run in the place of the one of that kind and size."""
    known = read(file)
    of_kind = known.setdefault(kind, {})
    shown = [{name: step[name] for name in _SHOWN if name in step} for step in run.steps]
    of_kind[str(examples)] = {"steps_of_training": steps, **asdict(run), "steps": shown}
    file.write_text(json.dumps(known, indent=1) + "\n")


def write_page(page: Path, file: Path = FILE) -> None:
    """Puts a table for each kind between the markers of the page.

    Raises:
      ValueError: the page has no markers.
    """
    markers.fill(page, BEGIN, END, section(read(file)))


def section(known: Kept) -> str:
    """The markers and what is between them."""
    parts = [BEGIN, f"{COLUMNS}."]
    for kind in data.KINDS:
        if runs := known.get(kind, {}):
            sizes = sorted(runs, key=int)
            fields = Measured.__dataclass_fields__
            found = {
                int(size): Measured(**{name: runs[size][name] for name in fields}) for size in sizes
            }
            parts += [f"### {kind.capitalize()}", "\n".join(table(found))]
            parts += [
                "\n".join(
                    f"- {int(size):,}: {runs[size]['conditions']}, "
                    f"{runs[size]['steps_of_training']:,} steps of each training."
                    for size in sizes
                )
            ]
    return "\n\n".join([*parts, END])
