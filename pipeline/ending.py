"""What is said of a run when it has ended, and whenever somebody asks for it again."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from fairgate.gate import tables
from pipeline.runs import REPORT_FILE, Run
from pipeline.verdict import VERDICT_FILE, Verdict


def show(run: Run, verdict: Verdict, console: Console) -> None:
    """The verdict, and where its files are."""
    show_verdict(verdict, console)
    for what, file in (("Verdict", VERDICT_FILE), ("Report", REPORT_FILE)):
        if (run.folder / file).exists():
            tables.line(console, f"{what}: {run.folder / file}", "dim")


def show_verdict(verdict: Verdict, console: Console) -> None:
    """The verdict as tables and one sentence."""
    if verdict.sealed and verdict.validation is not None:
        tables.show_figures(
            verdict.validation, console, f"{verdict.split} (the test split is sealed)"
        )
    tables.show(verdict, console, _consequence(verdict), "nothing was pushed")
    if verdict.sealed and verdict.validation is not None:
        for title, said in (
            ("The validation split would be blocked, because", verdict.validation.reasons),
            (
                "If the rates are those of the validation split, what would help:",
                verdict.validation.advice,
            ),
        ):
            if said:
                console.print(Text(title, style="bold"))
                console.print(tables.bullets(said))
    if verdict.data.endswith("(synthetic)"):
        console.print(
            Text("The data is synthetic: these figures say nothing about people.", style="dim")
        )


def _consequence(verdict: Verdict) -> str:
    if verdict.pushed_model is None:
        return "nothing was pushed"
    gone = "" if verdict.model_is_there else " (no longer there)"
    return f"pushed to {verdict.pushed_model}{gone}"
