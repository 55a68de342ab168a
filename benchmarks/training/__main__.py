"""How fast training is, and next to whom.

python -m benchmarks.training [--only NAME] [--repeats 5] [--output FILE]

Medians of repeats that were taken in turns; a ratio is the median of the ratios within each turn.
Nothing is asserted: the targets stand beside.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
from pathlib import Path

from benchmarks.training.cards import cards
from benchmarks.training.comparisons import COMPARISONS, Row


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training")
    parser.add_argument("--only", nargs="+", choices=COMPARISONS)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--output", type=Path, help="a Markdown file for the table")
    options = parser.parse_args()
    if options.repeats < 1:
        parser.error("--repeats must be at least 1")
    names = options.only or [name for name in COMPARISONS if name != "gpu" or cards()]
    load = os.getloadavg()[0]
    lines = [
        f"{datetime.date.today()}, {os.cpu_count()} cores ({platform.machine()}), load {load:.1f} at "
        f"the start, {options.repeats} repeats",
        "",
        "| | | ratio | target |",
        "| --- | --- | --- | --- |",
    ]
    print("\n".join(lines), flush=True)
    for name in names:
        doc = (COMPARISONS[name].__doc__ or "").rstrip(".")
        rows: list[Row] = [(f"**{doc}**", "", "", "")]
        _show(rows[0], lines)
        for row in COMPARISONS[name](options.repeats):
            _show(row, lines)
    if options.output:
        options.output.write_text("\n".join(lines) + "\n")


def _show(row: Row, lines: list[str]) -> None:
    lines.append(f"| {' | '.join(row)} |")
    print(lines[-1], flush=True)


if __name__ == "__main__":
    main()
