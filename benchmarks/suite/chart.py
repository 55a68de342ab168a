"""All contenders over all tasks as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.suite.contenders import CONTENDERS, OURS
from benchmarks.suite.summary import Row

_STEP = 0.06  # between names at the right edge, of the height of the picture
_LEAST_FRAME = 1.0  # points


def draw(rows: Sequence[Row], path: Path) -> None:
    """Mean violation across, mean error less the baseline's up, with their errors; a PNG.

    Names stand at the right, one below the other, each with a line to its point. The commonest answer
    errs so much more than the others that it would press them together: if it lies above the frame, an
    arrow at its upper edge says so.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn(rows).savefig(path, dpi=120)


def drawn(rows: Sequence[Row]) -> Figure:
    """The picture of `draw`."""
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.subplots()
    top = _top(rows)
    inside = [row for row in rows if 100 * row.error.value <= top]
    for row in inside:
        axes.errorbar(
            row.violation.value,
            100 * row.error.value,
            xerr=row.violation.error,
            yerr=100 * row.error.error,
            fmt="^" if CONTENDERS[row.contender].sees_group else "o",
            ms=6,
            color=_color(row),
            elinewidth=0.8,
        )
    axes.axhline(0, color="grey", lw=0.8)
    axes.set_ylim(top=top)
    for row in set(rows) - set(inside):
        axes.plot(row.violation.value, top, "2", ms=12, color=_color(row), clip_on=False)
    axes.set(
        xlabel="violation on test (mean over tasks)",
        ylabel="error on test less the baseline's, points",
    )
    axes.set_title(
        "triangles see the group, circles do not; bars are standard errors over seeds", pad=14
    )
    _names(axes, rows, top)
    return figure


def _top(rows: Sequence[Row]) -> float:
    """Of the frame, in points: above all but the commonest answer, with room for its bars."""
    most = [100 * (r.error.value + r.error.error) for r in rows if r.contender != "commonest"]
    return 1.1 * max([_LEAST_FRAME, *most])


def _names(axes: Axes, rows: Sequence[Row], top: float) -> None:
    ordered = sorted(rows, key=lambda row: row.error.value)
    points = [(row.violation.value, min(100 * row.error.value, top)) for row in ordered]
    bottom, _ = axes.get_ylim()
    wanted = np.array([(height - bottom) / (top - bottom) for _, height in points])
    for row, point, height in zip(ordered, points, _apart(wanted, _STEP), strict=True):
        error = 100 * row.error.value
        axes.annotate(
            f"{named(row)} ({error:+.1f}, above)" if error > top else named(row),
            point,
            (1.02, height),
            textcoords="axes fraction",
            va="center",
            fontsize=8.5,
            color=_color(row),
            arrowprops={"arrowstyle": "-", "lw": 0.4, "color": "silver", "zorder": 0},
        )


def _apart(wanted: np.ndarray, step: float) -> np.ndarray:
    """(n,) heights from 0 to 1 in the order of those wanted, near them, a step or more apart."""
    steps = step * np.arange(len(wanted))
    # What may not fall: the least rising sequence above it and the greatest one below, and their middle.
    free = wanted - steps
    above = np.maximum.accumulate(free)
    below = np.minimum.accumulate(free[::-1])[::-1]
    return np.clip((above + below) / 2, 0, max(1 - steps[-1], 0)) + steps


def named(row: Row) -> str:
    """What the page calls the contender of a row."""
    return row.contender.replace(OURS, "FairGate")


def _color(row: Row) -> str:
    return "tab:red" if CONTENDERS[row.contender].method == CONTENDERS[OURS].method else "tab:blue"
