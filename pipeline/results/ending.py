"""What is said of a run when it has ended, and whenever somebody asks for it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fairgate.gate import tables, words
from pipeline.results.runs import REPORT_FILE, Run
from pipeline.results.verdict import VERDICT_FILE, Verdict, Yardstick


def show(run: Run, verdict: Verdict, console: Console) -> None:
    """The verdict, and where its files are."""
    show_verdict(verdict, console)
    for what, file in (("Verdict", VERDICT_FILE), ("Report", REPORT_FILE)):
        if (run.folder / file).exists():
            tables.line(console, f"{what}: {run.folder / file}", "dim")


def show_verdict(verdict: Verdict, console: Console) -> None:
    """The verdict as tables and one sentence, after what was known before the test split was asked."""
    known = verdict.validation
    if known is not None and known.yardsticks:
        console.print(_yardsticks(known.yardsticks))
        console.print()
    instead = None if known is None or not verdict.sealed else known.judgement
    if instead is not None:
        tables.show_figures(instead, console, f"{verdict.split} (the test split is sealed)")
    none = "No solution found. " if words.has_no_solution(asdict(verdict)) else ""
    tables.show(
        verdict,
        console,
        _consequence(verdict),
        "nothing was pushed",
        helping=f"{none}What would help:",
    )
    if instead is not None:
        for title, said in (
            ("The validation split would be blocked, because", instead.reasons),
            ("If the rates are those of the validation split, what would help:", instead.advice),
        ):
            if said:
                console.print(Text(title, style="bold"))
                console.print(tables.bullets(said))
    if verdict.data.endswith("(synthetic)"):
        console.print(
            Text("The data is synthetic: these figures say nothing about people.", style="dim")
        )


def _yardsticks(yardsticks: Sequence[Yardstick]) -> Table:
    made = tables.table("What the constraints cost beyond the least, on the validation split")
    made.add_column("decided by", overflow="fold")
    for column in ("error", "beyond", "violation"):
        made.add_column(column, justify="right", no_wrap=True)
    for each in yardsticks:
        made.add_row(
            Text(each.name),
            words.number(each.error_rate),
            "" if each.beyond_least is None else f"{each.beyond_least:+.4f}",
            "" if each.worst is None else f"{each.worst:+.4f}",
        )
    made.caption = (
        "beyond: how much more each errs than the best of those whose violation is at most 0"
    )
    made.caption_justify = "left"
    return made


def _consequence(verdict: Verdict) -> str:
    if verdict.pushed_model is None:
        return f"nothing was pushed. {verdict.not_served}".rstrip()
    gone = "" if verdict.model_is_there else " (no longer there)"
    return f"pushed to {verdict.pushed_model}{gone}"
