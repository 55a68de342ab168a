"""Draws the frontier: accuracy against the value of the trainer's constraints, limit by limit."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.console import Console

from components import progress
from fairgate.documents import to_json, write_text
from pipeline.results.runs import FRONTIER_FILE
from pipeline.running import local
from pipeline.running.terminal import Display
from pipeline.settings import Settings
from pipeline.sweeps import chart, swept, training_data

if TYPE_CHECKING:  # it loads TensorFlow
    from components.constrained_trainer.search.frontier import Point


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
        text = to_json(record, indent=1)
        write_text(folder / FRONTIER_FILE, text + "\n")
        local.write_steps(display.steps, folder)
        kept = json.loads(text)  # what is not finite is null
        _draw(points, swept.heading(kept), swept.note(kept), folder / "frontier.png")
        console.print()
        console.print(swept.table(kept))
        console.print(swept.note(kept), style="dim", markup=False)
        console.print(f"Chart: {folder / 'frontier.png'}", style="dim")
        return 0

    return local.in_run_folder(settings, work, "frontier", "No frontier was drawn.", verbose)


def _sweep(settings: Settings, limits: Sequence[float], run_id: str, display: Display):
    """The points, and how many examples each was measured on."""
    from components.constrained_trainer.search.frontier import sweep

    with (
        training_data.read(settings, run_id, display) as data,
        display.step("Sweep"),
    ):
        # The first training is the baseline: it has no model to start from.
        points = sweep(*data.splits, settings.trainer, limits, progress.report, inputs=data.inputs)
        return points, len(data.splits[1])


def _draw(points: Sequence[Point], title: str, subtitle: str, file: pathlib.Path) -> None:
    """The chart; of several constraints, the one of each point that is farthest along."""
    worst = [_worst(point) for point in points]
    dots = [
        chart.Dot(
            m.value,
            point.accuracy,
            m.bound,
            swept.label(asdict(point)),
            stands_out=point.limit is None,
        )
        for point, m in zip(points, worst, strict=True)
    ]
    names = [measured.expression for measured in points[0].measured]
    x_name = names[0] if len(names) == 1 else f"worst of {len(names)} constraints"
    chart.draw(dots, title, subtitle, x_name, "accuracy", file)


def _worst(point: Point):
    choose = max if point.sense == "<=" else min
    return choose(point.measured, key=lambda measured: measured.value)
