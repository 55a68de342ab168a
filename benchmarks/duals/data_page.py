"""The tables of docs/duals.md that are about data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks import markers
from benchmarks.duals.on_data import UPDATES, Play, Plays

BEGIN = '<!-- written by `make duals ARGS="--on-data"`: begin -->'
END = "<!-- end of what is about data -->"
_HEADS = ("chosen: error", "violation", "last: error", "violation", "varies: error", "violation")


def write(page: Path, plays: Plays) -> None:
    """Puts the section between its markers in the page.

    Raises:
        ValueError: if the page has no markers.
    """
    markers.fill(page, BEGIN, END, section(plays))


def section(plays: Plays) -> str:
    """The markers and what is between them."""
    names = list(dict.fromkeys(name for name, _, _ in plays))
    tasks = list(dict.fromkeys(task for _, task, _ in plays))
    seeds = 1 + max(seed for _, _, seed in plays)
    parts = [
        BEGIN,
        f"{len(tasks)} tasks of [the suite](suite.md): {', '.join(tasks)}. "
        f"{seeds} seed{'s' if seeds > 1 else ''} of each.",
        "\n".join(
            ["| update | is |", "|---|---|", *(f"| {n} | {UPDATES[n].says} |" for n in names)]
        ),
        "Over all of them:",
        "\n".join(_table(plays, names, tasks)),
        *(_folded(plays, names, task) for task in tasks),
        END,
    ]
    return "\n\n".join(parts)


def _folded(plays: Plays, names: Sequence[str], task: str) -> str:
    inside = "\n".join(_table(plays, names, [task]))
    return f"<details><summary>{task}</summary>\n\n{inside}\n\n</details>"


def _table(plays: Plays, names: Sequence[str], tasks: Sequence[str]) -> Iterator[str]:
    yield f"| update | {' | '.join(_HEADS)} | seconds |"
    yield "|---|" + "---:|" * (len(_HEADS) + 1)
    for name in names:
        found = [play for (n, task, _), play in plays.items() if n == name and task in tasks]
        yield f"| {name} | {' | '.join(_cells(found))} |"


def _cells(plays: Sequence[Play]) -> Iterator[str]:
    """Errors in points, those on test less the baseline's; violations as they are."""
    yield f"{100 * np.mean([p.error - p.baseline for p in plays]):+.2f}"
    yield f"{np.mean([p.violation for p in plays]):.4f}"
    yield f"{100 * np.mean([p.last_error - p.baseline for p in plays]):+.2f}"
    yield f"{np.mean([p.last_violation for p in plays]):.4f}"
    yield f"{100 * np.mean([p.error_varies for p in plays]):.2f}"
    yield f"{np.mean([p.violation_varies for p in plays]):.4f}"
    yield f"{np.mean([p.seconds for p in plays]):.0f}"
