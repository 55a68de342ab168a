"""What a run goes by: data, settings and code, so that a schedule runs only where one of them is new."""

from __future__ import annotations

import hashlib
import os
import pathlib

import tensorflow as tf

from components.example_gen.splits import list_splits
from components.fingerprint import code_fingerprint
from components.pusher import versions
from fairgate.documents import to_json, write_text
from fairgate.errors import DataError
from pipeline.results import runs
from pipeline.results.runs import BASIS_FILE, Run
from pipeline.settings import Settings, dump


def of(settings: Settings) -> dict[str, str]:
    """Digests of what a run with `settings` goes by.

    A shard is known by its name, size and time, as TFX knows it: millions of records need not be read.

    Args:
      settings: as they were given, so that "served" stays so whatever is served.

    Raises:
      DataError: a split has no shards.
    """
    splits = list_splits(settings.data.folder, settings.data.splits.patterns())
    shards = []
    for split, files in splits.items():
        for file in files:
            found = tf.io.gfile.stat(file)
            shards.append(f"{split} {file} {found.length} {found.mtime_nsec}")
    own, colon, _ = settings.trainer.network.partition(":")
    # Where it runs, and what of it clusters would run, is no other run.
    asked = settings.model_copy(update={"deploy": type(settings.deploy)()})
    with tf.io.gfile.GFile(settings.data.contract) as stream:
        contract = stream.read()
    return {
        "data": _digest("\n".join(shards)),
        "settings": _digest(dump(asked) + contract),
        "code": code_fingerprint("components", "fairgate", "pipeline", *([own] if colon else [])),
    }


def keep(basis: dict[str, str], folder: pathlib.Path) -> None:
    """Keeps in the run's folder what it goes by."""
    write_text(folder / BASIS_FILE, to_json(basis, indent=1) + "\n")


def last(settings: Settings) -> Run | None:
    """The newest run that went by the same data, settings and code, if its outcome still stands.

    It has a verdict; and what it pushed is what is served, or somebody went back from it.
    """
    try:
        basis = of(settings)
    except (DataError, OSError, tf.errors.OpError):
        return None  # the run makes what is missing, or says what is wrong
    home = pathlib.Path(settings.runs, settings.name)
    for run in runs.every(home.parent):
        try:
            same = run.pipeline == settings.name and run.basis == basis and run.verdict is not None
        except DataError:
            continue
        if same:
            return run if _stands(run, settings) else None
    return None


def _stands(run: Run, settings: Settings) -> bool:
    verdict = run.verdict
    if verdict is None or verdict.pushed_model is None:
        return verdict is not None
    there = versions.every(os.path.join(settings.serving, settings.model_name))
    pushed = [each for each in there if each.folder == verdict.pushed_model]
    if not pushed or pushed[0].record is None:
        return False
    files, model = pushed[0].record.files, pushed[0].record.model
    return there[-1].files() == files or model in versions.taken_back(there)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
