"""The commands serving list and serving roll-back: the versions of a model, and going back to one."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from fairgate.answers import DONE, Answer
from pipeline.command_line.predicting import loading

if TYPE_CHECKING:
    from rich.console import Console

    from components.pusher.versions import Version


def listed(options: argparse.Namespace) -> Answer:
    """The versions of a model, the newest first."""
    folder = _folder(options)
    with loading(verbose=False):
        from components.pusher import versions  # which loads TensorFlow

        there = versions.every(folder)
        back = versions.taken_back(there)
        rows = [_row(version, version is there[-1], back) for version in reversed(there)]
    return Answer(
        DONE, {"folder": folder, "versions": rows}, lambda console: _show(folder, rows, console)
    )


def roll_back(options: argparse.Namespace) -> Answer:
    """Goes back to a version; nothing changes where that cannot be."""
    folder = _folder(options)
    with loading(verbose=False):
        from components.pusher import rolling_back

        made = rolling_back.roll_back(folder, options.version)
    assert made.record is not None
    said = (
        f"Version {made.number} is a copy of version {made.record.copy_of}, and the newest: model "
        "servers load it by themselves."
    )
    if made.record.instead_of_model:
        said += (
            f" A run that comes to the model of version {made.record.instead_of}, which was served until "
            "now, will pass and not be served."
        )
    document = _row(made, True, {}) | {"folder": folder}
    return Answer(DONE, document, lambda console: print(said))


def _folder(options: argparse.Namespace) -> str:
    if options.folder is not None:
        return str(options.folder).rstrip("/")
    from pipeline.settings import load

    tree = load(options.settings, options.set)
    return os.path.join(tree.serving, tree.model_name)


def _row(version: Version, newest: bool, back: dict[str, Version]) -> dict[str, Any]:
    record = version.record
    if version.is_damaged():
        state = "damaged"
    elif newest:
        state = "newest"
    else:
        state = "taken back" if record is not None and record.model in back else "older"
    return {
        "version": version.number,
        "state": state,
        "when": None if record is None else record.when or None,
        "run": None if record is None else record.run or None,
        "copy_of": None if record is None else record.copy_of,
        "instead_of": None if record is None else record.instead_of,
        "model": None if record is None else record.model or None,
    }


def _show(folder: str, rows: list[dict[str, Any]], console: Console) -> None:
    from rich.text import Text

    from fairgate.gate import tables

    if not rows:
        print(f"{folder}: no version is there; a run that passes the gate pushes the first one")
        return
    made = tables.table(f"Versions in {folder}, the newest first")
    for name in ("version", "state", "put there", "by"):
        made.add_column(name, overflow="fold")
    for row in rows:
        by = f"run {row['run']}" if row["run"] else ""
        if row["copy_of"] is not None:
            by = f"going back to {row['copy_of']} from {row['instead_of']}"
        made.add_row(
            Text(str(row["version"])),
            tables.outcome(row["state"]),
            Text(row["when"] or ""),
            Text(by),
        )
    made.caption = "A model server serves the highest number"
    made.caption_justify = "left"
    console.print(made)
    if rows[0]["state"] == "damaged":
        tables.line(
            console,
            "The newest version is damaged, and a model server may have loaded it: run the pipeline "
            "again, which pushes the model anew, or go back to another one: serving roll-back VERSION",
            "red",
        )
