"""Folders as runs leave them, made in no time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline import settings
from pipeline.results.verdict import Verdict

GAP = "max_gap(FPR, [Young]) <= 0.05"

PASSED, BLOCKED = "celeba/20261121-170000-000", "celeba/20261122-170000-000"


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


def check(name: str, value: float, bound: float | None, limit: float, reason: str = "") -> dict:
    """What else was asked, as verdict.json has it; with a reason it is undecided."""
    outcome = "undecided" if reason else "passed"
    return {
        "name": name,
        "value": value,
        "bound": bound,
        "limit": limit,
        "outcome": outcome,
        "reason": reason,
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
        "opposite_bound": None,
        "baseline_value": 0.0775,
        "baseline_bound": 0.0963,
        "independent_bound": None,
    }
    return (
        verdict(
            blessed=False,
            pushed=False,
            pushed_model=None,
            not_served="",
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
                "sealed": False,
            },
            run_id="20261122-170000-000",
            pipeline="celeba",
            data="data/celeba-synthetic-80000-0 (synthetic)",
            outcome="undecided",
            checks=[
                check("negatives of [Young]", 3218, None, 100),
                check("negatives of [Not Young]", 920, None, 100),
                check("accuracy", 0.8659, 0.8595, 0.8),
            ],
            advice=[
                "It would pass with about 1,200 more negatives of [Not Young] in the test split."
            ],
            features={"Young": ["Young", "Not Young"]},
            cost=[],
            sampling={"units": None, "most": None, "weighted": False, "method": "betting"},
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
                "judgement": None,
            },
        )
        | changes
    )


def sealed() -> dict[str, Any]:
    """A blocked verdict while attempts are left: figures are of the validation split."""
    found = blocked()
    attempt = found["attempt"] | {"number": 1, "of": 3, "sealed": True}
    made = asdict(Verdict.of(found | {"attempt": attempt}))
    models = {
        "constrained": model(Young=(1618, 1421, 76, 267), Not_Young=(460, 463, 29, 139)),
        "baseline": model(Young=(1618, 1421, 51, 280), Not_Young=(460, 463, 53, 116)),
    }
    row = found["gate"][0] | {"value": 0.0161, "upper_bound": 0.0411}
    row |= {"baseline_value": 0.0837, "baseline_bound": 0.1163}
    judged = {"models": models, "gate": [row], "advice": ["Take more."], "attempt": None}
    judged = made | judged | {"reasons": ["too wide"]}
    return made | {"validation": made["validation"] | {"judgement": judged}}


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


def words_of(text: str) -> str:
    """Without line breaks, also those that a shell takes for none."""
    return " ".join(text.replace("\\\n", " ").split())
