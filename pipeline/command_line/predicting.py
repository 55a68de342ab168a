"""The command predict: what the pushed model says of a person's own pictures or rows."""

from __future__ import annotations

import argparse
import collections
import contextlib
import os
import pathlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fairgate.answers import DONE, FAILED, Answer
from fairgate.errors import DataError, FairGateError
from pipeline.called import called
from pipeline.results import runs
from pipeline.results.runs import Run

if TYPE_CHECKING:
    from rich.console import Console

    from fairgate.data.groups import LabelFeature
    from pipeline.predicting import Prediction


class NothingPushed(FairGateError):
    """There is no model to ask."""


def serve(options: argparse.Namespace) -> Answer:
    """The former name of `predict`, which says so."""
    print(
        f"note: serve is called predict now, for it serves nothing: {called()} predict",
        file=sys.stderr,
    )
    return predict(options)


def predict(options: argparse.Namespace) -> Answer:
    """A score and a decision for each picture or row; the exit status is 1 if any could not be read."""
    run, model = _model(options)
    with loading(options.verbose):
        from pipeline import predicting, settings

        tree = settings.load([str(run.settings_file)])
        given = predicting.read(pathlib.Path(options.source), tree)
        classes = list(tree.data.features.label.classes)
        predictions = predicting.ask(model, given.examples, classes)
    label = tree.data.features.label
    document = {
        "model": str(model),
        "run": run.name,
        **_meaning(label, predicting.THRESHOLD),
        "predictions": [
            {"file": p.file, "score": p.score, "decision": p.decision, "error": p.error}
            | ({"probabilities": p.probabilities} if classes else {})
            for p in predictions
        ],
        "left_out": given.left_out,
    }
    failed = any(prediction.error for prediction in predictions)
    return Answer(
        FAILED if failed else DONE, document, lambda console: _show(document, predictions, console)
    )


def _meaning(label: LabelFeature, threshold: float) -> dict[str, Any]:
    """What the document says of the label: which values are meant by a decision."""
    if label.classes:
        return {"label": {"name": label.name, "classes": list(label.classes)}}
    meant = {"name": label.name, "positive": label.positive, "negative": label.negative}
    return {"label": meant, "threshold": threshold}


def _model(options: argparse.Namespace) -> tuple[Run, pathlib.Path]:
    """The run whose settings say what the model reads, and the folder of one version of the model."""
    root = pathlib.Path(options.runs)
    named = None if options.run is None else runs.find(root, options.run)
    if options.model is not None:
        model = _version(pathlib.Path(options.model))
        return named or _run_of(model, root), model
    if named is not None:
        verdict = named.verdict
        if verdict is None or verdict.pushed_model is None:
            raise NothingPushed(
                f"run {named.name} pushed nothing: {called()} explain {named.name} says why"
            )
        return named, _version(pathlib.Path(verdict.pushed_model))
    pushed = _pushed(root)
    if not pushed:
        raise NothingPushed(
            f"no run in '{root}' has pushed a model: only one that passes the gate is. {called()} "
            "explain says why the newest run was blocked; --model FOLDER asks another model"
        )
    for run, model in pushed:
        if (model / "saved_model.pb").is_file():
            return run, model
    raise NothingPushed(
        f"{pushed[0][1]}: the model that run {pushed[0][0].name} pushed is no longer there. Run the "
        "pipeline again, which pushes it again, or name another model with --model FOLDER"
    )


def _pushed(root: pathlib.Path) -> list[tuple[Run, pathlib.Path]]:
    """The runs that pushed, the newest first, and where to; what cannot be read pushed nothing."""
    found = []
    for run in runs.every(root):
        with contextlib.suppress(DataError):
            if run.verdict is not None and run.verdict.pushed_model is not None:
                found.append((run, pathlib.Path(run.verdict.pushed_model)))
    return found


def _version(model: pathlib.Path) -> pathlib.Path:
    """`model`, or the newest of the versions in it."""
    if (model / "saved_model.pb").is_file():
        return model
    versions = [
        p for p in model.glob("*/") if p.name.isdigit() and (p / "saved_model.pb").is_file()
    ]
    if not versions:
        raise NothingPushed(
            f"{model}: holds no model. Give the folder of a version (it has saved_model.pb), or of all "
            "versions of a model, such as serving/smiling"
        )
    return max(versions, key=lambda version: int(version.name))


def _run_of(model: pathlib.Path, root: pathlib.Path) -> Run:
    for run, pushed in _pushed(root):
        if pushed.resolve() == model.resolve():
            return run
    raise NothingPushed(
        f"{model}: no run in '{root}' pushed it, so it is not known which columns it reads. Name a run "
        "with the same columns with --run RUN, or where its runs are with --runs FOLDER"
    )


@contextlib.contextmanager
def loading(verbose: bool) -> Iterator[None]:
    """A bar on standard error while TensorFlow loads and the model answers; no noise of theirs."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    from components import progress
    from pipeline.running import terminal

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn())
    # The bar draws on a descriptor of its own: what TensorFlow says goes nowhere.
    with (
        open(os.dup(2), "w") as own,
        Progress(
            *columns,
            console=Console(file=own, force_terminal=console.is_terminal),
            transient=True,
            disable=not console.is_terminal or verbose,
        ) as bar,
        terminal.quiet(os.devnull, verbose),
    ):
        task = bar.add_task("loading TensorFlow", total=None)

        def show(done: int, total: int, message: str) -> None:
            bar.update(task, description=message, completed=done, total=total if done else None)

        with progress.listening(show):
            yield


def _show(document: dict[str, Any], predictions: list[Prediction], console: Console) -> None:
    from rich.text import Text

    from fairgate.gate import tables

    label = document["label"]
    tables.line(console, f"{label['name']}, asked of {document['model']}", "bold")
    made = tables.table("")
    made.add_column("file", overflow="fold")
    made.add_column("score", justify="right")
    made.add_column("decision")
    for prediction in predictions:
        if prediction.error is not None:
            made.add_row(Text(prediction.file), "", Text(prediction.error, "red"))
            continue
        if "classes" in label:
            said, style = str(prediction.decision), ""
        else:
            said = _said(label, label["positive" if prediction.decision else "negative"])
            style = "bold" if prediction.decision else "dim"
        made.add_row(Text(prediction.file), f"{prediction.score:.4f}", Text(said, style))
    console.print(made)
    answered = [p for p in predictions if p.decision is not None]
    if failed := len(predictions) - len(answered):
        console.print(f"{failed:,} of {len(predictions):,} could not be read", style="red")
    if names := document["left_out"]:
        more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
        console.print(f"left out, as hidden: {', '.join(names[:3])}{more}", markup=False)
    if "classes" in label:
        told = collections.Counter(p.decision for p in answered)
        shares = ", ".join(f"{told[name]:,} {name}" for name in label["classes"])
        console.print(f"{len(answered):,} are told: {shares}", markup=False)
        return
    yes = sum(bool(p.decision) for p in answered)
    console.print(
        f"{yes:,} of {len(answered):,} are told Yes: score over {document['threshold']:g}, "
        f"{label['name']} = {label['positive']}",
        markup=False,
    )


def _said(label: dict[str, Any], value: Any) -> str:
    """Yes and No for 1 and 0, which say nothing; else the label's own value."""
    if {label["positive"], label["negative"]} == {0, 1}:
        return "Yes" if value == label["positive"] else "No"
    return str(value)
