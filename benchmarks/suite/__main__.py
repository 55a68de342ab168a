"""FairGate's trainer and other libraries on many tasks, judged by one gate; writes docs/suite.md.

python -m benchmarks.suite [--data ../shared/data] [--tasks law-fpr-race ...] [--contenders ours ...]
    [--seeds 5] [--only ours ...] [--only-seeds 0 1 ...] [--again] [--keep runs/suite] [--workers 2]
    [--report-only] [--page docs/suite.md]

Started again, it goes on where it was stopped: what is answered is kept. The page is of all tasks,
contenders and seeds that are asked for; `--only` and `--only-seeds` say which of them are run now.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks.suite import chart, running, summary
from benchmarks.suite.answers import Job, Key, Store
from benchmarks.suite.contenders import CONTENDERS
from benchmarks.suite.judgements import Judgements
from benchmarks.suite.measuring import Result
from benchmarks.suite.page import page
from benchmarks.suite.tasks import TASKS
from fairgate.documents import write_text

PAGE = Path("docs/suite.md")
_COLUMNS = (
    TextColumn("{task.description:35}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeRemainingColumn(),
)


def main() -> None:
    parser = _parser()
    options = parser.parse_args()
    if options.seeds < 1 or options.workers < 1:
        parser.error("--seeds and --workers must be at least 1")
    beyond = [seed for seed in options.only_seeds or () if not 0 <= seed < options.seeds]
    if beyond:
        parser.error(
            f"--only-seeds {beyond[0]}: expected 0 to {options.seeds - 1} (--seeds less 1)"
        )
    if options.again and options.report_only:
        parser.error("--again runs and --report-only does not: give one of them")
    try:
        suite(options, Console())
    except ValueError as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        sys.exit("\nInterrupted. Answers are kept: start again, without --again, to go on.")


def suite(options: argparse.Namespace, console: Console) -> None:
    """Runs what is not answered yet, and writes a page of all that is.

    Raises:
        ValueError: data is missing.
    """
    store = Store(options.keep, options.data)
    store.require_same(options.tasks)
    judgements = Judgements(store)
    notes: list[str] = []
    if not options.report_only:
        seeds = options.only_seeds or range(options.seeds)
        wanted = running.jobs(options.only or options.contenders, options.tasks, seeds)
        if options.again:
            store.forget(wanted)
        _run(store.missing(wanted), store, judgements, options.workers, notes, console)
    asked_for = options.tasks, options.contenders, options.seeds
    results = _judged(judgements, asked_for, console)
    notes += _absent(store, running.jobs(options.contenders, options.tasks, range(options.seeds)))
    file = options.page or _default_page(options)
    picture = file.parent / "images" / f"{file.stem}.png"
    chart.draw(summary.over_all(results, *asked_for), picture)
    text = page(results, *asked_for, notes, f"images/{picture.name}")
    write_text(file, text)
    console.print(text if options.show else f"Written: {file}", markup=False, soft_wrap=True)


def _run(
    missing: Sequence[Job],
    store: Store,
    judgements: Judgements,
    workers: int,
    notes: list[str],
    console: Console,
) -> None:
    pythons = running.interpreters(dict.fromkeys(job.method for job in missing), notes.append)
    jobs = [job for job in missing if job.method in pythons]
    with Progress(*_COLUMNS, console=console, speed_estimate_period=600) as progress:
        bar = progress.add_task("suite", total=len(jobs))

        def finished(job: Job, problem: str) -> None:
            told = f"{job.method}, {job.task}, seed {job.seed}"
            if not problem and not judgements.of(job):
                problem = store.failure(job).read_text().strip()
            progress.update(bar, advance=1, description=told)
            if problem:
                progress.console.print(f"{told}: failed: {problem}", markup=False)

        running.run_all(jobs, store, pythons, workers, finished)


def _judged(
    judgements: Judgements, asked: tuple[list[str], list[str], int], console: Console
) -> dict[Key, Result]:
    names, contenders, seeds = asked
    with Progress(*_COLUMNS, console=console, transient=True) as progress:
        bar = progress.add_task("judging", total=judgements.count(contenders, names, seeds))
        return judgements.results(contenders, names, seeds, lambda: progress.advance(bar))


def _absent(store: Store, asked: Sequence[Job]) -> list[str]:
    """A sentence for each method without some of the answers."""
    found = []
    missing = store.missing(asked)
    for method in dict.fromkeys(job.method for job in missing):
        lacking = [job for job in missing if job.method == method]
        failed = [job for job in lacking if store.failure(job).exists()]
        found.append(f"{method}: {len(lacking)} answers are missing, {len(failed)} of them failed.")
        if failed:
            first = store.failure(failed[0]).read_text().strip()
            found[-1] += f" The first, {failed[0].task} with seed {failed[0].seed}: {first}"
    return found


def _default_page(options: argparse.Namespace) -> Path:
    """The documentation's page is of the whole suite; of a part of it there is one beside its answers."""
    whole = list(options.tasks) == list(TASKS) and list(options.contenders) == list(CONTENDERS)
    return PAGE if whole else options.keep / "suite.md"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.suite", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS), metavar="TASK")
    parser.add_argument(
        "--contenders", nargs="+", choices=CONTENDERS, default=list(CONTENDERS), metavar="NAME"
    )
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="seeds 0 to N - 1")
    parser.add_argument("--keep", type=Path, default=Path("runs/suite"), help="folder of answers")
    parser.add_argument("--workers", type=int, default=2, help="processes at a time")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=CONTENDERS,
        metavar="NAME",
        help="contenders that are run now; the page has the answers of the others as they are",
    )
    parser.add_argument(
        "--only-seeds", nargs="+", type=int, metavar="SEED", help="the same of seeds"
    )
    parser.add_argument(
        "--again", action="store_true", help="make those answers anew that are run now"
    )
    parser.add_argument("--report-only", action="store_true", help="run nothing")
    parser.add_argument("--page", type=Path, help=f"where the page goes ({PAGE}, if all is asked)")
    parser.add_argument("--show", action="store_true", help="print the page, too")
    return parser


if __name__ == "__main__":
    main()
