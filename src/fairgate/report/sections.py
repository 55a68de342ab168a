"""What a page shows of a judgement: tables as rows, drawings as charts.

All take the judgement as a document, as `Judgement.as_document` or verdict.json has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fairgate import bounds
from fairgate.gate import words
from fairgate.gate.judgement import BASELINE, EVERYBODY, GateRow
from fairgate.report import charts
from fairgate.report.against import Measured, against
from fairgate.report.charts import Chart, Row

Document = Mapping[str, Any]

STYLE_OF_BASELINE, STYLE_OF_JUDGED = 0, 1


@dataclass(frozen=True)
class _Rate:
    """A column of the table of groups: what it is called, and where its figures are in a result.

    Attributes:
      name: as the title of a chart.
      key: of the rate.
      of: key of the examples that it is an average over; "negatives", "positives", or "others".
      label: the class that it is of, where the label has several.
      is_drawn: whether it has a chart.
    """

    name: str
    key: str
    of: str
    label: str = ""
    is_drawn: bool = True


_BINARY = (
    _Rate("False positive rate", "fpr", "negatives"),
    _Rate("False negative rate", "fnr", "positives"),
    _Rate("Accuracy", "accuracy", "examples"),
)


def judged_in(document: Document) -> str:
    """Name of the model that was judged: the one that is not the baseline."""
    names: list[str] = list(document["models"])
    return next(name for name in names if name != BASELINE)


def models_in(document: Document) -> list[str]:
    """Names of the models, the baseline first."""
    return sorted(document["models"], key=lambda name: name != BASELINE)


def gate(document: Document) -> list[dict[str, Any]]:
    """A row for each constraint of the gate."""
    rows = []
    for row in document["gate"]:
        expression = words.expression_of(row["constraint"])
        upper = row["upper_bound"] is not None or "<=" in row["constraint"]
        rows.append(
            row
            | {
                "expression": expression,
                "words": words.plain(expression),
                "bound": words.bound_of(row),
                "side": "upper" if upper else "lower",
                "sense": "≤" if upper else "≥",
                "confidence": words.percent(row["confidence"]),
                "limit": f"{row['limit']:g}",
                "limit_number": row["limit"],
                "outcome": GateRow(**row).outcome,
            }
        )
    return rows


def pictures(document: Document) -> list[Chart]:
    """Of each constraint of the gate: value, bound and limit, the baseline beside them."""
    judged = judged_in(document)
    found = []
    for row in gate(document):
        measured = [Measured(judged, STYLE_OF_JUDGED, row["value"], row["bound"])]
        if row["baseline_value"] is not None or row["baseline_bound"] is not None:
            measured.insert(
                0,
                Measured(BASELINE, STYLE_OF_BASELINE, row["baseline_value"], row["baseline_bound"]),
            )
        upper = row["side"] == "upper"
        chart = against(row["words"], measured, row["limit_number"], upper, row["confidence"])
        if chart:
            found.append(chart)
    return found


def plainly(document: Document) -> dict[str, list[str]]:
    """The gate and the groups in sentences, without a term of the field."""
    said = []
    for row in gate(document):
        name = f"{row['words'][0].upper()}{row['words'][1:]}"
        if row["value"] is None or row["bound"] is None:
            said.append(f"{name} could not be told from these examples.")
            continue
        sense = "at most" if row["side"] == "upper" else "at least"
        kept = (
            "so the limit is kept" if row["passed"] else "so nobody can say that the limit is kept"
        )
        said.append(
            f"{name} was {words.number(row['value'])} on these examples. For everybody like them it is "
            f"{sense} {words.number(row['bound'])}, if the {row['confidence']} confidence holds. "
            f"{sense.capitalize()} {row['limit']} is allowed, {kept}."
        )
    return {"gate": said, "groups": list(_in_a_hundred(document))}


def _in_a_hundred(document: Document) -> Iterator[str]:
    if classes_in(document):
        return
    for name, models in group_rows(document):
        parts = []
        for model, result in models.items():
            negatives, positives = result["negatives"], result["examples"] - result["negatives"]
            wrong = [
                f"{100 * rate:.1f} in 100 of the {whole:,} for whom {right} is right get {given}"
                for rate, whole, right, given in (
                    (result["fpr"], negatives, "No", "a Yes"),
                    (result["fnr"], positives, "Yes", "a No"),
                )
                if rate is not None
            ]
            if wrong:
                parts.append(f"with the {model} model {', and '.join(wrong)}")
        if parts:
            yield f"{name[0].upper()}{name[1:]}: {'; '.join(parts)}."


def checks(document: Document) -> list[dict[str, Any]]:
    """What the gate asks besides its constraints, as text."""
    return [
        {
            "name": row["name"],
            "value": words.check_number(row["value"], row["bound"], row["limit"]),
            "bound": "" if row["bound"] is None else words.number(row["bound"]),
            "limit": f"{row['limit']:,g}",
            "outcome": row["outcome"],
            "passed": row["outcome"] == "passed",
        }
        for row in document.get("checks", [])
    ]


def group_rows(document: Document) -> Iterator[tuple[str, dict[str, dict[str, Any]]]]:
    """(name, model -> counts and rates): everybody, then each group."""
    models = {name: document["models"][name] for name in models_in(document)}
    yield EVERYBODY, models
    for name in group_names(document):
        yield name, {model: result["groups"][name] for model, result in models.items()}


def group_names(document: Document) -> list[str]:
    """The groups as tables call them."""
    return list(document["models"][judged_in(document)]["groups"])


def classes_in(document: Document) -> list[str]:
    """The classes of the label, where it has more than two."""
    return list(document["models"][judged_in(document)].get("classes") or {})


def rates(document: Document) -> list[str]:
    """What the cells of `groups` are called."""
    return [rate.name[0].lower() + rate.name[1:] for rate in _rates(document)]


def _rates(document: Document) -> Sequence[_Rate]:
    found = [_BINARY[-1]]
    for name in classes_in(document):
        found.append(_Rate(f"True positive rate for class {name}", "tpr", "examples", name))
        found.append(_Rate(f"False positive rate for class {name}", "fpr", "others", name, False))
    return found if len(found) > 1 else _BINARY


def groups(document: Document) -> list[dict[str, Any]]:
    """Rates with their intervals: a block for each group, a row for each model."""
    asked = _rates(document)
    return [
        {
            "name": name,
            "rows": [
                {
                    "model": model,
                    "examples": result["examples"],
                    "negatives": result["negatives"],
                    "cells": [_with_interval(result, rate) for rate in asked],
                }
                for model, result in models.items()
            ],
        }
        for name, models in group_rows(document)
    ]


def group_charts(document: Document) -> list[Chart]:
    """A dot-and-interval chart of each rate."""
    blocks = groups(document)
    style = {
        name: STYLE_OF_BASELINE if name == BASELINE else STYLE_OF_JUDGED
        for name in models_in(document)
    }
    found = []
    for place, rate in enumerate(_rates(document)):
        if not rate.is_drawn:
            continue
        cells = [
            (block["name"], [(row["model"], row["cells"][place]) for row in block["rows"]])
            for block in blocks
        ]
        rows = [
            Row(name, [(style[model], c["value"], c["low"], c["high"]) for model, c in of])
            for name, of in cells
        ]
        said = "; ".join(
            f"{name} " + ", ".join(f"{model} {words.number(c['value'])}" for model, c in of)
            for name, of in cells
        )
        chart = charts.dots(rate.name, rows, said)
        if chart:
            legend = [(number, name) for name, number in style.items()]
            found.append(Chart(chart.title, chart.svg, legend))
    return found


def _with_interval(result: dict[str, Any], rate: _Rate) -> dict[str, Any]:
    found = result["classes"][rate.label] if rate.label else result
    total = result["examples"]
    trials = {
        "examples": found["examples"],
        "others": total - found["examples"],
        "negatives": result["negatives"],
        "positives": total - result["negatives"],
    }[rate.of]
    value = found[rate.key]
    low, high = (0.0, 1.0) if value is None else interval(round(value * trials), trials)
    return {"value": value, "low": low, "high": high}


def interval(successes: int, trials: int) -> tuple[float, float]:
    """The two-sided 95% interval of Clopper and Pearson; (0, 1) of no trials.

    >>> low, high = interval(0, 10)
    >>> round(low, 4), round(high, 4)
    (0.0, 0.3085)
    """
    if not trials:
        return 0.0, 1.0
    return (
        bounds.clopper_pearson_lower(successes, trials, 0.025),
        bounds.clopper_pearson_upper(successes, trials, 0.025),
    )
