"""Command line: python -m pipeline run | frontier | data | data from-csv | settings."""

from __future__ import annotations

import argparse
import contextlib
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


def _frontier(tree, options) -> int:
    from components.constrained_trainer import limits

    asked = limits.read(options.limits) if options.limits is not None else limits.DEFAULT
    # Refused here, before anything heavy starts.
    limits.tightening(tree.trainer.constraints, tree.data.features.group_names, asked)
    from pipeline import frontier

    return frontier.run(tree, asked, verbose=options.verbose)


def _data(tree, options) -> int:
    import pathlib

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
    with _progress_bar("Synthetic stand-in for CelebA"):
        local.make_stand_in(tree)
    print(f"made {folder} (synthetic stand-in for CelebA, TFDS layout celeb_a 2.1.0)")
    return 0


def _from_csv(tree, options) -> int:
    import pathlib

    from components.errors import SettingsError
    from pipeline.data.from_csv import making

    if tree.data.path is None:
        raise SettingsError(
            "data.path says where the dataset goes: set it in a settings file, or with "
            "--set data.path=FOLDER"
        )
    schema_file = pathlib.Path(tree.data.schema_file)
    drafted = not schema_file.exists()
    with _progress_bar("CSV to TFRecords"):
        rows = making.make(
            pathlib.Path(tree.data.path),
            [pathlib.Path(file) for file in options.files],
            {split: [pathlib.Path(f) for f in getattr(options, split)] for split in making.SPLITS},
            tree.data.features,
            tree.data.csv,
            schema_file,
        )
    counts = ", ".join(f"{split} {count:,}" for split, count in rows.items())
    print(f"made {tree.data.path} (rows: {counts})")
    if drafted:
        print(f"drafted {schema_file} from the train split: look through it before you rely on it")
    return 0


@contextlib.contextmanager
def _progress_bar(title):
    from rich.progress import Progress

    from components import progress

    with Progress() as bar:
        task = bar.add_task(title, total=None)

        def show(done: int, total: int, message: str) -> None:
            bar.update(task, completed=done, total=total)

        with progress.listening(show):
            yield


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
        (
            "frontier",
            _frontier,
            "train at one limit after another, and draw accuracy against the constraint's value",
        ),
        ("data", _data, "make the synthetic stand-in for CelebA"),
        ("settings", _settings, "print every setting and its value, as YAML"),
    ):
        command = commands.add_parser(name, help=description, description=description)
        command.set_defaults(command=function)
        _add_settings(command, default=[])
        if name in ("run", "frontier"):
            command.add_argument(
                "--verbose", action="store_true", help="show all that TensorFlow and Beam print"
            )
        if name == "frontier":
            command.add_argument(
                "--limits",
                metavar="NUMBER,...",
                help="limits that take the place of those in trainer.constraints, one after another "
                "(default: 0.2,0.1,0.05,0.02,0.01)",
            )
        if name == "data":
            _add_from_csv(command)
    return parser


def _add_settings(command: argparse.ArgumentParser, default) -> None:
    command.add_argument(
        "--settings",
        action="append",
        default=default,
        metavar="FILE",
        help="YAML file with settings, laid over the defaults (may be repeated)",
    )
    command.add_argument(
        "--set",
        action="append",
        default=default,
        metavar="PATH=VALUE",
        help="one setting, such as gate.limit=0.02 (may be repeated)",
    )


def _add_from_csv(data: argparse.ArgumentParser) -> None:
    command = data.add_subparsers(metavar="from-csv").add_parser(
        "from-csv",
        help="make data.path of CSV files",
        description="Makes data.path (TFRecord shards of three splits) of CSV files whose columns "
        "data.features names; data.csv says how they are read and divided. Where data.schema_file is "
        "not there yet, a draft of it is made.",
    )
    command.set_defaults(command=_from_csv)
    command.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="CSV file whose rows are divided among the splits without files of their own",
    )
    for split in ("train", "validation", "test"):
        command.add_argument(
            f"--{split}",
            action="append",
            default=[],
            metavar="FILE",
            help=f"CSV file that is the {split} split (may be repeated)",
        )
    # What was given before from-csv stays.
    _add_settings(command, default=argparse.SUPPRESS)


if __name__ == "__main__":
    sys.exit(main())
