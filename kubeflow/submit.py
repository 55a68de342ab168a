"""Submits, watches and cancels runs on a cluster.

python kubeflow/submit.py run --target vertex --settings mine.yaml [--dry-run] [--watch]
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
        with noise.hidden():
            return _do(options, tree)
    except FairGateError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nNo longer watching; the run goes on.", file=sys.stderr)
        return 130


def _do(options: argparse.Namespace, tree) -> int:
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, description in (
        ("run", "compile and submit a run; prints a link to it"),
        ("watch", "say how a run stands until it ends"),
        ("cancel", "end a run, its trainer jobs included"),
    ):
        command = commands.add_parser(name, help=description, description=description)
        if name == "run":
            command.add_argument(
                "--dry-run", action="store_true", help="print what would be submitted, and stop"
            )
            command.add_argument("--watch", action="store_true", help="then watch it")
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
