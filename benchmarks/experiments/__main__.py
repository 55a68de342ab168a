"""Accuracy, probability of a solution and probability of violation against the amount of data.

python -m benchmarks.experiments [--data stand-in|smiles|SETTINGS FILE] [--constraint "..."]
    [--delta 0.05] [--fractions 0.01 0.1] [--trials 20] [--methods ours ...] [--workers 2] [--out DIR]

Started again, it goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks.experiments import figure, plan, summary
from benchmarks.experiments.plan import Plan
from benchmarks.experiments.records import Records, finished
from benchmarks.experiments.workers import ENVIRONMENT, Job, Setting, run_all
from benchmarks.peers.environments import Unavailable, python_of
from fairgate.errors import FairGateError
from pipeline import settings as pipeline_settings
from pipeline.running import terminal
from pipeline.settings import Settings

FOLDER = Path("runs/experiments")
SETTINGS = {"stand-in": "schemas/celeba/settings.yaml", "smiles": "schemas/smiles/settings.yaml"}
# As `methods.METHODS`, which loads TensorFlow.
METHODS = tuple(figure.LABELS)


def main() -> None:
    parser = _parser()
    options = parser.parse_args()
    if options.trials < 1 or options.workers < 1:
        parser.error("--trials and --workers must be at least 1")
    try:
        FOLDER.mkdir(parents=True, exist_ok=True)
        with terminal.quiet(str(FOLDER / "libraries.log"), verbose=False) as console:
            experiment(options, console)
    except (FairGateError, ValueError) as error:
        parser.error(str(error))
    except BrokenProcessPool:
        sys.exit("A worker was killed; perhaps memory is short. Start again to go on.")
    except KeyboardInterrupt:
        sys.exit("\nInterrupted. Finished trials are kept: start again to go on.")


def experiment(options: argparse.Namespace, console: Console) -> None:
    """Runs what is still missing of an experiment, and draws all that is there.

    Raises:
        FairGateError, ValueError: an option, a setting or the data cannot be used.
    """
    os.environ.update(ENVIRONMENT)  # before the next line, which loads TensorFlow
    from benchmarks.experiments import pool

    # Trials draw images as if they were independent: of the stand-in, nobody is on two of them.
    apart = ["data.stand_in.pictures=1", *options.set]
    settings = pipeline_settings.load([SETTINGS.get(options.data, options.data)], apart)
    groups = settings.data.features.group_names
    made = Plan(
        data=options.data if options.data in SETTINGS else settings.name,
        constraint=options.constraint or plan.default_constraint(groups),
        delta=options.delta,
        network=options.network,
        spare=options.spare,
        seed=options.seed,
    )
    constraint = plan.parse(made, groups)
    methods, fairlearn = _available(options.methods, constraint, console)
    examples = _pool(settings, console)
    rows = len(pool.open_pool(examples))
    fractions = options.fractions or plan.default_fractions(made.data, rows)
    sizes = plan.sizes(fractions, rows)
    folder = options.out or FOLDER / made.slug
    records = Records(folder, made.as_json() | {"pool": examples.name})
    jobs = missing(methods, sizes, options.trials, finished(records.read()))
    console.print(
        f"{made.constraint}, delta {made.delta:g}, on {rows:,} examples; {folder}",
        markup=False,
        soft_wrap=True,
    )
    setting = Setting(examples, made, settings.trainer, fairlearn, folder / "workers.log")
    if not options.draw:
        _run(jobs, setting, options.workers, records, console)
    _report(records, folder, made, fractions, methods, options.trials, console)


def missing(methods: Sequence[str], sizes: dict[float, int], trials: int, done: set) -> list[Job]:
    """What is to be done, trial by trial, so that a stopped experiment has every amount of data."""
    jobs = []
    for trial in range(trials):
        for fraction, examples in sizes.items():
            lacking = tuple(m for m in methods if (m, fraction, trial) not in done)
            if lacking:
                jobs.append(Job(fraction, examples, trial, lacking))
    return jobs


def _available(
    wanted: Sequence[str], constraint, console: Console
) -> tuple[list[str], Path | None]:
    """(the methods that can be run here, fairlearn's Python if it is one of them)."""
    if "fairlearn" not in wanted:
        return list(wanted), None
    from benchmarks.experiments.peer import moment_for

    try:
        moment_for(constraint)
        return list(wanted), python_of("modern")
    except (Unavailable, ValueError) as reason:
        console.print(f"fairlearn is left out: {reason}.", markup=False)
        return [method for method in wanted if method != "fairlearn"], None


def _pool(settings: Settings, console: Console) -> Path:
    """The folder of the pool; the stand-in is drawn where it is wanted and not there."""
    from benchmarks.experiments import pool

    if settings.data.path is None and not Path(settings.data.folder).exists():
        from pipeline.running import local

        console.print("Drawing the stand-in (once; some minutes) ...")
        local.make_stand_in(settings)
    columns = (TextColumn("Reading pictures"), TextColumn("{task.completed:,.0f}"))
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=None)
        return pool.make_pool(
            settings, FOLDER / "pools", lambda done: progress.update(bar, completed=done)
        )


def _run(
    jobs: Sequence[Job], setting: Setting, workers: int, records: Records, console: Console
) -> None:
    columns = (TextColumn("trials"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, speed_estimate_period=300) as progress:
        bar = progress.add_task("", total=len(jobs))
        for found in run_all(jobs, setting, min(workers, max(len(jobs), 1))) if jobs else ():
            records.append(found)
            progress.advance(bar)


def _report(
    records: Records,
    folder: Path,
    made: Plan,
    fractions: Sequence[float],
    methods: Sequence[str],
    trials: int,
    console: Console,
) -> None:
    """CSV, PNG and a table of what this command asked for."""
    asked = [
        record
        for record in records.read()
        if record["fraction"] in fractions and record["trial"] < trials
    ]
    points = summary.summarize(asked, methods)
    summary.write_csv(asked, points, folder)
    counts = sorted({point.trials for point in points} or {0})
    trials_done = " to ".join(map(str, dict.fromkeys((counts[0], counts[-1]))))
    title = f"{made.data}: {made.constraint}, {trials_done} trials"
    figure.draw(points, title, made.delta, folder / "experiment.png")
    lines = summary.table(points)
    (folder / "summary.md").write_text("\n".join(lines) + "\n")
    console.print("\n".join(lines), markup=False, soft_wrap=True)
    failed = [record for record in asked if "error" in record]
    if failed:
        console.print(
            f"{len(failed)} trials failed and are not counted, the first with: {failed[0]['error']}",
            markup=False,
        )
    console.print(f"{folder}/experiment.png, summary.md, summary.csv, trials.csv", soft_wrap=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.experiments", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--data", default="stand-in", metavar="NAME", help="stand-in, smiles, or a settings file"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="PATH=VALUE", help="as of the pipeline"
    )
    parser.add_argument("--constraint", help="what is promised (default: the guide's ratio)")
    parser.add_argument("--delta", type=float, default=0.05)
    parser.add_argument(
        "--fractions", type=float, nargs="+", help="shares of the dataset that trials are given"
    )
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--network", default="mlp", help="of the trainer")
    parser.add_argument(
        "--spare",
        type=float,
        default=Plan.spare,
        help="share of the slack that training leaves for the safety test",
    )
    parser.add_argument(
        "--draw", action="store_true", help="draw what is finished, and run nothing"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--out", type=Path, help="a folder; what is finished there is not done again"
    )
    return parser


if __name__ == "__main__":
    main()
