"""Which way to move multipliers settles, and where.

python -m benchmarks.duals [--steps 3000] [--seeds 5] [--output FILE]

Every update at every rate on the bank of convex problems that the tests of the games use, with exact
constraints and with noisy ones. Writes the tables of docs/duals.md; nothing is asserted.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.progress import Progress

from benchmarks.duals import comparing, page
from benchmarks.duals.updates import RATES, UPDATES

PAGE = Path(__file__).parents[2] / "docs" / "duals.md"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.duals")
    parser.add_argument("--steps", type=int, default=3000, help="of both players")
    parser.add_argument("--seeds", type=int, default=5, help="of the noise")
    parser.add_argument("--output", type=Path, help="a Markdown file instead of the page")
    options = parser.parse_args()
    if options.steps < 10 or options.seeds < 1:
        parser.error("--steps must be at least 10, --seeds at least 1")
    with Progress() as progress:
        bar = progress.add_task("Playing", total=len(UPDATES) * len(RATES))
        best = comparing.compare(
            list(UPDATES), RATES, options.steps, options.seeds, lambda: progress.advance(bar)
        )
    asked = best, options.steps, options.seeds
    if options.output:
        options.output.write_text(page.section(*asked) + "\n")
    else:
        page.write(PAGE, *asked)
    print(f"Written: {options.output or PAGE}")


if __name__ == "__main__":
    main()
