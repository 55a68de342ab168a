"""Commands that make something: run, frontier, tune, data, data from-csv, settings, completion."""

from __future__ import annotations

import argparse
import contextlib
import pathlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fairgate.answers import DONE, Answer
from fairgate.errors import SettingsError
from pipeline.command_line import documents
from pipeline.command_line.predicting import loading

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from components.features import Features
    from pipeline.data.from_csv.making import Made
    from pipeline.results.runs import Run
    from pipeline.settings import Settings

# How a run with a verdict ended, in words.
_ENDS = {
    "pushed": "pushed its model",
    "passed": "passed and pushed nothing, as somebody had gone back from its model",
    "blocked": "was blocked",
}


def run(options: argparse.Namespace) -> Answer:
    """The whole pipeline; with --if-new only where there is something to do."""
    tree = _settings(options)
    if options.if_new and (done := _done_before(tree)) is not None:
        said = (
            f"Nothing is new since run {done.name}, which {_ENDS[done.state]}: data, settings and code "
            "are the same, and what it left is as it was. Nothing was run."
        )
        document = documents.whole(done.folder) | {"new": False, "told": said}
        return Answer(DONE, document, lambda console: print(said))
    from pipeline.running import local

    ended = local.run(tree, verbose=options.verbose)
    return Answer(ended.status, documents.whole(ended.folder))


def _done_before(tree: Settings) -> Run | None:
    """The run that did all that there would be to do."""
    with loading(verbose=False):
        from pipeline.running import basis  # which loads TensorFlow

        return basis.last(tree)


def frontier(options: argparse.Namespace) -> Answer:
    """One training after another."""
    tree = _settings(options)
    from components.constrained_trainer.search import limits

    asked = limits.read(options.limits) if options.limits is not None else limits.DEFAULT
    # Refused here, before anything heavy starts.
    limits.tightening(tree.trainer.constraints, tree.data.features.vocabulary, asked)
    from pipeline.sweeps import frontier as frontiers

    ended = frontiers.run(tree, asked, verbose=options.verbose)
    return Answer(ended.status, documents.whole(ended.folder))


def tune(options: argparse.Namespace) -> Answer:
    """Trainings with other settings, one after another."""
    tree = _settings(options)
    from components.constrained_trainer.search.budget import Budget

    # Refused here, before anything heavy starts.
    budget = Budget(options.trials, options.seconds)
    file = None if options.write is None else pathlib.Path(options.write)
    from pipeline.called import called
    from pipeline.sweeps import tune as tunes

    ended = tunes.run(tree, budget, file, called(), verbose=options.verbose)
    return Answer(ended.status, documents.whole(ended.folder))


def data(options: argparse.Namespace) -> Answer:
    """The synthetic stand-in."""
    tree = _settings(options)
    from pipeline.data import unfinished
    from pipeline.running import local

    folder = tree.data.folder
    if tree.data.path is not None:
        raise SettingsError(
            f"data.path = {folder!r} names existing data: only the synthetic stand-in is made. Leave "
            "data.path unset, and set data.stand_in.images and data.stand_in.seed"
        )
    there = unfinished.is_made(pathlib.Path(folder))
    if not there:
        with progress_bar("Synthetic stand-in for CelebA"):
            local.make_stand_in(tree)
    said = (
        f"{folder} is there already (synthetic stand-in for CelebA)"
        if there
        else f"made {folder} (synthetic stand-in for CelebA, TFDS layout celeb_a 2.1.0)"
    )
    return Answer(DONE, {"folder": folder, "made": not there}, lambda console: print(said))


def from_csv(options: argparse.Namespace) -> Answer:
    """TFRecords of CSV or Parquet files."""
    tree = _settings(options)
    if tree.data.path is None:
        raise SettingsError(
            "data.path says where the dataset goes: set it in a settings file, or with "
            "--set data.path=FOLDER"
        )
    schema_file = pathlib.Path(tree.data.contract)
    drafted = not schema_file.exists()
    with loading(verbose=False):
        from pipeline.data.from_csv import making  # which loads TensorFlow

        made = making.make(
            pathlib.Path(tree.data.path),
            [pathlib.Path(file) for file in options.files],
            {split: [pathlib.Path(f) for f in getattr(options, split)] for split in making.SPLITS},
            tree.data.features,
            tree.data.csv,
            schema_file,
        )
    document = made_document(made, tree, drafted)
    return Answer(DONE, document, lambda console: show_made(made, tree, drafted, console))


def made_document(made: Made, tree: Settings, drafted: bool) -> dict[str, Any]:
    """What a dataset has become, for programs."""
    return {
        "folder": tree.data.path,
        "rows": made.rows,
        "groups": [cell.document(tree.data.features) for cell in made.cells],
        "notes": made.notes,
        "warnings": made.warnings,
        "schema_file": str(tree.data.contract),
        "drafted_schema": drafted,
    }


def show_made(made: Made, tree: Settings, drafted: bool, console: Console) -> None:
    """The same, for people."""
    from rich.text import Text

    counts = ", ".join(f"{split} {count:,}" for split, count in made.rows.items())
    console.print(cells(made, tree.data.features))
    print(f"made {tree.data.path} (rows: {counts})")
    if drafted:
        print(
            f"drafted {tree.data.contract} from these rows: look through it before you rely on it"
        )
    for note in made.notes:
        console.print(Text(note))
    for warning in made.warnings:
        console.print(Text.assemble(("warning: ", "yellow"), warning))


def cells(made: Made, features: Features) -> Table:
    """How many rows of each group and label each split holds."""
    from rich.text import Text

    from fairgate.gate import tables
    from fairgate.gate.judgement import EVERYBODY, shown_name

    table = tables.table("Rows by split, group and label")
    table.add_column("group", overflow="fold")
    table.add_column(features.label.name, overflow="fold")
    for split in made.rows:
        table.add_column(split, justify="right", no_wrap=True)
    names = features.group_names
    for cell in made.cells:
        named = cell.feature is not None and cell.group is not None
        group = shown_name(cell.feature, cell.group, names) if named else EVERYBODY
        value = features.label.told(cell.label)
        counts = [f"{count:,}" for count in cell.rows.values()]
        table.add_row(Text("" if cell.label else group), Text(str(value)), *counts)
    return table


def settings(options: argparse.Namespace) -> Answer:
    """Every setting and its value, or what it means."""
    tree = _settings(options)
    from pipeline.settings import document, dump

    if not options.reference:
        return Answer(DONE, document(tree), lambda console: print(dump(tree), end=""))
    from pipeline import reference

    return Answer(
        DONE,
        {"settings": reference.document()},
        lambda console: print(reference.page(), end=""),
    )


def completion(options: argparse.Namespace) -> Answer:
    """A script for a shell; always for the name `fairgate`, however this was called."""
    import shtab

    from pipeline.command_line import parser

    whole = parser.make()
    whole.prog = "fairgate"
    script = shtab.complete(whole, options.shell)
    return Answer(DONE, {"script": script}, lambda console: print(script))


def _settings(options: argparse.Namespace):
    from pipeline.settings import load

    return load(options.settings, options.set)


@contextlib.contextmanager
def progress_bar(title: str) -> Iterator[None]:
    """A bar of the terminal, that shows how far work is which reports it."""
    from rich.progress import Progress

    from components import progress

    with Progress() as bar:
        task = bar.add_task(title, total=None)

        def show(done: int, total: int, message: str) -> None:
            bar.update(task, completed=done, total=total)

        with progress.listening(show):
            yield
