"""The simulation as one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure


def draw(rows: Sequence[Mapping[str, object]], delta: float, path: Path) -> None:
    """False passes (left) and passes (right): plain bound across, the gate's bound up; a PNG."""
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    panels = figure.subplots(1, 2)
    titles = "truth at or over the limit", "truth within the limit"
    for axes, violated, title in zip(panels, (True, False), titles, strict=True):
        for kind, mark in (("gap", "o"), ("ratio", "^")):
            shown = [r for r in rows if r["violated"] == violated and r["constraint"] == kind]
            axes.plot(
                [r["plain"] for r in shown], [r["tight"] for r in shown], mark, ms=4, label=kind
            )
        end = 1.2 * delta if violated else 1
        axes.plot([0, end], [0, end], color="grey", lw=0.8)
        axes.set(xlabel="passes, plain bound", ylabel="passes, the gate's bound", title=title)
        axes.legend(loc="lower right")
    panels[0].axhline(delta, color="black", lw=0.8, ls="--")
    figure.savefig(path, dpi=150)
