"""What each section of a report shows, from `ReportData`: tables as rows, drawings as charts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from components.report.data import GroupCurve, ReportData
from fairgate.gate import words
from fairgate.gate.judgement import BASELINE, CONSTRAINED, EVERYBODY, MODELS
from fairgate.report import charts
from fairgate.report.charts import Chart, Series
from fairgate.report.sections import STYLE_OF_BASELINE, STYLE_OF_JUDGED

_STYLE = {BASELINE: STYLE_OF_BASELINE, CONSTRAINED: STYLE_OF_JUDGED}
_GROUP_STYLE = 2  # the first of those for groups and constraints
_AT_HALF = re.compile(r"fairness_indicators_metrics/(\w+)@0\.50?")  # the threshold that is served
_MOST_GROUPS = 6  # lines that one chart can hold and a reader tell apart


def indicators(data: ReportData) -> dict[str, Any] | None:
    """The properties of the Fairness Indicators element."""
    models = [model for model in MODELS if data.indicators.get(model)]
    if not models or words.is_sealed(data.verdict):
        return None
    shown = {
        "slicingMetrics": data.indicators[models[0]],
        "evalName": models[0],
        "opened": words.indicator(data.verdict["gate"][0]["constraint"]),
    }
    if len(models) > 1:
        shown |= {"slicingMetricsCompare": data.indicators[models[1]], "evalNameCompare": models[1]}
    return shown | ({} if len(models) > 1 else {"evalNameCompare": ""})


def indicator_rates(data: ReportData) -> list[dict[str, Any]]:
    """The element's rates at threshold 0.5, the gate's metric first, for windows too narrow for it.

    Returns:
      Of each metric its `name` and `rows`: `slice` and `cells`, model and number.
    """
    shown = indicators(data)
    if shown is None:
        return []
    opened = shown["opened"]
    by_metric: dict[str, dict[str, list[tuple[str, float]]]] = {}
    for model in (model for model in MODELS if data.indicators.get(model)):
        for entry in data.indicators[model]:
            for name, kinds in entry["metrics"].items():
                found = _AT_HALF.fullmatch(name)
                number = kinds.get("doubleValue")
                if found and isinstance(number, int | float):
                    rows = by_metric.setdefault(found[1], {})
                    rows.setdefault(entry["sliceValue"], []).append((model, number))
    return [
        {
            "name": metric.replace("_", " "),
            "rows": [{"slice": name, "cells": cells} for name, cells in by_metric[metric].items()],
        }
        for metric in sorted(by_metric, key=lambda name: (name != opened, name))
    ]


def training(data: ReportData) -> dict[str, Any] | None:
    """Curves of both trainings; the chosen snapshot is a dashed line or a ring."""
    histories = {m: data.histories[m] for m in MODELS if data.histories.get(m)}
    if not histories:
        return None
    chosen = {model: _chosen(history) for model, history in histories.items()}
    objective = [
        Series(
            m,
            [(p["step"], p["objective"]) for p in _thin(h.get("moments") or _taken(h))],
            _STYLE[m],
        )
        for m, h in histories.items()
    ]
    errors = [
        Series(m, [(s["step"], s["error_rate"]) for s in _taken(h)], _STYLE[m])
        for m, h in histories.items()
    ]
    drawn = [
        charts.lines(
            "Objective, on training minibatches",
            objective,
            "step",
            "loss",
            _from_to(objective),
            vertical=[(s["step"], _STYLE[m]) for m in histories for s in chosen[m]],
        ),
        charts.lines(
            "Error rate, on the validation split",
            errors,
            "step",
            "error rate",
            _from_to(errors),
            marks=[
                (s["step"], s["error_rate"], _STYLE[m], f"{m}: chosen, step {s['step']}")
                for m in histories
                for s in chosen[m]
                if s["error_rate"] is not None
            ],
        ),
    ]
    if (history := histories.get(CONSTRAINED)) and _taken(history):
        drawn += _constraint_charts(history, chosen[CONSTRAINED])
    told = [
        f"The {model} model. {' '.join(history.get('told') or _steps(chosen[model]))}"
        for model, history in histories.items()
    ]
    stopped = [
        f"The training of the {model} model stopped early: {history['stopped']}."
        for model, history in histories.items()
        if history.get("stopped")
    ]
    return {
        "words": ["Snapshots were rated on the validation split.", *told],
        "yardsticks": yardsticks(data),
        "charts": drawn,
        "stopped": " ".join(stopped),
    }


def _steps(picks: Sequence[dict[str, Any]]) -> list[str]:
    """Of a history that does not tell it in words."""
    at = " and ".join(f"{pick['step']:,}" for pick in picks)
    return [f"Chosen: the snapshot of step {at}."]


def yardsticks(data: ReportData) -> list[dict[str, Any]]:
    """What the constraints cost beyond the least, on the validation split; empty if not known."""
    validation = data.verdict.get("validation") or {}
    return list(validation.get("yardsticks") or [])


def _constraint_charts(history: dict[str, Any], chosen: Sequence[dict[str, Any]]) -> list:
    snapshots = _taken(history)
    names = [words.short(piece) for piece in history.get("pieces") or history["constraints"]]
    vertical = [(snapshot["step"], 1) for snapshot in chosen]
    by_bound = history.get("rated_by", "value") != "value"
    drawn = []
    for key, title, level in (
        (
            "violations",
            "Upper bound of each violation" if by_bound else "Violation of each constraint",
            0.0,
        ),
        ("multipliers", "Multiplier of each constraint", None),
    ):
        count = len(snapshots[0][key])
        # Before weights were given relative to the objective's, its own came first.
        shown = ["objective", *names] if count == len(names) + 1 else names
        series = [
            Series(
                shown[index] if index < len(shown) else f"number {index + 1}",
                [(snapshot["step"], snapshot[key][index]) for snapshot in snapshots],
                _GROUP_STYLE + index,
            )
            for index in range(count)
        ]
        where = ", on the validation split" if key == "violations" else ""
        drawn.append(
            charts.lines(
                title + where,
                series,
                "step",
                "violation (kept below 0)" if key == "violations" else "weight",
                _from_to(series),
                vertical=vertical,
                level=level,
            )
        )
    return drawn


def _taken(history: dict[str, Any]) -> list[dict[str, Any]]:
    """The snapshots as they were taken, in the order of their steps."""
    return [s for s in history["snapshots"] if s["step"] and not s.get("shift")]


def _chosen(history: dict[str, Any]) -> list[dict[str, Any]]:
    probabilities = history.get("probabilities") or []
    picks = [index for index, p in enumerate(probabilities) if p > 0] or [history["best"]]
    return [history["snapshots"][index] for index in picks]


def _thin(moments: Sequence[Any], most: int = 150) -> list[Any]:
    """Evenly fewer, the last kept."""
    every = max(1, -(-len(moments) // most))
    return [*moments[:-1:every], *moments[-1:]]


def _from_to(series: Sequence[Series]) -> str:
    said = []
    for each in series:
        known = [(x, y) for x, y in each.points if y is not None]
        if known:
            said.append(f"{each.name} from {known[0][1]:.4f} to {known[-1][1]:.4f}")
    return "; ".join(said) or "nothing measured"


def frontier(data: ReportData) -> dict[str, Any] | None:
    """Accuracy against each constraint's value, limit by limit."""
    if not data.frontier or not data.frontier.get("points"):
        return None
    points = data.frontier["points"]
    drawn = []
    for index, name in enumerate(measured["expression"] for measured in points[0]["measured"]):
        free = [p for p in points if p["limit"] is None]
        swept = [p for p in points if p["limit"] is not None]
        series = [
            Series(
                title,
                [(p["measured"][index]["value"], p["accuracy"]) for p in some],
                style,
                dots=True,
                line=style == 1,
                labels=["" if p["limit"] is None else f"{p['limit']:g}" for p in some],
                reaches=[p["measured"][index].get("bound") for p in some],
            )
            for title, style, some in (("unconstrained", 0, free), ("by limit", 1, swept))
            if some
        ]
        said = "; ".join(
            f"limit {'none' if p['limit'] is None else format(p['limit'], 'g')}: value "
            f"{words.number(p['measured'][index]['value'])}, accuracy {words.number(p['accuracy'])}"
            for p in points
        )
        drawn.append(
            charts.lines(f"Accuracy against {words.plain(name)}", series, name, "accuracy", said)
        )
    examples = data.frontier.get("examples")
    where = f"the {examples:,} examples of the validation split" if examples else "validation data"
    bounded = any(m.get("bound") is not None for p in points for m in p["measured"])
    bars = "; bars reach to the confidence bound" if bounded else ""
    return {
        "charts": drawn,
        "words": f"One training per limit, each point measured on {where}{bars}"
        + (f" (run {data.frontier['run_id']})." if data.frontier.get("run_id") else "."),
    }


def curves(data: ReportData) -> dict[str, Any] | None:
    """ROC and calibration of each model, a line for each group."""
    if data.scores is None or not data.scores.curves:
        return None
    names = list(dict.fromkeys(curve.group for curve in data.scores.curves))
    models = list(dict.fromkeys(curve.model for curve in data.scores.curves))
    shown = [name for name in names if name != EVERYBODY][:_MOST_GROUPS]
    drawn = []
    for model in models:
        of = [c for c in data.scores.curves if c.model == model and c.group in shown]
        style = {name: _GROUP_STYLE + index for index, name in enumerate(shown)}
        drawn += [_roc(model, of, style), _calibration(model, of, style)]
    area = {(curve.model, curve.group): curve.area for curve in data.scores.curves}
    left = len(names) - 1 - len(shown)
    return {
        "charts": drawn,
        "models": models,
        "areas": [(name, [area.get((model, name)) for model in models]) for name in names],
        "left_out": f"{left} further groups are in the table alone." if left > 0 else "",
    }


def _roc(model: str, of: Sequence[GroupCurve], style: dict[str, int]) -> Chart | None:
    return charts.lines(
        f"ROC, {model}",
        [Series(c.group, c.roc, style[c.group]) for c in of],
        "false positive rate",
        "true positive rate",
        "; ".join(f"area of {c.group} {words.number(c.area, 3)}" for c in of),
        x_range=(0, 1),
        y_range=(0, 1),
        marks=[(*c.decision, style[c.group], f"{c.group} at 0.5") for c in of if c.decision],
        diagonal=True,
    )


def _calibration(model: str, of: Sequence[GroupCurve], style: dict[str, int]) -> Chart | None:
    series = [
        Series(
            c.group,
            [(b.score, b.rate) for b in c.calibration],
            style[c.group],
            intervals=[(b.low, b.high) for b in c.calibration],
            dots=True,
        )
        for c in of
    ]
    return charts.lines(
        f"Calibration, {model}",
        series,
        "mean score",
        "share of positives",
        "; ".join(
            f"{c.group}: {b.rate:.2f} positive at score {b.score:.2f}"
            for c in of
            for b in c.calibration[:: max(1, len(c.calibration) - 1)]
        ),
        x_range=(0, 1),
        y_range=(0, 1),
        diagonal=True,
    )


def sizes(data: ReportData) -> dict[str, Any]:
    """Groups and labels of each split."""
    splits = list(dict.fromkeys(size.split for size in data.sizes))
    drawn = []
    for split in splits:
        of = [each for each in data.sizes if each.split == split and not each.classes]
        rows = [(each.group, each.negatives, each.positives) for each in of]
        said = "; ".join(f"{name}: {no:,} negative, {yes:,} positive" for name, no, yes in rows)
        drawn.append(charts.bars(f"{split.capitalize()} split", rows, said))
    classes = list(dict.fromkeys(name for size in data.sizes for name in size.classes))
    return {"charts": [chart for chart in drawn if chart], "sizes": data.sizes, "classes": classes}


def mistakes(data: ReportData) -> list[dict[str, Any]]:
    """Mistakes by group and kind: pictures, or rows of a table."""
    if data.scores is None:
        return []
    keys = dict.fromkeys((m.group, m.kind) for m in data.scores.mistakes)
    found = []
    for name, kind in keys:
        of = [m for m in data.scores.mistakes if (m.group, m.kind) == (name, kind)]
        rows = [m for m in of if m.values]
        found.append(
            {
                "name": name,
                "kind": kind,
                "pictures": [m for m in of if m.picture],
                "rows": rows,
                "columns": list(dict.fromkeys(column for m in rows for column in m.values)),
            }
        )
    return [each for each in found if each["pictures"] or each["rows"]]


def thresholds(data: ReportData) -> dict[str, Any] | None:
    """Both models at equal overall rates, and thresholds of each group's own."""
    if data.scores is None or not (data.scores.comparison or data.scores.thresholds):
        return None
    rows = data.scores.comparison
    gaps = list(rows[0].gaps) if rows else []
    said = ""
    if len(rows) == 3 and len(gaps) == 1:
        served, moved, constrained = (row.gaps[gaps[0]] for row in rows)
        if None not in (served, moved, constrained):
            said = (
                f"At the constrained model's overall rate the baseline's gap is {moved:.4f}; "
                f"the constrained model's is {constrained:.4f}."
            )
    return {
        "comparison": rows,
        "groups": list(rows[0].groups) if rows else [],
        "features": gaps,
        "words": said,
        "own": data.scores.thresholds,
    }
