"""Draws the frontier: accuracy against the value of the trainer's constraints, limit by limit."""

from __future__ import annotations

import math
import pathlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

from components import progress
from fairgate.documents import to_json, write_text
from pipeline import chart, local, training_data
from pipeline.runs import FRONTIER_FILE
from pipeline.settings import Settings
from pipeline.terminal import Display

if TYPE_CHECKING:  # it loads TensorFlow
    from components.constrained_trainer.frontier import Point


def run(settings: Settings, limits: Sequence[float], verbose: bool = False) -> local.Ended:
    """Sweeps over `limits`; the exit status is 0, or 1 if it failed.

    Leaves `runs/<name>/<run id>/` with frontier.json, frontier.png, settings.yaml, steps.json and
    run.log. Models are not kept, and nothing is pushed.

    Raises:
      SettingsError: a folder cannot be written, or another run is using it.
    """

    def work(run_id: str, folder: pathlib.Path, console: Console) -> int:
        with local.displaying(settings, console, steps=training_data.STEPS + 1) as display:
            asked = local.measure(settings, folder, display)
            points, examples = _sweep(asked, limits, run_id, display)
        record = {
            "constraints": list(settings.trainer.constraints),
            "split": "validation",
            "examples": examples,
            "confidence": settings.trainer.selection.confidence,
            "points": [asdict(point) for point in points],
        }
        write_text(folder / FRONTIER_FILE, to_json(record, indent=1) + "\n")
        local.write_steps(display.steps, folder)
        title, subtitle = _words(settings, points, examples)
        _draw(points, title, subtitle, folder / "frontier.png")
        console.print()
        console.print(_table(points, title))
        console.print(subtitle, style="dim")
        console.print(f"Chart: {folder / 'frontier.png'}", style="dim")
        return 0

    return local.in_run_folder(settings, work, "frontier", "No frontier was drawn.", verbose)


def _sweep(settings: Settings, limits: Sequence[float], run_id: str, display: Display):
    """The points, and how many examples each was measured on."""
    from components.constrained_trainer.frontier import sweep

    with (
        training_data.read(settings, run_id, display) as data,
        display.step("Sweep"),
    ):
        # The first training is the baseline: it has no model to start from.
        points = sweep(*data.splits, settings.trainer, limits, progress.report, inputs=data.inputs)
        return points, len(data.splits[1])


def _words(settings: Settings, points: Sequence[Point], examples: int) -> tuple[str, str]:
    """Title and subtitle of table and chart."""
    names = [measured.expression for measured in points[0].measured]
    subtitle = f"On the {examples:,} examples of the validation split, which chose the snapshots"
    if any(math.isfinite(measured.bound) for point in points for measured in point.measured):
        confidence = f"{settings.trainer.selection.confidence:.0%}"
        side = "upper" if points[0].sense == "<=" else "lower"
        subtitle += f"; bars reach to the {confidence} {side} confidence bound"
    return f"Accuracy against {', '.join(names)}", f"{subtitle}."


def _table(points: Sequence[Point], title: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    table.add_column("limit", no_wrap=True, min_width=len("unconstrained"))
    table.add_column("accuracy", justify="right")
    names = [measured.expression for measured in points[0].measured]
    for name in names:
        # The title names the only one.
        table.add_column(name if len(names) > 1 else "value", justify="right")
        table.add_column("bound", justify="right")
    for column in ("steps", "chosen at", "seconds"):
        table.add_column(column, justify="right")
    for point in points:
        values = [number for m in point.measured for number in (m.value, m.bound)]
        table.add_row(
            _label(point),
            f"{point.accuracy:.4f}",
            *("-" if math.isnan(value) else f"{value:.4f}" for value in values),
            f"{point.steps:,}",
            f"{point.step:,}",
            f"{point.seconds:.1f}",
        )
    return table


def _draw(points: Sequence[Point], title: str, subtitle: str, file: pathlib.Path) -> None:
    """The chart; of several constraints, the one of each point that is farthest along."""
    worst = [_worst(point) for point in points]
    dots = [
        chart.Dot(m.value, point.accuracy, m.bound, _label(point), stands_out=point.limit is None)
        for point, m in zip(points, worst, strict=True)
    ]
    names = [measured.expression for measured in points[0].measured]
    x_name = names[0] if len(names) == 1 else f"worst of {len(names)} constraints"
    chart.draw(dots, title, subtitle, x_name, "accuracy", file)


def _worst(point: Point):
    choose = max if point.sense == "<=" else min
    return choose(point.measured, key=lambda measured: measured.value)


def _label(point: Point) -> str:
    return "unconstrained" if point.limit is None else f"{point.sense} {point.limit:g}"
