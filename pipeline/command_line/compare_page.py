"""Two runs side by side on one page that opens offline."""

from __future__ import annotations

from typing import Any

import fairgate
from fairgate.gate import words
from fairgate.gate.judgement import GateRow, ModelResult, document_of
from fairgate.report import charts, pages, sections
from fairgate.report.against import Measured, against
from fairgate.report.charts import Chart, Row
from pipeline.command_line import documents
from pipeline.command_line.comparing import NAMES, Comparison, equal, said

_PAGES = pages.environment("pipeline")
_RATES = (
    ("False positive rate", "fpr", "negatives"),
    ("False negative rate", "fnr", "positives"),
    ("Accuracy", "accuracy", "examples"),
)


def render(comparison: Comparison) -> str:
    """The page as HTML: how both ended, what differs, the gate and the groups."""
    runs = [
        {
            "letter": name,
            "run": run.name,
            "state": run.state,
            "sentence": "" if run.verdict is None else words.sentence(run.verdict.as_document()),
            "split": split,
            **documents.summary(run),
        }
        for name, run, split in zip(NAMES, comparison.runs, comparison.splits, strict=True)
    ]
    page = _PAGES.get_template("compare.html.j2").render(
        runs=runs,
        pictures=_pictures(comparison),
        gate=comparison.gate,
        settings=[
            (path, [said(value) for value in values])
            for path, values in comparison.settings.items()
        ],
        versions=[(name, values, equal(values)) for name, values in comparison.versions.items()],
        groups=_groups(comparison),
        charts=_charts(comparison),
        alike=len(set(comparison.splits)) == 1,
        style=pages.style(),
        version=fairgate.__version__,
    )
    return pages.with_glossary(page)


def _pictures(comparison: Comparison) -> list[Chart]:
    """Of each constraint: both runs' value and bound, against the limits of each."""
    found = []
    for expression, rows in comparison.gate.items():
        known: list[tuple[str, GateRow]] = [
            (name, row) for name, row in zip(NAMES, rows, strict=True) if row is not None
        ]
        last = known[-1][1]
        differ = len({row.limit for _, row in known}) > 1
        measured = [
            Measured(name, place + 1, row.value, row.bound, row.limit if differ else None)
            for place, (name, row) in enumerate(known)
        ]
        confidence = words.percent(last.confidence)
        chart = against(
            words.plain(expression), measured, last.limit, last.sense == "<=", confidence
        )
        if chart:
            found.append(chart)
    return found


def _groups(comparison: Comparison) -> list[tuple[str, list[dict[str, Any] | None]]]:
    """(group, both constrained models' outcomes), everybody first."""
    models = [None if model is None else document_of(model) for model in comparison.models]
    names = dict.fromkeys(name for model in models if model for name in model["groups"])
    return [("everybody", models)] + [
        (name, [None if model is None else model["groups"].get(name) for model in models])
        for name in names
    ]


def _charts(comparison: Comparison) -> list[Chart]:
    if any(isinstance(model, ModelResult) and model.classes for model in comparison.models):
        return []
    blocks = _groups(comparison)
    found = []
    for title, key, of in _RATES:
        rows = [
            Row(
                name,
                [(place + 1, *_interval(result, key, of)) for place, result in enumerate(pair)],
            )
            for name, pair in blocks
        ]
        told = "; ".join(
            f"{name} "
            + ", ".join(
                f"{run} {words.number(result and result[key])}"
                for run, result in zip(NAMES, pair, strict=True)
            )
            for name, pair in blocks
        )
        chart = charts.dots(title, rows, told)
        if chart:
            legend = [(place + 1, name) for place, name in enumerate(NAMES)]
            found.append(Chart(chart.title, chart.svg, legend))
    return found


def _interval(
    result: dict[str, Any] | None, key: str, of: str
) -> tuple[float | None, float, float]:
    if result is None or result[key] is None:
        return None, 0.0, 1.0
    whole = result["examples"]
    trials = {
        "examples": whole,
        "negatives": result["negatives"],
        "positives": whole - result["negatives"],
    }[of]
    return result[key], *sections.interval(round(result[key] * trials), round(trials))
