"""What is shown of the trials of a search: sentences, a table and a picture."""

from __future__ import annotations

import math
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table

from pipeline.sweeps import chart

if TYPE_CHECKING:  # it loads TensorFlow
    from components.constrained_trainer.search.tuning import Trial

_MOST_ROWS = 10
# Short enough for a table of 80 characters with all of them; of constraints, the limits are shown.
_HEADS = {
    "learning_rate": "learning\nrate",
    "weight_decay": "weight\ndecay",
    "batch_size": "batch",
    "steps": "steps",
    "multipliers.learning_rate": "dual\nrate",
    "multipliers.proportional": "at\nonce",
    "constraints": "limit",
}


def words(trials: Sequence[Trial], best: Trial) -> list[str]:
    """What was chosen, and what that is worth."""
    first = trials[0]
    if not math.isfinite(best.cost):
        return ["No trial made a model of use: the settings stay as they were."]
    chosen = (
        f"trial {best.number + 1} of {len(trials)}, with an error of {best.error_rate:.4f} on the "
        "validation split"
    )
    if len(trials) == 1:
        chosen += ": the settings as they were; the budget left no room for others"
    elif best.number == 0:
        chosen += ": the settings as they were, which no other trial was better than"
    elif math.isfinite(first.error_rate):
        chosen += f" ({first.error_rate:.4f} with the settings as they were)"
    if best.passes:
        outlook = f"The gate is predicted to let it pass, {_beyond(best)}."
    else:
        outlook = f"No trial is predicted to pass the gate; this one is nearest, {_beyond(best)}."
    return [f"Chosen: {chosen}.", outlook]


def sentence(trial: Trial) -> str:
    """What came of one trial, in a line."""
    what = f"trial {trial.number + 1}"
    if trial.problem is not None:
        return f"{what}: {trial.problem} ({trial.seconds:.1f} s)"
    outlook = "predicted to pass" if trial.passes else "not predicted to pass"
    return (
        f"{what}: error {trial.error_rate:.4f}, {outlook}, {_beyond(trial)} ({trial.seconds:.1f} s)"
    )


def _beyond(trial: Trial) -> str:
    if not math.isfinite(trial.excess):
        return "nothing can be predicted"
    return f"{abs(trial.excess):.4f} {'within' if trial.passes else 'beyond'} its limits"


def table(trials: Sequence[Trial], best: Trial) -> Table:
    """The best trials and the first one, in the order they were tried."""
    ranked = sorted(trials, key=lambda trial: trial.cost)[:_MOST_ROWS]
    rows = [trial for trial in trials if trial.number == 0 or trial in ranked]
    title = "Trials" if len(rows) == len(trials) else f"The best of {len(trials)} trials"
    made = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=0,  # the box has a space between columns
    )
    names = [name for name in _HEADS if name in trials[0].settings]
    for column in ("trial", "error", "beyond\ngate", *(_HEADS[name] for name in names), "seconds"):
        made.add_column(column, justify="right")
    for trial in rows:
        made.add_row(
            f"{'* ' if trial is best else ''}{trial.number + 1}",
            _number(trial.error_rate, "{:.4f}"),
            _number(trial.excess, "{:+.4f}"),
            *(_value(trial.settings[name]) for name in names),
            f"{trial.seconds:.1f}",
            style="bold" if trial is best else None,
        )
    return made


def _number(value: float, form: str) -> str:
    return form.format(value) if math.isfinite(value) else "-"


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):  # of constraints
        return " ".join(
            dict.fromkeys(line.replace(">=", "<=").split("<=")[-1].strip() for line in value)
        )
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def draw(
    trials: Sequence[Trial], best: Trial, title: str, subtitle: str, file: pathlib.Path
) -> bool:
    """The picture of the trials, which is left out where none has numbers; whether there is one."""
    dots = [
        chart.Dot(
            trial.excess,
            trial.error_rate,
            math.nan,
            _label(trial, best),
            stands_out=trial is best,
        )
        for trial in sorted(trials, key=lambda trial: trial is best)
        if math.isfinite(trial.excess)
    ]
    if not dots:
        return False
    beyond = "predicted bound beyond what the gate asks (it passes up to 0)"
    chart.draw(dots, title, subtitle, beyond, "error rate", file, boundary=0.0)
    return True


def _label(trial: Trial, best: Trial) -> str:
    as_it_was = "settings as they were" if trial.number == 0 else ""
    if trial is not best:
        return as_it_was
    return f"chosen: {as_it_was or f'trial {trial.number + 1}'}"
