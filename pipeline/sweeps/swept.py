"""What a frontier found, as a table: when it is drawn, and whenever somebody asks for it again.

Light: reads frontier.json alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from fairgate.gate import words


def heading(frontier: Mapping[str, Any]) -> str:
    """What is held against what."""
    return f"Accuracy against {', '.join(_names(frontier))}"


def note(frontier: Mapping[str, Any]) -> str:
    """Where it was measured, and what the bounds are."""
    said = (
        f"On the {frontier['examples']:,} examples of the {frontier.get('split', 'validation')} split, "
        "which chose the snapshots"
    )
    points = frontier["points"]
    if any(measured.get("bound") is not None for p in points for measured in p["measured"]):
        side = "upper" if points[0].get("sense", "<=") == "<=" else "lower"
        said += (
            f"; bars reach to the {words.percent(frontier['confidence'])} {side} confidence bound"
        )
    return f"{said}."


def label(point: Mapping[str, Any]) -> str:
    """What a point was trained under."""
    if point["limit"] is None:
        return "unconstrained"
    return f"{point.get('sense', '<=')} {point['limit']:g}"


def table(frontier: Mapping[str, Any]) -> Table:
    """A row for each training."""
    made = Table(
        title=Text(heading(frontier)), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD
    )
    made.add_column("limit", no_wrap=True, min_width=len("unconstrained"))
    made.add_column("accuracy", justify="right")
    names = _names(frontier)
    for name in names:
        # The title names the only one.
        made.add_column(Text(name) if len(names) > 1 else "value", justify="right")
        made.add_column("bound", justify="right")
    more = [key for key in ("steps", "step", "seconds") if key in frontier["points"][0]]
    for key in more:
        made.add_column("chosen at" if key == "step" else key, justify="right")
    for point in frontier["points"]:
        values = [number for m in point["measured"] for number in (m["value"], m.get("bound"))]
        made.add_row(
            label(point),
            _number(point["accuracy"]),
            *map(_number, values),
            *(f"{point[key]:,.1f}" if key == "seconds" else f"{point[key]:,}" for key in more),
        )
    return made


def _names(frontier: Mapping[str, Any]) -> list[str]:
    return [measured["expression"] for measured in frontier["points"][0]["measured"]]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
