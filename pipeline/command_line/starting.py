"""The command init: a table that nobody has described yet becomes a settings file and a dataset."""

from __future__ import annotations

import argparse
import contextlib
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fairgate.answers import DONE, Answer
from fairgate.documents import naming
from fairgate.errors import SettingsError
from pipeline import places
from pipeline.called import called
from pipeline.command_line import working
from pipeline.command_line.predicting import loading

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.data.drafts.draft import Draft

_SPLITS = ("train", "validation", "test")
_SHARD = "*.tfrecord-*"


def init(options: argparse.Namespace) -> Answer:
    """Looks at a table, asks or guesses what it means, writes settings, and makes the dataset."""
    from pipeline.command_line import asking
    from pipeline.data.drafts import columns, draft, fields, form, spellings, writing
    from pipeline.data.from_csv.config import CsvSettings
    from pipeline.settings import load

    if options.files and pathlib.Path(options.files[0]).is_dir():
        return _of_pictures(options)
    divided = [pathlib.Path(file) for file in options.files]
    own = {split: [pathlib.Path(f) for f in getattr(options, split)] for split in _SPLITS}
    files = [*divided, *(file for each in own.values() for file in each)]
    if not files:
        raise SettingsError(f"no file is given. Give a table: {called()} init people.csv")
    if options.csv is not None:
        raise SettingsError(
            f"--csv {options.csv}: is for a folder of pictures, and {files[0]} is none. Give the "
            "table alone"
        )
    there = _Places.of(options, files[0])
    there.require_free(options.force)
    csv = form.detected(files[0])
    for file in files[1:]:
        csv = {key: v for key, v in form.detected(file).items() if key == "comment"} | csv
    if options.columns is not None:
        csv["columns"] = [name.strip() for name in options.columns.split(",")]
    look = columns.look(files, CsvSettings.model_validate(csv))
    known = fields.understood(look)
    look, csv["replace"] = spellings.joined(known.look)
    meant = asking.choose(look, options, asking.may_ask(options))
    made_draft = draft.make(
        look, meant.label, meant.groups, meant.unit, meant.weight, known.doubtful
    )
    csv |= known.settings(made_draft.used)
    csv["shares"] = {"train": 0.6, "validation": 0.2, "test": 0.2}
    csv = {key: value for key, value in csv.items() if value}
    arguments = [str(file) for file in divided]
    for split, some in own.items():
        arguments += [word for file in some for word in (f"--{split}", str(file))]
    text = writing.text(
        made_draft, there.name, arguments, str(there.settings), str(there.data), str(there.schema), csv,
        called(),
    )  # fmt: skip
    document: dict[str, Any] = {
        "settings_file": str(there.settings),
        "label": meant.label,
        "groups": {each.feature: each.settings for each in meant.groups},
        "notes": meant.notes,
        "left_out": made_draft.inputs.left_out,
    }
    with there.replaced(), _written(there.settings, text) as unfinished:
        tree = load([str(unfinished)])
        made = None
        if not options.settings_only:
            with loading(verbose=False):
                from pipeline.data.from_csv import making  # which loads TensorFlow

                made = making.make(
                    there.data, divided, own, tree.data.features, tree.data.csv, there.schema
                )
            document["dataset"] = working.made_document(made, tree, True)

    def show(console: Console) -> None:
        _show(made_draft, meant.notes, console)
        if made is not None:
            working.show_made(made, tree, True, console)
        print(f"wrote {there.settings}: look through it; what was guessed is explained there")
        own_settings = f"--settings {there.settings}"
        if made is None:
            print(f"next: {called()} data from-csv {' '.join(arguments)} {own_settings}")
        print(f"{'then' if made is None else 'next'}: {called()} run {own_settings}")

    return Answer(DONE, document, show)


def _of_pictures(options: argparse.Namespace) -> Answer:
    """A folder of pictures: what data from-pictures makes of it, which drafts settings, too."""
    from pipeline.command_line import picturing

    unknown = {"--unit": options.unit, "--weight": options.weight, "--columns": options.columns}
    given = [option for option, value in unknown.items() if value is not None]
    given += [f"--{split}" for split in _SPLITS if getattr(options, split)]
    if given or len(options.files) > 1 or options.settings_only or options.force:
        raise SettingsError(
            f"{options.files[0]}: is a folder, of pictures, for which there are --csv, --label, "
            "--positive, --groups and --write. Remove what is there already by hand, and use data "
            "from-pictures --settings FILE for all else"
        )
    positive = options.positive or [None]
    if len(positive) > 1:
        raise SettingsError("--positive: one value is expected for a folder of pictures")
    asked = argparse.Namespace(
        folder=options.files[0],
        csv=options.csv,
        label=options.label,
        positive=positive[0],
        groups=None if options.groups is None else ",".join(options.groups),
        write=options.write or (f"schemas/{options.name}/settings.yaml" if options.name else None),
        partition=None,
        file_column=None,
        skip_broken=False,
        settings=[],
        set=[],
        json=options.json,
    )
    return picturing.from_pictures(asked)


@dataclass(frozen=True)
class _Places:
    """Where everything goes.

    Attributes:
      name: of the pipeline.
      settings, schema: files.
      data: folder of the dataset.
    """

    name: str
    settings: pathlib.Path
    schema: pathlib.Path
    data: pathlib.Path

    @classmethod
    def of(cls, options: argparse.Namespace, file: pathlib.Path) -> _Places:
        from pipeline.data.drafts.writing import slug

        name = options.name or slug(file.name.split(".")[0]) or "table"
        if not options.name and (places.HOME / "schemas" / name).exists() and not options.write:
            ours = pathlib.Path("schemas", name)
            # What ships with FairGate is found from anywhere under such a name.
            name = f"my-{name}" if not ours.exists() or ours.samefile(places.HOME / ours) else name
        if slug(name) != name:
            raise SettingsError(
                f"--name {name}: letters, digits, - and _ are expected, such as {slug(name) or 'mine'}"
            )
        settings = pathlib.Path(options.write or f"schemas/{name}/settings.yaml")
        return cls(name, settings, settings.parent / "schema.pbtxt", pathlib.Path("data", name))

    def require_free(self, force: bool) -> None:
        """Raises SettingsError where something is there that would be lost."""
        found = [p for p in (self.settings, self.schema, self.data) if p.exists() or p.is_symlink()]
        if found and not force:
            raise SettingsError(
                f"{', '.join(map(str, found))}: there already. Nothing was touched; --force replaces it, "
                "--name NAME and --write FILE give other places"
            )
        strange = [p for p in self.data.glob("*") if not p.match(_SHARD)]
        if self.data.exists() and (strange or not self.data.is_dir()):
            raise SettingsError(
                f"{self.data}: holds what is no shard of a dataset ({(strange or [self.data])[0].name}), "
                "which --force does not replace. Remove it, or give another --name"
            )

    @contextlib.contextmanager
    def replaced(self) -> Iterator[None]:
        """Everything that is there is put aside: for good, unless what follows fails."""
        aside = {}
        try:
            for place in (self.settings, self.schema, self.data):
                if os.path.lexists(place):
                    kept = pathlib.Path(
                        tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent)
                    )
                    aside[place] = kept
                    place.rename(kept / place.name)
            yield
        except BaseException:
            for place, kept in aside.items():
                _remove(place)
                if os.path.lexists(
                    kept / place.name
                ):  # also a link, which leads nowhere from there
                    (kept / place.name).rename(place)
            raise
        finally:
            for kept in aside.values():
                shutil.rmtree(kept, ignore_errors=True)


def _remove(place: pathlib.Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


@contextlib.contextmanager
def _written(file: pathlib.Path, text: str) -> Iterator[pathlib.Path]:
    """A file beside `file` that takes its place when all went well."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}.incomplete")
    try:
        with naming(file):
            unfinished.write_text(text, encoding="utf-8")
        yield unfinished
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)


def _show(draft: Draft, notes: Sequence[str], console: Console) -> None:
    from rich.text import Text

    seen = len(draft.inputs.numeric), len(draft.inputs.categorical)
    console.print(
        f"{draft.rows[0]:,} rows; the model learns from {seen[0]} columns of numbers and {seen[1]} of "
        "categories",
        markup=False,
    )
    for name, why in draft.inputs.left_out.items():
        console.print(Text.assemble("left out: ", (name, "bold"), f", {why}"))
    for note in notes:
        console.print(Text(note))
    for constraint, (limit, shown) in draft.limits.items():
        if not shown:
            console.print(
                Text.assemble(
                    ("warning: ", "yellow"),
                    f"the test split is too small to show {constraint.format(limit=f'{limit:g}')}: give "
                    "more rows, or larger groups",
                )
            )
