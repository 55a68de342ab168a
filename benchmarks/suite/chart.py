"""All contenders over all tasks as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.suite.contenders import CONTENDERS, OURS
from benchmarks.suite.summary import Row


def draw(rows: Sequence[Row], path: Path) -> None:
    """Mean violation across, mean error less the baseline's up, with their intervals; a PNG."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for row in rows:
        contender = CONTENDERS[row.contender]
        axes.errorbar(
            row.violation.value,
            100 * row.error.value,
            xerr=row.violation.error,
            yerr=100 * row.error.error,
            fmt="^" if contender.sees_group else "o",
            ms=5,
            color="tab:red" if contender.method == OURS else "tab:blue",
            elinewidth=0.8,
        )
        place = (row.violation.value, 100 * row.error.value)
        axes.annotate(row.contender, place, (5, 4), textcoords="offset points", fontsize=8)
    axes.axhline(0, color="grey", lw=0.8)
    axes.set(
        xlabel="violation on test (mean over tasks)",
        ylabel="error on test less the baseline's, points",
        title="triangles see the group, circles do not; bars are standard errors over seeds",
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
