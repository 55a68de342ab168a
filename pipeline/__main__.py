"""Command line: python -m pipeline run | data | settings."""

from __future__ import annotations

import argparse
import sys

USAGE_ERROR = 2


def main(arguments: list[str] | None = None) -> int:
    """Parses the command line and does what it says; returns the exit status."""
    options = _parser().parse_args(arguments)
    from components.errors import FairGateError
    from pipeline import settings

    try:
        tree = settings.load(options.settings, options.set)
        return options.command(tree, options)
    except FairGateError as error:
        print(f"error: {error}", file=sys.stderr)
        return USAGE_ERROR
    except KeyboardInterrupt:
        print("\nInterrupted. Nothing half-made was left; run again to go on.", file=sys.stderr)
        return 130


def _run(tree, options) -> int:
    from pipeline import local

    return local.run(tree, verbose=options.verbose)


def _data(tree, options) -> int:
    import pathlib

    from rich.progress import Progress

    from components import progress
    from components.errors import SettingsError
    from pipeline import local

    del options
    folder = tree.data.folder
    if tree.data.path is not None:
        raise SettingsError(
            f"data.path = {folder!r} names existing data: only the synthetic stand-in is made. Leave "
            "data.path unset, and set data.stand_in.images and data.stand_in.seed"
        )
    if pathlib.Path(folder).exists():
        print(f"{folder} is there already (synthetic stand-in for CelebA)")
        return 0
    with Progress() as bar:
        task = bar.add_task("Synthetic stand-in for CelebA", total=None)

        def show(done: int, total: int, message: str) -> None:
            bar.update(task, completed=done, total=total)

        with progress.listening(show):
            local.make_stand_in(tree)
    print(f"made {folder} (synthetic stand-in for CelebA, TFDS layout celeb_a 2.1.0)")
    return 0


def _settings(tree, options) -> int:
    from pipeline import settings

    del options
    print(settings.dump(tree), end="")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline",
        description="Trains a classifier under fairness constraints and pushes it only if its measured "
        "fairness gap passes the gate.",
        epilog="exit status of run: 0 pushed, 3 blocked by the gate, anything else a failure",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, function, description in (
        ("run", _run, "run the whole pipeline on this machine, from data to verdict"),
        ("data", _data, "make the synthetic stand-in for CelebA"),
        ("settings", _settings, "print every setting and its value, as YAML"),
    ):
        command = commands.add_parser(name, help=description, description=description)
        command.set_defaults(command=function)
        command.add_argument(
            "--settings",
            action="append",
            default=[],
            metavar="FILE",
            help="YAML file with settings, laid over the defaults (may be repeated)",
        )
        command.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="PATH=VALUE",
            help="one setting, such as gate.limit=0.02 (may be repeated)",
        )
        if name == "run":
            command.add_argument(
                "--verbose", action="store_true", help="show all that TensorFlow and Beam print"
            )
    return parser


if __name__ == "__main__":
    sys.exit(main())
