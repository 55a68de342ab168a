"""A verdict in the terminal: tables and one sentence."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from components.report import words
from components.report.data import BASELINE, CONSTRAINED
from pipeline.verdict import GateRow, Verdict


def show(verdict: Verdict, console: Console) -> None:
    """The verdict as tables and one sentence."""
    console.print(_models_table(verdict))
    for row in verdict.gate:
        console.print(_gate_table(row))
    attempt = verdict.attempt
    if attempt is not None and attempt.of > 1:
        console.print(
            f"attempt {attempt.number} of {attempt.of} on this test split, "
            f"judged at {words.percent(attempt.confidence)}"
        )
    for warning in verdict.warnings:
        console.print(Text("warning: ", style="yellow") + Text(warning))
    if verdict.blessed:
        console.print(
            Text("PASSED: ", style="bold green") + Text(f"pushed to {verdict.pushed_model}")
        )
    else:
        console.print(Text("BLOCKED: ", style="bold red") + Text("nothing was pushed, because"))
        for reason in verdict.reasons:
            console.print(Text(f"  - {reason}"))
        if verdict.advice:
            console.print(Text("No solution found. What would help:", style="bold"))
        for sentence in verdict.advice:
            console.print(Text(f"  - {sentence}"))
    if verdict.data.endswith("(synthetic)"):
        console.print(
            Text("The data is synthetic: these figures say nothing about people.", style="dim")
        )


def _gate_table(row: GateRow) -> Table:
    table = _table(f"Gate: {row.constraint}")
    for column in ("model", "value", f"{words.percent(row.confidence)} bound", "limit", ""):
        table.add_column(column, justify="left" if column in ("model", "") else "right")
    limit = f"{row.sense} {row.limit:g}"
    mark = Text("passed", "green") if row.passed else Text("blocked", "red")
    table.add_row(BASELINE, _show(row.baseline_value), _show(row.baseline_bound), limit, "")
    table.add_row(CONSTRAINED, _show(row.value), _show(row.bound), limit, mark)
    return table


def _models_table(verdict: Verdict) -> Table:
    table = _table("Models, on the test split")
    table.add_column("group", overflow="fold")  # a long name takes more lines, numbers stay whole
    table.add_column("model", no_wrap=True)
    for column in ("examples", "negatives", "accuracy", "FPR", "FNR"):
        table.add_column(column, justify="right", no_wrap=True)
    models = sorted(verdict.models, key=[BASELINE, CONSTRAINED].index)
    groups = ["everybody", *verdict.models[CONSTRAINED].groups]
    for name in groups:
        for model in models:
            result = verdict.models[model]
            cell = result if name == "everybody" else result.groups[name]
            table.add_row(
                Text(name if model == models[0] else ""),
                model,
                f"{cell.examples:,}",
                f"{cell.negatives:,}",
                _show(cell.accuracy),
                _show(cell.fpr),
                _show(cell.fnr),
            )
        table.add_section()
    return table


def _table(title: str) -> Table:
    return Table(title=escape(title), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)


def _show(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4f}"
