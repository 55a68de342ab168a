"""Folders as runs leave them, made in no time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline import settings

GAP = "max_gap(FPR, [Young]) <= 0.05"


def group(negatives: int, positives: int, fp: int, fn: int) -> dict[str, Any]:
    """A group's outcomes, as verdict.json has them."""
    examples = negatives + positives
    return {
        "examples": examples,
        "negatives": negatives,
        "accuracy": (examples - fp - fn) / examples,
        "fpr": fp / negatives,
        "fnr": fn / positives,
    }


def model(**groups: tuple[int, int, int, int]) -> dict[str, Any]:
    """A model's outcomes of (negatives, positives, false positives, false negatives) of each group."""
    everybody = group(*(sum(numbers) for numbers in zip(*groups.values(), strict=True)))
    return everybody | {
        "groups": {name.replace("_", " "): group(*of) for name, of in groups.items()}
    }


def verdict(**changes: Any) -> dict[str, Any]:
    """A verdict of the first version: the gate passed."""
    return {
        "blessed": True,
        "pushed": True,
        "pushed_model": "serving/smiling/1700000000",
        "gate": [
            {
                "constraint": GAP,
                "value": 0.0133,
                "upper_bound": 0.0284,
                "confidence": 0.95,
                "limit": 0.05,
                "passed": True,
            }
        ],
        "models": {
            "constrained": model(Young=(3218, 2821, 146, 567), Not_Young=(920, 923, 54, 289)),
            "baseline": model(Young=(3218, 2821, 111, 580), Not_Young=(920, 923, 103, 236)),
        },
        "reasons": [],
    } | changes


def blocked(**changes: Any) -> dict[str, Any]:
    """A verdict of today: the gate blocked, because the test split is too small."""
    row = {
        "constraint": "max_gap(FPR, [Young]) <= 0.02",
        "value": 0.0133,
        "upper_bound": 0.0284,
        "lower_bound": None,
        "confidence": 0.95,
        "limit": 0.02,
        "passed": False,
        "baseline_value": 0.0775,
        "baseline_bound": 0.0963,
    }
    return (
        verdict(
            blessed=False,
            pushed=False,
            pushed_model=None,
            gate=[row],
            reasons=[
                "max_gap(FPR, [Young]) <= 0.02: value 0.0133, upper bound 0.0284 is over the limit"
            ],
            warnings=[],
            attempt={
                "number": 1,
                "of": 1,
                "confidence": 0.95,
                "delta_total": 0.05,
                "test_digest": "a" * 32,
            },
            run_id="20261122-170000-000",
            pipeline="celeba",
            data="data/celeba-synthetic-80000-0 (synthetic)",
            outcome="no solution found",
            advice=[
                "It would pass with about 1,200 more negatives of [Not Young] in the test split."
            ],
            features={"Young": ["Young", "Not Young"]},
            validation={
                "told": ["Chosen: the snapshot of step 2,500."],
                "yardsticks": [
                    {
                        "name": "the chosen model",
                        "error_rate": 0.1341,
                        "worst": -0.0012,
                        "sees_groups": False,
                        "beyond_least": 0.0,
                    }
                ],
            },
        )
        | changes
    )


def write(
    root: Path,
    name: str,
    verdict: Mapping[str, Any] | None = None,
    assignments: tuple[str, ...] = (),
    **files: Any,
) -> Path:
    """A run's folder: `name` is `<pipeline>/<run id>`; `files` are more of its files, as JSON."""
    folder = root / name
    folder.mkdir(parents=True)
    tree = settings.load([], [f"name={folder.parent.name}", *assignments])
    (folder / "settings.yaml").write_text(settings.dump(tree))
    (folder / "run.log").touch()
    contents = files if verdict is None else {"verdict": verdict, **files}
    for file, content in contents.items():
        (folder / f"{file}.json").write_text(json.dumps(content))
    return folder
