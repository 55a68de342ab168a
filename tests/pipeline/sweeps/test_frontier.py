"""What is shown of a frontier: its words, its table and its chart."""

from __future__ import annotations

import json
import math
from dataclasses import asdict

import pytest

from components.constrained_trainer.search.frontier import Measured, Point
from fairgate.documents import to_json
from pipeline.sweeps import frontier, swept


def point(limit, sense, *measured: Measured) -> Point:
    return Point(limit, sense, 0.9, measured, step=90, steps=100, seconds=1.5)


GAP = [
    point(None, "<=", Measured("max_gap(FPR, [Young])", 0.08, 0.1)),
    point(0.05, "<=", Measured("max_gap(FPR, [Young])", 0.04, 0.06)),
]
AREA = [
    point(None, ">=", Measured("AUC | [Young]", 0.6, math.nan)),
    point(0.8, ">=", Measured("AUC | [Young]", 0.81, math.nan)),
]


def record(points: list[Point]) -> dict:
    """As frontier.json holds it."""
    points = [asdict(point) for point in points]
    return json.loads(to_json({"examples": 1234, "confidence": 0.95, "points": points}))


@pytest.mark.parametrize(
    ("points", "title", "ends"),
    [
        (GAP, "Accuracy against max_gap(FPR, [Young])", "to the 95% upper confidence bound."),
        (AREA, "Accuracy against AUC | [Young]", "which chose the snapshots."),
    ],
)
def test_bars_are_spoken_of_where_there_are_bounds(points, title, ends):
    kept = record(points)
    subtitle = swept.note(kept)
    assert swept.heading(kept) == title
    assert subtitle.startswith("On the 1,234 examples of the validation split")
    assert subtitle.endswith(ends)


def test_a_value_without_a_bound_has_a_dash_in_the_table():
    for points, last in ((GAP, "0.0600"), (AREA, "-")):
        table = swept.table(record(points))
        columns = {column.header: list(column.cells) for column in table.columns}
        assert columns["bound"][1] == last and columns["limit"][0] == "unconstrained"


@pytest.mark.parametrize("points", [GAP, AREA])
def test_the_chart_is_drawn(points, tmp_path):
    frontier._draw(points, "title", "subtitle", tmp_path / "frontier.png")
    assert (tmp_path / "frontier.png").read_bytes().startswith(b"\x89PNG")
