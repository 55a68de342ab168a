"""The command data from-pictures: a dataset of a folder of picture files."""

from __future__ import annotations

import argparse
import pathlib
import tempfile
from typing import TYPE_CHECKING, Any

from fairgate.answers import DONE, Answer
from fairgate.documents import write_text
from fairgate.errors import SettingsError
from pipeline.called import called
from pipeline.command_line.predicting import loading
from pipeline.command_line.working import cells

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.data.from_pictures.files import Files
    from pipeline.settings import Settings

_CELEBA = ("Smiling", "Young")  # label and groups of a table that has these columns
_SHOWN = 3


def from_pictures(options: argparse.Namespace) -> Answer:
    """TFRecords of picture files."""
    from pipeline.data.from_pictures import making

    files, hidden = making.files_below(pathlib.Path(options.folder))
    table = None if options.csv is None else pathlib.Path(options.csv)
    drafted, guessed = None, []
    if options.settings:
        if options.label or options.groups or options.positive or options.write:
            raise SettingsError(
                "--label, --groups, --positive and --write are for a draft of the settings, and "
                "--settings names settings that there are: give one or the other"
            )
        from pipeline.settings import load

        tree = load(options.settings, options.set)
    else:
        drafted, text, tree, guessed = _draft(options, files, table)
    if tree.data.path is None:
        raise SettingsError(
            "data.path says where the dataset goes: set it in a settings file, or with "
            "--set data.path=FOLDER"
        )
    schema_file = pathlib.Path(tree.data.contract)
    has_schema = schema_file.exists()
    with loading(verbose=False):
        made = making.make(
            pathlib.Path(tree.data.path),
            files,
            table,
            tree.data.features,
            tree.data.csv,
            schema_file,
            options.partition,
            options.file_column,
            options.skip_broken,
        )
    if drafted is not None:
        drafted.parent.mkdir(parents=True, exist_ok=True)
        write_text(drafted, text)
    if hidden:
        names = ", ".join(hidden[:_SHOWN])
        made.warnings.append(f"{len(hidden):,} hidden files are left out: {names}")
    document: dict[str, Any] = {
        "folder": tree.data.path,
        "rows": made.rows,
        "groups": [cell.document(tree.data.features) for cell in made.cells],
        "encoded_anew": made.encoded_anew,
        "skipped": made.skipped,
        "notes": made.notes,
        "warnings": [*guessed, *made.warnings],
        "schema_file": str(schema_file),
        "drafted_schema": not has_schema,
        "drafted_settings": None if drafted is None else str(drafted),
    }

    def show(console: Console) -> None:
        from rich.text import Text

        counts = ", ".join(f"{split} {count:,}" for split, count in made.rows.items())
        console.print(cells(made, tree.data.features))
        print(f"made {tree.data.path} (pictures: {counts})")
        for kind, count in made.encoded_anew.items():
            print(f"{count:,} {kind} pictures were encoded anew as PNG, with the same pixels")
        if not has_schema:
            print(f"drafted {schema_file} from these rows: look through it before you rely on it")
        for note in made.notes:
            console.print(Text(note))
        for warning in document["warnings"]:
            console.print(Text.assemble(("warning: ", "yellow"), warning))
        if drafted is not None:
            print(f"drafted {drafted}: look through it, then  {called()} run --settings {drafted}")

    return Answer(DONE, document, show)


def _draft(
    options: argparse.Namespace, files: Files, table: pathlib.Path | None
) -> tuple[pathlib.Path, str, Settings, list[str]]:
    """(where the settings go, their text, the settings, what was guessed)."""
    from pipeline import places, settings, sources, yaml12
    from pipeline.data.from_pictures import drafting, tables

    asked = drafting.Asked(options.label, _names(options.groups), options.positive)
    guessed = []
    if not asked.groups and table is not None:
        header = tables.header(table)
        if set(_CELEBA) <= set(header) and asked.label in (None, _CELEBA[0]):
            asked = drafting.Asked(_CELEBA[0], _CELEBA[1:], options.positive)
            guessed.append(
                f"took {_CELEBA[0]} for the label, and {_CELEBA[1]} for the groups (--label, --groups)"
            )
    if not asked.groups:
        raise SettingsError(
            "nothing says between which groups fairness is measured: name the columns of a table, as in "
            "--csv FILE --label NAME --groups NAME,NAME, or give settings with --settings FILE"
        )
    if table is None:
        raise SettingsError(f"--groups {options.groups}: of which table? Give it with --csv FILE")
    folder = pathlib.Path("schemas") / drafting.slug(files.root.resolve().name)
    if (places.HOME / folder).exists() and not folder.exists():
        # What ships with FairGate is found from anywhere under such a name.
        folder = folder.with_name(f"my-{folder.name}")
    file = folder / "settings.yaml" if options.write is None else pathlib.Path(options.write)
    if file.exists():
        raise SettingsError(
            f"{file} is there already, and was not touched. Use it with --settings {file}, or name "
            "another file for the draft with --write FILE"
        )
    tree, more = drafting.draft(files, table, asked, file.parent)
    for assignment in options.set:
        sources.assign(tree, assignment, settings.Settings)
    head = f"# A draft, made of the pictures in {files.root}. Look through it.\n"
    text = head + yaml12.dump(sources.escape(tree), sort_keys=False)
    # Read as it will be, before there is any data.
    with tempfile.TemporaryDirectory() as place:
        copy = pathlib.Path(place) / "settings.yaml"
        copy.write_text(text, encoding="utf-8")
        return file, text, settings.load([str(copy)]), [*guessed, *more]


def _names(groups: str | None) -> list[str]:
    return [name for part in (groups or "").split(",") if (name := part.strip())]
