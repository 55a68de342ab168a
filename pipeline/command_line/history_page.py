"""All runs on one page that opens offline: their verdicts, and how near they came to their limits."""

from __future__ import annotations

import os
import pathlib
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any

import fairgate
from fairgate.errors import DataError
from fairgate.gate import words
from fairgate.report import charts, pages
from fairgate.report.charts import Chart, Series
from pipeline.command_line import documents
from pipeline.results.runs import Run

_PAGES = pages.environment("pipeline")
_MOST_CHARTS = 12


def render(runs: Sequence[Run], root: pathlib.Path, folder: pathlib.Path) -> str:
    """The page as HTML.

    Args:
      runs: the newest first.
      root: folder for runs, named on the page.
      folder: that the page will be in, from which it links to reports.
    """
    summaries = [documents.summary(run) for run in runs]
    rows = [
        summary
        | {"number": len(runs) - place, "report": _link(run, summary, folder), **_worst(summary)}
        for place, (run, summary) in enumerate(zip(runs, summaries, strict=True))
    ]
    counts = {state: 0 for state in ("pushed", "blocked")}
    for row in rows:
        counts[row["state"]] = counts.get(row["state"], 0) + 1
    return _PAGES.get_template("runs.html.j2").render(
        rows=rows,
        counts=counts,
        root=str(root),
        charts=_charts(list(zip(rows, runs, strict=True))),
        style=pages.style(),
        version=fairgate.__version__,
    )


def _link(run: Run, summary: Mapping[str, Any], folder: pathlib.Path) -> str | None:
    """From the page to the run's report, wherever both are moved together."""
    if not summary.get("report"):
        return None
    below = os.path.relpath(summary["report"], folder)
    return urllib.parse.quote(pathlib.PurePath(below).as_posix())


def _worst(summary: Mapping[str, Any]) -> dict[str, Any]:
    row = summary.get("worst")
    if row is None:
        return {"bound": None, "limit": "", "constraint": ""}
    sense = "≥" if ">=" in row["constraint"] else "≤"
    return {
        "bound": words.bound_of(row),
        "limit": f"{sense} {row['limit']:g}",
        "constraint": words.expression_of(row["constraint"]),
    }


def _charts(rows: Sequence[tuple[Mapping[str, Any], Run]]) -> list[Chart]:
    """Of each pipeline and constraint: value, bound and limit, run by run."""
    points: dict[tuple[str, str], list[tuple[int, Any]]] = {}
    for row, run in reversed(rows):
        for measured in _gate(run):
            key = run.pipeline, words.expression_of(measured.constraint)
            points.setdefault(key, []).append((row["number"], measured))
    drawn = []
    for (pipeline, expression), of in list(points.items())[-_MOST_CHARTS:]:
        series = [
            Series("limit", [(number, row.limit) for number, row in of], 6, dots=True),
            Series("bound", [(number, row.bound) for number, row in of], 1, dots=True),
            Series("measured value", [(number, row.value) for number, row in of], 2, dots=True),
        ]
        said = "; ".join(
            f"run {number}: value {words.number(row.value)}, bound {words.number(row.bound)}, limit "
            f"{row.limit:g}"
            for number, row in of
        )
        ends = of[0][0] - 0.5, of[-1][0] + 0.5
        drawn.append(
            charts.lines(
                f"{pipeline}: {words.plain(expression)}",
                series,
                "run",
                "rate",
                said,
                x_range=ends,
                counts=True,
            )
        )
    return [chart for chart in drawn if chart is not None]


def _gate(run: Run) -> Sequence[Any]:
    try:
        return [] if run.verdict is None or run.verdict.sealed else run.verdict.gate
    except DataError:
        return []
