"""The three curves against the amount of data, side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from benchmarks.experiments.summary import Point

LABELS = {
    "ours": "FairGate",
    "ours-untested": "FairGate without the safety test",
    "head-only": "FairGate, last layer only",
    "unconstrained": "no constraint",
    "fairlearn": "fairlearn",
}
# Okabe and Ito's colours, told apart by the colour-blind; markers and lines tell them apart in grey.
_STYLES = {
    "ours": {"color": "#0072B2", "marker": "o", "linestyle": "-", "linewidth": 2.2, "zorder": 5},
    "ours-untested": {"color": "#56B4E9", "marker": "v", "linestyle": "--"},
    "head-only": {"color": "#009E73", "marker": "s", "linestyle": "-"},
    "unconstrained": {"color": "#D55E00", "marker": "^", "linestyle": "-."},
    "fairlearn": {"color": "#CC79A7", "marker": "D", "linestyle": ":"},
}
# The others return what they have trained: that is no estimate, and has no interval.
_TESTED = ("ours", "head-only")
_FONT = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}


def draw(points: Sequence[Point], title: str, delta: float, file: Path) -> None:
    """Writes a PNG; bars are 95% intervals, of the mean plus and minus a standard error."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with pyplot.rc_context(_FONT):
        figure, axes = pyplot.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
        for method in LABELS:
            mine = [point for point in points if point.method == method]
            if mine:
                _add(axes, mine, method)
        for axis, name in zip(
            axes,
            ("accuracy of solutions", "probability of a solution", "probability of violation"),
            strict=True,
        ):
            axis.set_xscale("log")
            sizes = sorted({point.examples for point in points})
            axis.set_xticks(sizes, [f"{size:,}" for size in sizes])
            axis.set_xticks([], minor=True)
            axis.set_xlabel("examples")
            axis.set_title(name, fontsize=10)
            axis.grid(color="#e4e7eb", linewidth=0.7)
        axes[1].set_ylim(-0.03, 1.03)
        axes[2].axhline(delta, color="#333333", linewidth=1, linestyle=(0, (1, 1.5)))
        axes[2].annotate(
            f"δ = {delta:g}",
            (1, delta),
            xycoords=("axes fraction", "data"),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
        )
        highest = max((point.violation_high for point in points), default=1.0)
        axes[2].set_ylim(-0.02, min(1.03, max(0.25, highest + 0.03)))
        figure.suptitle(title, fontsize=10)
        handles, labels = axes[1].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside lower center", ncols=max(len(labels), 1), frameon=False
        )
        figure.savefig(file, dpi=130)
        pyplot.close(figure)


def _add(axes, points: Sequence[Point], method: str) -> None:
    """One method's three curves."""
    style = _STYLES[method]
    # Methods that agree would hide each other: each stands a little aside.
    place = list(LABELS).index(method) - (len(LABELS) - 1) / 2
    x = [point.examples * 1.045**place for point in points]
    curves = (
        [
            (
                p.accuracy,
                p.accuracy - _finite(p.accuracy_error),
                p.accuracy + _finite(p.accuracy_error),
            )
            for p in points
        ],
        [(p.solution, p.solution_low, p.solution_high) for p in points],
        [(p.violation, p.violation_low, p.violation_high) for p in points],
    )
    for axis, curve in zip(axes, curves, strict=True):
        values, low, high = zip(*curve, strict=True)
        if axis is not axes[1] or method in _TESTED:
            axis.vlines(x, low, high, color=style["color"], alpha=0.6, linewidth=1.1)
        axis.plot(x, values, label=LABELS[method], markersize=4.5, **style)


def _finite(value: float) -> float:
    return value if math.isfinite(value) else 0.0
