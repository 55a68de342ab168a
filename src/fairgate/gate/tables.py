"""A judgement in the terminal: tables and one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from fairgate.gate import words
from fairgate.gate.judgement import (
    BASELINE,
    EVERYBODY,
    GateRow,
    GroupResult,
    Judgement,
    ModelResult,
)

_MOST_CLASSES = 5  # that a table has columns for
_COLOURS = {
    "passed": "green",
    "pushed": "green",
    "blocked": "red",
    "failed": "red",
    "over the limit": "red",
}


def show(
    judgement: Judgement,
    console: Console,
    consequence: str,
    blocked: str,
    where: str = "the test split",
    helping: str = "What would help:",
) -> None:
    """The judgement as tables and one sentence.

    Args:
      judgement: what the gate said.
      console: where to print.
      consequence: what follows where it passed.
      blocked: what follows where it did not.
      where: what the models were judged on.
      helping: heads the advice.
    """
    if judgement.gate:  # else nothing was asked, as no model was worth it, or nothing may be shown
        show_figures(judgement, console, where)
    attempt = judgement.attempt
    if attempt is not None and attempt.of > 1:
        console.print(
            f"attempt {attempt.number} of {attempt.of} on {where}, "
            f"judged at {words.percent(attempt.confidence)}"
        )
    if judgement.cost:
        console.print(Text.assemble(("What it cost: ", "bold"), words.cost(judgement.cost)))
    for warning in judgement.warnings:
        console.print(Text.assemble(("warning: ", "yellow"), warning))
    if judgement.blessed:
        console.print(Text.assemble(("PASSED: ", "bold green"), consequence))
        return
    console.print(Text.assemble(("BLOCKED: ", "bold red"), f"{blocked}, because"))
    console.print(bullets(judgement.reasons))
    if meaning := words.meaning({"outcome": judgement.outcome}):
        console.print(Text(meaning))
    if judgement.advice:
        console.print(Text(helping, style="bold"))
        console.print(bullets(judgement.advice))


def show_figures(judgement: Judgement, console: Console, where: str) -> None:
    """What was measured: a table of the models, and one for each constraint.

    Args:
      judgement: what the gate said, or what it would say of other data.
      console: where to print.
      where: what the models were measured on.
    """
    console.print(groups_table(f"Models, on {where}", "model", _in_order(judgement)))
    for row in judgement.gate:
        console.print(_gate_table(row, judgement))


def _in_order(judgement: Judgement) -> dict[str, ModelResult]:
    """The models, the baseline first."""
    return dict(sorted(judgement.models.items(), key=lambda item: item[0] != BASELINE))


def groups_table(title: str, column: str, models: Mapping[str, ModelResult]) -> Table:
    """Outcomes of several models, side by side for everybody and each group."""
    classes = list(dict.fromkeys(name for model in models.values() for name in model.classes))
    shown_classes = classes if len(classes) <= _MOST_CLASSES else []
    made = table(
        f"{title}: accuracy, and the true positive rate of each class" if classes else title
    )
    made.add_column("group", overflow="fold")  # a long name takes more lines, numbers stay whole
    made.add_column(column, no_wrap=True)
    figures = ["negatives", "accuracy", "FPR", "FNR"]
    if classes:
        figures = ["accuracy", *(shown_classes or ["lowest of a class"])]
    for name in ("examples", *figures):
        made.add_column(Text(name), justify="right", no_wrap=not classes)
    groups = dict.fromkeys(name for model in models.values() for name in model.groups)
    for group in (EVERYBODY, *groups):
        shown = group
        for name, model in models.items():
            cell = model if group == EVERYBODY else model.groups.get(group)
            if cell is None:
                continue
            row = [f"{cell.negatives:,}", *map(number, (cell.accuracy, cell.fpr, cell.fnr))]
            if classes:
                row = [number(cell.accuracy), *_of_classes(cell, shown_classes)]
            made.add_row(Text(shown), name, f"{cell.examples:,}", *row)
            shown = ""
        if len(models) > 1:
            made.add_section()
    return made


def _of_classes(result: GroupResult, shown: Sequence[str]) -> list[str]:
    """The true positive rate of each class, or the lowest where that would be too many."""
    if shown:
        of = (result.classes.get(name) for name in shown)
        return [number(None if each is None else each.tpr) for each in of]
    known = [each.tpr for each in result.classes.values() if each.tpr is not None]
    return [number(min(known, default=None))]


def _gate_table(row: GateRow, judgement: Judgement) -> Table:
    made = table(f"Gate: {row.constraint}")
    for column in ("model", "value", f"{words.percent(row.confidence)} bound", "limit", ""):
        made.add_column(column, justify="left" if column in ("model", "") else "right")
    limit = f"{row.sense} {row.limit:g}"
    if BASELINE in judgement.models:
        made.add_row(BASELINE, number(row.baseline_value), number(row.baseline_bound), limit, "")
    made.add_row(
        judgement.judged, number(row.value), number(row.bound), limit, outcome(row.outcome)
    )
    if row.independent_bound is not None:
        made.add_row("if independent", "", number(row.independent_bound), "", "")
    return made


def table(title: str) -> Table:
    """A table as all of ours look."""
    return Table(
        title=escape(title) or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD
    )


def bullets(sentences: Sequence[str | Text]) -> RenderableType:
    """A list whose items hang under their own first word."""
    made = Table.grid(padding=(0, 1))
    for sentence in sentences:
        made.add_row("  -", sentence if isinstance(sentence, Text) else Text(sentence))
    return made


def line(console: Console, text: str, style: str = "") -> None:
    """A line that is not broken, so that a path in it can be taken from the terminal whole."""
    console.print(Text(text, style), soft_wrap=True)


def passed(is_so: bool) -> str:
    """The outcome of a constraint."""
    return "passed" if is_so else "blocked"


def outcome(word: str) -> Text:
    """`word` in its colour."""
    return Text(word, _COLOURS.get(word, "yellow"))


def number(value: float | None) -> str:
    """A rate."""
    return words.number(value)
