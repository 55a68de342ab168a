"""What --json prints of runs; docs/command_line.md tells the fields."""

from __future__ import annotations

import json
import pathlib
from dataclasses import asdict
from typing import Any

from fairgate.errors import DataError
from fairgate.gate.judgement import CONSTRAINED, GateRow
from pipeline.results.runs import FRONTIER_FILE, TRIALS_FILE, Run
from pipeline.results.verdict import Verdict


def summary(run: Run) -> dict[str, Any]:
    """A run in few fields; `state` is "unreadable" where its files are damaged."""
    fields: dict[str, Any] = {
        "name": run.name,
        "folder": str(run.folder),
        "started": None if run.started is None else run.started.isoformat(timespec="seconds"),
    }
    try:
        fields |= {"state": run.state, "error": run.failure}
        verdict = run.verdict
    except DataError as error:
        return fields | {"state": "unreadable", "error": str(error)}
    if verdict is None:
        return fields
    worst = worst_row(verdict)
    return fields | {
        "sealed": verdict.sealed,
        "accuracy": verdict.models[CONSTRAINED].accuracy,
        "constraints": len(verdict.gate),
        "worst": None if worst is None else asdict(worst),
        "pushed_model": verdict.pushed_model,
        "model_is_there": verdict.model_is_there,
        "report": None if run.report is None else str(run.report),
    }


def whole(folder: pathlib.Path) -> dict[str, Any]:
    """A run's summary, with its verdict, its frontier or its trials where it has them."""
    run = Run(folder)
    document: dict[str, Any] = {"run": summary(run)}
    if document["run"]["state"] != "unreadable" and run.verdict is not None:
        document["verdict"] = run.verdict.as_document()
    for name, file in (("frontier", FRONTIER_FILE), ("trials", TRIALS_FILE)):
        if (folder / file).exists():
            document[name] = json.loads((folder / file).read_text())
    return document


def worst_row(verdict: Verdict) -> GateRow | None:
    """The constraint that is nearest to its limit, or farthest beyond it."""
    unknown = [row for row in verdict.gate if row.margin is None]
    known = [row for row in verdict.gate if row.margin is not None]
    if unknown or not known:
        return unknown[0] if unknown else None
    # As a share of the limit: 0.01 of 0.05 is nearer than 0.01 of 0.8.
    return min(known, key=lambda row: (row.margin or 0.0) / (abs(row.limit) or 1.0))
