"""Commands that look at runs: show, runs, explain, compare. None of them loads TensorFlow."""

from __future__ import annotations

import argparse
import pathlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fairgate.answers import BLOCKED, DONE, FAILED, Answer
from fairgate.gate import words
from pipeline.called import called
from pipeline.command_line import documents
from pipeline.results import runs as all_runs
from pipeline.results.runs import Run

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_WIDE = 110  # columns
_STATUS = {
    "pushed": DONE,
    "passed": BLOCKED,
    "blocked": BLOCKED,
    "frontier": DONE,
    "tuning": DONE,
}


def show(options: argparse.Namespace) -> Answer:
    """A run's verdict; the exit status is the one that the run had."""
    run = _run(options, options.run)
    state = run.state

    def in_words(console: Console) -> None:
        from pipeline.results import ending

        _header(run, console)
        if run.verdict is None:
            _without_verdict(run, console)
            return
        console.print(words.sentence(asdict(run.verdict)))
        console.print()
        ending.show(run, run.verdict, console)

    return Answer(_STATUS.get(state, FAILED), documents.whole(run.folder), in_words)


def explain(options: argparse.Namespace) -> Answer:
    """Why a run was blocked, or why not; the exit status is the one that the run had."""
    from pipeline.results import next_steps

    run = _run(options, options.run)
    status = _STATUS.get(run.state, FAILED)
    verdict = run.verdict
    if verdict is None:
        return Answer(
            status, documents.whole(run.folder), lambda console: _unexplained(run, console)
        )
    explanation = next_steps.explain(run, verdict, called())

    def in_words(console: Console) -> None:
        from pipeline.command_line import sentences

        _header(run, console)
        sentences.show(explanation, verdict.blessed, console)

    document = {"run": documents.summary(run), "explanation": asdict(explanation)}
    return Answer(status, document, in_words)


def runs(options: argparse.Namespace) -> Answer:
    """All runs, newest first; or what else is asked of them."""
    from pipeline.command_line import keeping

    if options.remove:
        return keeping.remove(options)
    if options.html is not None:
        return keeping.write_page(options)
    root = pathlib.Path(options.runs)
    known = all_runs.every(root)
    summaries = [documents.summary(run) for run in known]

    def in_words(console: Console) -> None:
        if not known:
            console.print(
                f"There are no runs in '{root}' yet. Make one: {called()} run", markup=False
            )
            return
        console.print(_runs_table(summaries, console.width >= _WIDE))

    return Answer(DONE, {"runs": summaries}, in_words)


def compare(options: argparse.Namespace) -> Answer:
    """Two runs side by side."""
    from pipeline.command_line import comparing

    first, second = (_run(options, name) for name in options.run)
    comparison = comparing.compare(first, second)
    if options.report is not None:
        from pipeline.command_line import keeping

        return keeping.write_comparison(comparison, options.report)
    return Answer(
        DONE,
        comparing.document(comparison),
        lambda console: comparing.show(comparison, console),
    )


def _run(options: argparse.Namespace, name: str | None) -> Run:
    return all_runs.find(pathlib.Path(options.runs), name)


def _header(run: Run, console: Console) -> None:
    from rich.text import Text

    from fairgate.gate import tables

    when = "" if run.started is None else f"  {run.started:%Y-%m-%d %H:%M}"
    console.print(Text.assemble((run.name, "bold"), (when, "dim"), "  ", tables.outcome(run.state)))


def _without_verdict(run: Run, console: Console) -> None:
    from fairgate.gate import tables

    said = {
        "running": "It is going on: the gate has not decided yet.",
        "stopped": "It was interrupted or killed before the gate decided; nothing was pushed. Run it "
        "again: it goes on from the last finished step.",
        "failed": f"It failed: {run.failure}",
        "frontier": "A frontier, which trains at several limits and judges no model.",
        "tuning": "A search for settings, which trains many times and judges no model.",
    }
    console.print(said[run.state], markup=False)
    if run.state == "frontier":
        _show_frontier(run, console)
    if run.state in ("stopped", "failed"):
        again = f"{called()} run --settings {run.settings_file}"
        tables.line(console, f"Again: {again}", "dim")
    for what, name in (
        ("Chart", "frontier.png"),
        ("Chart", "trials.png"),
        ("Settings", "tuned.yaml"),
    ):
        if (run.folder / name).exists():
            tables.line(console, f"{what}: {run.folder / name}", "dim")
    if run.log is not None:
        tables.line(console, f"Log: {run.log}", "dim")


def _show_frontier(run: Run, console: Console) -> None:
    from pipeline.sweeps import swept

    frontier = documents.whole(run.folder)["frontier"]
    if frontier.get("points"):
        console.print()
        console.print(swept.table(frontier))
        console.print(swept.note(frontier), style="dim", markup=False)


def _unexplained(run: Run, console: Console) -> None:
    _header(run, console)
    _without_verdict(run, console)


def _runs_table(summaries: list[dict[str, Any]], is_wide: bool) -> Table:
    """Where there is little room, an id says when a run was started, and a version where it went."""
    from rich.text import Text

    from fairgate.gate import tables

    made = tables.table("Runs, the newest first")
    made.pad_edge = False
    made.add_column("run", overflow="fold")
    if is_wide:
        made.add_column("started", no_wrap=True)
    made.add_column("outcome", no_wrap=True)
    for column in ("accuracy" if is_wide else "ACC", "bound", "limit"):
        made.add_column(column, justify="right", no_wrap=True)
    made.add_column("pushed to" if is_wide else "version", overflow="fold")
    for summary in summaries:
        worst = summary.get("worst")
        bound = limit = ""
        if worst is not None:
            bound = words.number(words.bound_of(worst))
            limit = f"{'>=' if ' >= ' in worst['constraint'] else '<='} {worst['limit']:g}"
        when = [(summary["started"] or "unknown").replace("T", " ")[:16]] if is_wide else []
        made.add_row(
            Text(summary["name"]),
            *when,
            tables.outcome(summary["state"]),
            _accuracy(summary),
            "sealed" if summary.get("sealed") else bound,
            limit,
            Text(_pushed_to(summary, is_wide)),
        )
    if any(summary.get("constraints", 1) > 1 for summary in summaries):
        made.caption = "bound and limit: of the constraint that is nearest to its limit"
        made.caption_justify = "left"
    return made


def _accuracy(summary: dict[str, Any]) -> str:
    if summary.get("sealed"):
        return "sealed"
    return words.number(summary["accuracy"]) if "accuracy" in summary else ""


def _pushed_to(summary: dict[str, Any], whole: bool) -> str:
    model = summary.get("pushed_model")
    if model is None:
        return ""
    there = summary["model_is_there"]
    if not whole:
        return model.rstrip("/").rpartition("/")[2] if there else "gone"
    return model if there else f"{model} (gone)"
