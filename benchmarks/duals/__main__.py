"""Which way to move multipliers settles, and where.

python -m benchmarks.duals [--steps 3000] [--seeds 5] [--output FILE]
python -m benchmarks.duals --on-data [--seeds 2] [--output FILE] [--data ../shared/data]
    [--tasks law-fpr-race ...] [--keep runs/suite]

Every update at every rate on the bank of convex problems that the tests of the games use, with exact
constraints and with noisy ones; or, on data, the trainer with each of the updates on tasks of the suite.
Writes tables of docs/duals.md; nothing is asserted.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.progress import Progress

PAGE = Path(__file__).parents[2] / "docs" / "duals.md"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.duals")
    parser.add_argument("--steps", type=int, default=3000, help="of both players")
    parser.add_argument("--seeds", type=int, help="of the noise (5), or of the data's splits (2)")
    parser.add_argument("--output", type=Path, help="a Markdown file instead of the page")
    parser.add_argument("--on-data", action="store_true", help="the trainer, on tasks of the suite")
    parser.add_argument("--tasks", nargs="+", metavar="TASK", help="of the suite, with --on-data")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--keep", type=Path, default=Path("runs/suite"), help="folder of the suite")
    options = parser.parse_args()
    if options.steps < 10 or (options.seeds is not None and options.seeds < 1):
        parser.error("--steps must be at least 10, --seeds at least 1")
    try:
        on_data(options) if options.on_data else on_problems(options)
    except ValueError as error:
        parser.error(str(error))
    print(f"Written: {options.output or PAGE}")


def on_problems(options: argparse.Namespace) -> None:
    """Plays the updates on convex problems, and writes their tables."""
    from benchmarks.duals import comparing, page
    from benchmarks.duals.updates import RATES, UPDATES

    with Progress() as progress:
        bar = progress.add_task("Playing", total=len(UPDATES) * len(RATES))
        best = comparing.compare(
            list(UPDATES), RATES, options.steps, options.seeds or 5, lambda: progress.advance(bar)
        )
    asked = best, options.steps, options.seeds or 5
    if options.output:
        options.output.write_text(page.section(*asked) + "\n")
    else:
        page.write(PAGE, *asked)


def on_data(options: argparse.Namespace) -> None:
    """Trains on data with each update, and writes their tables; started again, it goes on."""
    from benchmarks.duals import data_page, on_data

    tasks, seeds = options.tasks or on_data.TASKS, options.seeds or 2
    store = on_data.open_store(options.keep, options.data, tasks)
    with Progress() as progress:
        bar = progress.add_task("Training", total=len(tasks) * seeds)
        plays = on_data.compare(
            list(on_data.UPDATES),
            tasks,
            seeds,
            store,
            lambda what: progress.update(bar, advance=1, description=what),
        )
    if options.output:
        options.output.write_text(data_page.section(plays) + "\n")
    else:
        data_page.write(PAGE, plays)


if __name__ == "__main__":
    main()
