"""Commands that make a dataset of what people have: their options."""

from __future__ import annotations

import argparse

from pipeline.command_line import initial
from pipeline.command_line.completing import directory as _directory
from pipeline.command_line.completing import file as _file
from pipeline.command_line.completing import place as _place
from pipeline.command_line.shared_options import add_json, add_settings


def add_from_csv(makers: argparse._SubParsersAction) -> None:
    """data from-csv."""
    command = makers.add_parser(
        "from-csv",
        aliases=["from-table"],
        help="make data.path of CSV or Parquet files",
        description="Makes data.path (TFRecord shards of three splits) of CSV or Parquet files whose "
        "columns data.features names; data.csv says how they are read and divided. Where "
        "data.schema_file is not there yet, a draft of it is made.",
    )
    command.set_defaults(command="pipeline.command_line.working:from_csv")
    command.add_argument(
        "files",
        nargs="*",
        type=_place,
        metavar="FILE",
        help="CSV or Parquet file whose rows are divided among the splits without files of their own",
    ).complete = _file()
    initial.add_splits(command)
    # What was given before from-csv stays.
    add_settings(command, default=argparse.SUPPRESS)
    add_json(command, default=argparse.SUPPRESS)


def add_from_pictures(makers: argparse._SubParsersAction) -> None:
    """data from-pictures."""
    command = makers.add_parser(
        "from-pictures",
        help="make data.path of a folder of pictures",
        description="Makes data.path (TFRecord shards of three splits) of the JPEG, PNG, WebP, BMP and "
        "GIF files below a folder, and of a table with a row for each. The label is a column, or the "
        "name of the folder that a picture lies in; splits are those of --partition, or of the folders' "
        "names (FOLDER/train/cats/1.jpg), or pictures are divided by chance, as data.csv says. Without "
        "--settings a draft of the settings is made, for which --label and --groups name the columns.",
    )
    command.set_defaults(command="pipeline.command_line.picturing:from_pictures")
    command.add_argument(
        "folder", type=_place, metavar="FOLDER", help="folder that the pictures are below"
    ).complete = _directory()
    command.add_argument(
        "--csv",
        type=_place,
        metavar="FILE",
        help="table with a row for each picture: CSV, or text with blanks between fields",
    ).complete = _file()
    command.add_argument(
        "--file-column",
        metavar="NAME",
        help="its column that says which picture a row is about (default: whichever does)",
    )
    command.add_argument(
        "--partition",
        metavar="FILE",
        help="file with the split of each picture (0, 1 and 2, or train, validation and test), or the "
        "column of the table with it",
    ).complete = _file()
    command.add_argument("--label", metavar="NAME", help="column of the label, for the draft")
    command.add_argument(
        "--positive", metavar="VALUE", help="value of the label that is the positive class"
    )
    command.add_argument(
        "--groups", metavar="NAME,...", help="columns of the groups, for the draft"
    )
    command.add_argument(
        "--write",
        type=_place,
        metavar="FILE",
        help="where the draft goes (default: schemas/FOLDER/settings.yaml)",
    ).complete = _file()
    command.add_argument(
        "--skip-broken",
        action="store_true",
        help="leave out pictures that are missing or cannot be decoded, instead of stopping",
    )
    add_settings(command, default=argparse.SUPPRESS)
    add_json(command, default=argparse.SUPPRESS)
