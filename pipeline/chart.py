"""A chart of accuracy against the value of a constraint."""

from __future__ import annotations

import math
import pathlib
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

_INK, _GREY, _GRID, _LINE, _FREE = "#1f2933", "#66727f", "#e4e7eb", "#1f6fb2", "#c2571a"


@dataclass(frozen=True)
class Dot:
    """A point of the chart: a bar runs from `x` to `bound`, where that is finite.

    `stands_out` gives it a color of its own and takes it out of the line.
    """

    x: float
    y: float
    bound: float
    label: str
    stands_out: bool = False

    @property
    def color(self) -> str:
        return _FREE if self.stands_out else _LINE


def draw(
    dots: Sequence[Dot], title: str, subtitle: str, x_name: str, y_name: str, file: pathlib.Path
) -> None:
    """Writes the chart as a picture; its kind is told by the file's ending.

    Raises:
      ValueError: there is no dot whose x and y are finite.
    """
    shown = [dot for dot in dots if math.isfinite(dot.x) and math.isfinite(dot.y)]
    if not shown:
        raise ValueError("nothing to draw: no dot has a finite x and y")
    figure = Figure(figsize=(11, 7.2), dpi=100, layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, loc="left", fontsize=18, color=_INK, pad=36)
    axes.text(0, 1.025, subtitle, transform=axes.transAxes, fontsize=11, color=_GREY)
    axes.set_xlabel(x_name, fontsize=13, color=_INK)
    axes.set_ylabel(y_name, fontsize=13, color=_INK)
    axes.grid(color=_GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_GREY)
    axes.tick_params(colors=_GREY, labelsize=11)
    axes.margins(x=0.08, y=0.15)
    line = [dot for dot in shown if not dot.stands_out]
    axes.plot([dot.x for dot in line], [dot.y for dot in line], color=_LINE, linewidth=2.2)
    for dot in shown:
        if math.isfinite(dot.bound):
            axes.plot([dot.x, dot.bound], [dot.y] * 2, color=dot.color, alpha=0.45, marker="|")
        axes.plot(dot.x, dot.y, "o", color=dot.color, markeredgecolor="white", markersize=11)
        color = _FREE if dot.stands_out else _INK
        # Above and to the left: bars run to the right, and more accuracy costs a larger value.
        place = {"xytext": (-4, 10), "textcoords": "offset points", "ha": "right"}
        axes.annotate(dot.label, (dot.x, dot.y), fontsize=12, color=color, **place)
    if min(dot.x for dot in shown) >= 0:
        axes.set_xlim(left=0)
    figure.savefig(file)
