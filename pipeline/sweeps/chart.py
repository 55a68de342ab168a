"""A chart of what models are worth against what is asked of them."""

from __future__ import annotations

import math
import pathlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise, product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

_INK, _GREY, _GRID, _LINE, _FREE = "#1f2933", "#66727f", "#e4e7eb", "#1f6fb2", "#c2571a"
# Places of a label around its dot, the best first: nearer before farther [points], and of the near ones
# above to the left, as bars mostly run to the right and more accuracy costs a larger value [degrees].
_DISTANCES, _DIRECTIONS = (13, 26, 42, 60, 80, 105, 135, 170), (135, 180, 90, 45, 225, 270, 315, 0)
_CLEAR = 9  # between a label's box and the middle of a dot or a line [pixels]


@dataclass(frozen=True)
class Dot:
    """A point of the chart: a bar runs from `x` to `bound`, where that is finite.

    An empty `label` is none. `stands_out` gives it a color of its own and takes it out of the line.
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
    dots: Sequence[Dot],
    title: str,
    subtitle: str,
    x_name: str,
    y_name: str,
    file: pathlib.Path,
    boundary: float | None = None,
) -> None:
    """Writes the chart as a picture; its kind is told by the file's ending.

    A line joins the dots, unless an upright one stands at `boundary`: what lies on one side of it does
    not lead to what lies on the other.

    Raises:
      ValueError: there is no dot whose x and y are finite.
    """
    shown = [dot for dot in dots if math.isfinite(dot.x) and math.isfinite(dot.y)]
    if not shown:
        raise ValueError("nothing to draw: no dot has a finite x and y")
    figure = Figure(figsize=(11, 7.2), dpi=100, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.15, h_pad=0.15)  # [inches]
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
    axes.margins(x=0.1, y=0.15)
    line = [(dot.x, dot.y) for dot in shown if not dot.stands_out]
    if boundary is None:
        axes.plot(*np.reshape(line, (-1, 2)).T, color=_LINE, linewidth=2.2)
    else:
        line = []
        axes.axvline(boundary, color=_GREY, linestyle="--", linewidth=1.2)
    bars = [dot for dot in shown if math.isfinite(dot.bound)]
    for dot in bars:
        axes.plot([dot.x, dot.bound], [dot.y] * 2, color=dot.color, alpha=0.45, marker="|")
    for dot in shown:
        axes.plot(dot.x, dot.y, "o", color=dot.color, markeredgecolor="white", markersize=11)
    values = [dot.x for dot in shown] + [dot.bound for dot in bars]
    if (
        boundary is None and 0 <= min(values) < max(values) / 2
    ):  # what is far from 0 needs no empty space before it
        axes.set_xlim(left=0)
    segments = [*pairwise(line), *(((dot.x, dot.y), (dot.bound, dot.y)) for dot in bars)]
    _label(axes, shown, [np.linspace(*ends, 200) for ends in segments])
    figure.savefig(file)


def _label(axes: Axes, dots: Sequence[Dot], drawn: Sequence[np.ndarray]) -> None:
    """Writes each label at the first place around its dot that is free, with a thread to those far away.

    Args:
      axes: of the chart, with limits that stay.
      dots: all of them; their labels keep clear of each other too.
      drawn: (n, 2) points of whatever else they must keep clear of.
    """
    axes.figure.draw_without_rendering()  # from here on, places in pixels are those of the picture
    axes.figure.set_layout_engine("none")
    middles = axes.transData.transform([(dot.x, dot.y) for dot in dots])
    ink = np.concatenate([middles, *map(axes.transData.transform, drawn)])
    taken: list[Bbox] = []
    for dot, middle in zip(dots, middles, strict=True):
        if not dot.label:
            continue
        at, color = (dot.x, dot.y), _FREE if dot.stands_out else _INK
        offset = {"xytext": (0, 0), "textcoords": "offset points"}
        text = axes.annotate(dot.label, at, fontsize=12, color=color, **offset)
        cost = partial(_cost, text, middle, middles, ink, taken)
        # Of places that are equally free, the one that comes first.
        best = min(product(_DISTANCES, _DIRECTIONS), key=lambda place: cost(_put(text, *place)))
        taken.append(_put(text, *best))
        if best[0] > _DISTANCES[0]:
            thread = {"arrowstyle": "-", "color": _GREY, "linewidth": 0.8, "shrinkB": 6}
            offset["xytext"] = text.get_position()
            axes.annotate("", at, arrowprops=thread, **offset)


def _put(text: Annotation, distance: float, direction: float) -> Bbox:
    """Moves a text to a place around its dot; its box there [pixels]."""
    across, up = (round(f(math.radians(direction)), 1) for f in (math.cos, math.sin))
    text.set_position((distance * across, distance * up))
    text.set_ha(("center", "left", "right")[int(np.sign(across))])
    text.set_va(("center", "bottom", "top")[int(np.sign(up))])
    return text.get_window_extent()


def _cost(
    text: Annotation,
    middle: np.ndarray,
    middles: np.ndarray,
    ink: np.ndarray,
    taken: Sequence[Bbox],
    box: Bbox,
) -> float:
    """How many points it is in the way of; more if it is nearer to another dot; far more if it cannot
    be read, lying over another label or cut off."""
    inside = ((ink > box.min - _CLEAR) & (ink < box.max + _CLEAR)).all(axis=1).sum()
    anchor = middle + np.multiply(text.get_position(), text.figure.dpi / 72)
    away = np.linalg.norm(middles - anchor, axis=1)
    astray = np.linalg.norm(middle - anchor) > away.min() + 1
    cut = 4 - text.axes.bbox.count_contains(box.corners())
    return float(inside + 300 * astray + 10_000 * (cut + box.count_overlaps(taken)))
