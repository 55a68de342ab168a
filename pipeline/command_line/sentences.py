"""An explanation in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fairgate.gate import tables
from fairgate.gate.explaining import Explanation, Reasoning


def show(explanation: Explanation, blessed: bool, console: Console) -> None:
    """The sentence, then each constraint with its counts, then what to do."""
    console.print(explanation.sentence, markup=False)
    if explanation.meaning:
        console.print(explanation.meaning, markup=False)
    for reasoning in explanation.constraints:
        console.print()
        _show_constraint(reasoning, console)
    for title, said in (
        ("What it cost", [explanation.cost] if explanation.cost else []),
        ("It was also blocked, because", explanation.others),
        ("The gate also asks, and the model keeps", explanation.kept),
        ("What the run said" if blessed else "What would help", explanation.advice),
    ):
        if said:
            console.print()
            console.print(Text(title, "bold"))
            console.print(tables.bullets(said))
    if explanation.next:
        console.print()
        console.print(Text("What to try next", "bold"))
        for step in explanation.next:
            tables.line(console, _command(step.command, console.width), "cyan")
            console.print(Padding(Text(step.purpose, "dim"), (0, 0, 0, 6)))


def _show_constraint(reasoning: Reasoning, console: Console) -> None:
    outcome = tables.outcome(reasoning.outcome)
    console.print(Text.assemble((reasoning.constraint, "bold"), "  ", outcome))
    for sentence in reasoning.sentences:
        console.print(Padding(Text(sentence), (0, 0, 0, 2)))
    made = Table.grid(padding=(0, 2))
    for _ in range(2):
        made.add_column(justify="left")
    for count in reasoning.counts:
        made.add_row(
            Text(count.group),
            f"{count.part:,} of {count.whole:,} {count.what}",
            Text(f"{count.rate} {tables.number(count.value)}", "dim"),
        )
    if reasoning.counts:
        console.print(Padding(made, (0, 0, 0, 4)))


def _command(command: str, width: int) -> str:
    """On one line, or on several that a shell takes as one."""
    whole = f"  {command}"
    return whole if len(whole) <= width else whole.replace(" --", " \\\n      --")
