"""Submits, watches and cancels runs on a cluster, and recurring runs.

python kubeflow/submit.py run --target vertex --settings mine.yaml [--dry-run] [--watch]
python kubeflow/submit.py run --target vertex --settings mine.yaml --schedule "0 3 * * 1" [--catch-up]
python kubeflow/submit.py unschedule SCHEDULE --target vertex --settings mine.yaml
python kubeflow/submit.py watch RUN --target vertex --settings mine.yaml
python kubeflow/submit.py cancel RUN --target vertex --settings mine.yaml
"""

from __future__ import annotations

import argparse
import pathlib
import sys

# Run by path, from anywhere.
sys.path[0] = str(pathlib.Path(__file__).resolve().parent.parent)


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status: 0 done (and, where watched, succeeded), 1 the run failed, 2 an error."""
    options = _parser().parse_args(arguments)
    from fairgate.errors import FairGateError
    from pipeline import settings
    from pipeline.clusters import noise

    try:
        tree = settings.load(options.settings, options.set)
        if options.command == "run":
            _require_sense(options)
        with noise.hidden():
            return _do(options, tree)
    except FairGateError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nNo longer watching; the run goes on.", file=sys.stderr)
        return 130


def _require_sense(options: argparse.Namespace) -> None:
    """Before TFX, which takes half a minute to load."""
    from fairgate.errors import SettingsError
    from pipeline.clusters import cron

    if options.schedule is not None:
        cron.checked(options.schedule)
        if options.watch:
            raise SettingsError(
                "--watch: a recurring run has no end to wait for; watch one of its runs by its name"
            )
    elif options.catch_up is not None:
        said = "--catch-up" if options.catch_up else "--no-catch-up"
        raise SettingsError(f"{said} is about a recurring run: give --schedule, too")


def _do(options: argparse.Namespace, tree) -> int:
    if options.command == "unschedule" or (
        options.command == "run" and options.schedule is not None
    ):
        return _do_recurring(options, tree)
    from pipeline.clusters import runs

    if options.command == "run":
        if options.dry_run:
            print(runs.request(tree, options.target))
            return 0
        run, link = runs.submit(tree, options.target)
        print(f"submitted {run}\n{link}", flush=True)
        if not options.watch:
            return 0
    else:
        run = options.run
    if options.command == "cancel":
        runs.cancel(tree, options.target, run)
        print(f"asked to cancel {run}\n{runs.link(tree, options.target, run)}")
        return 0
    succeeded = runs.watch(tree, options.target, run, lambda line: print(line, flush=True))
    return 0 if succeeded else 1


def _do_recurring(options: argparse.Namespace, tree) -> int:
    from pipeline.clusters import schedules

    if options.command == "unschedule":
        schedules.end(tree, options.target, options.schedule)
        print(f"no run of {options.schedule} will start any more; one that is under way goes on")
        return 0
    how = (tree, options.target, options.schedule, bool(options.catch_up))
    if options.dry_run:
        print(schedules.request(*how))
        return 0
    schedule, link = schedules.create(*how)
    print(f"scheduled {schedule}\n{link}", flush=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, description in (
        (
            "run",
            "compile and submit a run, or with --schedule a recurring one; prints a link to it",
        ),
        ("watch", "say how a run stands until it ends"),
        ("cancel", "end a run, its trainer jobs included"),
        ("unschedule", "end a recurring run; a run of it that is under way goes on"),
    ):
        command = commands.add_parser(name, help=description, description=description)
        if name == "run":
            command.add_argument(
                "--dry-run", action="store_true", help="print what would be submitted, and stop"
            )
            command.add_argument("--watch", action="store_true", help="then watch it")
            command.add_argument(
                "--schedule",
                metavar="CRON",
                help="make it a recurring run: minute, hour, day of the month, month, day of the week, "
                "in UTC, such as '0 3 * * 1' for Mondays at 3:00",
            )
            command.add_argument(
                "--catch-up",
                action=argparse.BooleanOptionalAction,
                help="make runs that were missed, all of them, as soon as they can be (default: no)",
            )
        elif name == "unschedule":
            command.add_argument(
                "schedule", metavar="SCHEDULE", help="the recurring run, as it was printed"
            )
        else:
            command.add_argument("run", metavar="RUN", help="the run, as it was printed")
        command.add_argument("--target", choices=("vertex", "kubeflow"), required=True)
        for flag, meta in (("--settings", "FILE"), ("--set", "PATH=VALUE")):
            command.add_argument(
                flag, action="append", default=[], metavar=meta, help="as for python -m pipeline"
            )
    return parser


if __name__ == "__main__":
    sys.exit(main())
