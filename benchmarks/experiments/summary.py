"""From trials to the three curves, as numbers: CSV and a table."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from benchmarks.experiments.records import Record
from fairgate.bounds import clopper_pearson_lower, clopper_pearson_upper
from fairgate.documents import write_text

CONFIDENCE = 0.95  # of the intervals, two-sided
_COLUMNS = ("method", "fraction", "trial", "examples", "returned", "violated", "accuracy", "value")
_COLUMNS += ("bound", "seconds", "reason", "error")


@dataclass(frozen=True)
class Point:
    """A method at one amount of data, over its trials.

    Attributes:
        method, fraction, examples: where on the curves.
        trials: that did not fail; failed: those that did, which count nowhere else.
        accuracy: mean over returned solutions, NaN without any; accuracy_error: its standard error.
        solution: share of trials with a solution; with its Clopper-Pearson interval.
        violation: share of trials with a solution that violates the constraint; with its interval.
    """

    method: str
    fraction: float
    examples: int
    trials: int
    failed: int
    accuracy: float
    accuracy_error: float
    solution: float
    solution_low: float
    solution_high: float
    violation: float
    violation_low: float
    violation_high: float


def summarize(records: Sequence[Record], methods: Sequence[str]) -> list[Point]:
    """A point for each method and fraction that has trials; methods in the order given."""
    found = []
    for method in methods:
        mine = [record for record in records if record["method"] == method]
        for fraction in sorted({record["fraction"] for record in mine}):
            found.append(_point([r for r in mine if r["fraction"] == fraction]))
    return found


def _point(records: Sequence[Record]) -> Point:
    done = [record for record in records if "error" not in record]
    accuracies = [record["accuracy"] for record in done if record["returned"]]
    violated = sum(record["violated"] for record in done)
    return Point(
        method=records[0]["method"],
        fraction=records[0]["fraction"],
        examples=records[0]["examples"],
        trials=len(done),
        failed=len(records) - len(done),
        **_mean(accuracies),
        **_share("solution", len(accuracies), len(done)),
        **_share("violation", violated, len(done)),
    )


def _mean(values: Sequence[float]) -> dict[str, float]:
    n = len(values)
    mean = math.fsum(values) / n if n else math.nan
    variance = math.fsum((v - mean) ** 2 for v in values) / (n - 1) if n > 1 else math.nan
    return {"accuracy": mean, "accuracy_error": math.sqrt(variance / n) if n else math.nan}


def _share(name: str, successes: int, trials: int) -> dict[str, float]:
    tail = (1 - CONFIDENCE) / 2
    return {
        name: successes / trials if trials else math.nan,
        f"{name}_low": clopper_pearson_lower(successes, trials, tail),
        f"{name}_high": clopper_pearson_upper(successes, trials, tail),
    }


def write_csv(records: Sequence[Record], points: Sequence[Point], folder: Path) -> None:
    """trials.csv, a row for each trial of a method; summary.csv, a row for each point."""
    _write(folder / "trials.csv", _COLUMNS, [{k: r.get(k) for k in _COLUMNS} for r in records])
    names = tuple(field.name for field in fields(Point))
    _write(folder / "summary.csv", names, [asdict(point) for point in points])


def _write(file: Path, columns: Sequence[str], rows: Sequence[Record]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(rows)
    write_text(file, text.getvalue())


def table(points: Sequence[Point]) -> list[str]:
    """Lines of Markdown: accuracy, probability of a solution, probability of violation."""
    sizes = sorted({point.examples for point in points})
    lines = [
        "| examples | " + " | ".join(f"{size:,}" for size in sizes) + " |",
        "|---" + "|---:" * len(sizes) + "|",
    ]
    for method in dict.fromkeys(point.method for point in points):
        at = {point.examples: point for point in points if point.method == method}
        for name, cell in (
            ("accuracy", lambda p: "" if math.isnan(p.accuracy) else f"{p.accuracy:.3f}"),
            ("P(solution)", lambda p: f"{p.solution:.2f}"),
            ("P(violation)", lambda p: f"{p.violation:.2f}"),
        ):
            cells = [cell(at[size]) if size in at else "" for size in sizes]
            lines.append(f"| {method}, {name} | {' | '.join(cells)} |")
    return lines
