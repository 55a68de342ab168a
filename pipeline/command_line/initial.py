"""The options of init, and those that say which files make which split."""

from __future__ import annotations

import argparse

from pipeline.command_line.completing import file, place

SPLITS = ("train", "validation", "test")


def add_splits(command: argparse.ArgumentParser) -> None:
    """Files that are a split of their own."""
    for split in SPLITS:
        command.add_argument(
            f"--{split}",
            action="append",
            type=place,
            default=[],
            metavar="FILE",
            help=f"CSV or Parquet file that is the {split} split (may be repeated)",
        ).complete = file()  # type: ignore[attr-defined]


def add_options(command: argparse.ArgumentParser) -> None:
    """What init may be told."""
    command.description = (
        "Looks at a table, asks what it cannot know (or guesses, where nobody can be asked), writes a "
        "commented settings file, and makes the dataset of it as data from-csv does: then it can be run."
    )
    command.add_argument(
        "files",
        nargs="*",
        type=place,
        metavar="FILE",
        help="CSV or Parquet file whose rows are divided among the splits without files of their own; or "
        "a folder of pictures",
    ).complete = file()  # type: ignore[attr-defined]
    add_splits(command)
    command.add_argument(
        "--csv",
        type=place,
        metavar="FILE",
        help="of a folder of pictures, the table with a row for each",
    ).complete = file()  # type: ignore[attr-defined]
    for name, metavar, told in (
        ("label", "COLUMN", "what is predicted"),
        ("unit", "COLUMN", "whose row it is, where people have several"),
        ("weight", "COLUMN", "what a row counts, as in a survey"),
        ("columns", "NAME,...", "names of all columns, where the file has none"),
        ("name", "NAME", "name of the dataset and its runs (default: that of the file)"),
    ):
        command.add_argument(f"--{name}", metavar=metavar, help=told)
    command.add_argument(
        "--positive",
        action="append",
        metavar="VALUE",
        help="value of the label that is Yes, or a range such as '>=50000' (may be repeated)",
    )
    command.add_argument(
        "--groups",
        action="append",
        metavar="COLUMN,...",
        help="columns whose groups are compared (may be repeated)",
    )
    command.add_argument(
        "--write",
        type=place,
        metavar="FILE",
        help="where the settings go (default: schemas/NAME/settings.yaml)",
    ).complete = file()  # type: ignore[attr-defined]
    for name, told in (
        ("settings-only", "do not make the dataset: print the command that does"),
        ("yes", "ask nothing: take what is guessed"),
        ("force", "replace the settings file, the schema and the dataset that are there"),
    ):
        command.add_argument(f"--{name}", action="store_true", help=told)
