"""How the groups and labels of a test split differ from the last pushed model's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scipy import stats

from fairgate.gate.judgement import CONSTRAINED, EVERYBODY

_LOUD = 0.01
"""A p-value below this, over the number of tests, is spoken of as a change."""


def drift(
    then: Mapping[str, Any], now: Mapping[str, Any], same_records: bool
) -> dict[str, Any] | None:
    """What a report shows; None where nothing can be compared.

    Args:
      then: the verdict on the last pushed model.
      now: the verdict on this one, with the figures of its test split.
      same_records: whether both were judged on the same records.
    """
    found = nothing_of(then.get("run_id", ""))
    if same_records:
        return found | {"words": "The last pushed model was judged on the same records: no drift."}
    before, after = then["models"][CONSTRAINED], now["models"][CONSTRAINED]
    common = [name for name in after["groups"] if name in before["groups"]]
    if not common or after.get("classes") or before.get("classes"):
        return None
    rows = [{"group": EVERYBODY, "cells": [None] * 3 + _positives(before, after)}]
    for name in common:
        one, other = before["groups"][name], after["groups"][name]
        share = _compared(one["examples"], before["examples"], other["examples"], after["examples"])
        rows.append({"group": name, "cells": share + _positives(one, other)})
    p_values = [cell for row in rows for cell in row["cells"][2::3] if cell is not None]
    loud = sum(p * len(p_values) < _LOUD for p in p_values)
    words = (
        f"{loud} of {len(p_values)} shares differ by more than chance (p-value below {_LOUD:g} over "
        "the number of tests): there is drift, and what was promised of the last model was promised for "
        "data as they were then."
        if loud
        else "No share of a group, and none of its positives, differs by more than chance: no drift is "
        "seen."
    )
    return found | {"rows": rows, "words": words}


def nothing_of(run: str) -> dict[str, Any]:
    """What a report shows of shares where none was compared with those of `run`."""
    return {"run": run, "rows": [], "words": "", "inputs": None}


def _positives(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[float | None]:
    positives = [of["examples"] - of["negatives"] for of in (one, other)]
    return _compared(positives[0], one["examples"], positives[1], other["examples"])


def _compared(a: float, all_a: float, b: float, all_b: float) -> list[float | None]:
    """Share then, share now, and the p-value that both are of one source."""
    if not all_a or not all_b:
        return [None, None, None]
    table = [[round(a), round(all_a - a)], [round(b), round(all_b - b)]]
    return [a / all_a, b / all_b, float(stats.fisher_exact(table).pvalue)]
