"""A verdict in the terminal: tables and one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from components.report import words
from components.report.data import BASELINE, CONSTRAINED, MODELS
from pipeline.runs import REPORT_FILE, Run
from pipeline.verdict import VERDICT_FILE, GateRow, ModelResult, Verdict

EVERYBODY = "everybody"
_COLOURS = {"passed": "green", "pushed": "green", "blocked": "red", "failed": "red"}


def ending(run: Run, verdict: Verdict, console: Console) -> None:
    """What is said of a run when it has ended, and whenever somebody asks for it again."""
    show(verdict, console)
    for what, file in (("Verdict", VERDICT_FILE), ("Report", REPORT_FILE)):
        if (run.folder / file).exists():
            line(console, f"{what}: {run.folder / file}", "dim")


def show(verdict: Verdict, console: Console) -> None:
    """The verdict as tables and one sentence."""
    models = {name: verdict.models[name] for name in MODELS if name in verdict.models}
    console.print(groups_table("Models, on the test split", "model", models))
    for row in verdict.gate:
        console.print(_gate_table(row))
    attempt = verdict.attempt
    if attempt is not None and attempt.of > 1:
        console.print(
            f"attempt {attempt.number} of {attempt.of} on this test split, "
            f"judged at {words.percent(attempt.confidence)}"
        )
    for warning in verdict.warnings:
        console.print(Text.assemble(("warning: ", "yellow"), warning))
    if verdict.blessed:
        console.print(Text.assemble(("PASSED: ", "bold green"), _consequence(verdict)))
    else:
        console.print(Text.assemble(("BLOCKED: ", "bold red"), "nothing was pushed, because"))
        console.print(bullets(verdict.reasons))
        if verdict.advice:
            console.print(Text("No solution found. What would help:", style="bold"))
            console.print(bullets(verdict.advice))
    if verdict.data.endswith("(synthetic)"):
        console.print(
            Text("The data is synthetic: these figures say nothing about people.", style="dim")
        )


def _consequence(verdict: Verdict) -> str:
    if verdict.pushed_model is None:
        return "nothing was pushed"
    gone = "" if verdict.model_is_there else " (no longer there)"
    return f"pushed to {verdict.pushed_model}{gone}"


def groups_table(title: str, column: str, models: Mapping[str, ModelResult]) -> Table:
    """Outcomes of several models, side by side for everybody and each group."""
    made = table(title)
    made.add_column("group", overflow="fold")  # a long name takes more lines, numbers stay whole
    made.add_column(column, no_wrap=True)
    for name in ("examples", "negatives", "accuracy", "FPR", "FNR"):
        made.add_column(name, justify="right", no_wrap=True)
    groups = dict.fromkeys(name for model in models.values() for name in model.groups)
    for group in (EVERYBODY, *groups):
        shown = group
        for name, model in models.items():
            cell = model if group == EVERYBODY else model.groups.get(group)
            if cell is None:
                continue
            made.add_row(
                Text(shown),
                name,
                f"{cell.examples:,}",
                f"{cell.negatives:,}",
                number(cell.accuracy),
                number(cell.fpr),
                number(cell.fnr),
            )
            shown = ""
        made.add_section()
    return made


def _gate_table(row: GateRow) -> Table:
    made = table(f"Gate: {row.constraint}")
    for column in ("model", "value", f"{words.percent(row.confidence)} bound", "limit", ""):
        made.add_column(column, justify="left" if column in ("model", "") else "right")
    limit = f"{row.sense} {row.limit:g}"
    made.add_row(BASELINE, number(row.baseline_value), number(row.baseline_bound), limit, "")
    made.add_row(
        CONSTRAINED, number(row.value), number(row.bound), limit, outcome(passed(row.passed))
    )
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
