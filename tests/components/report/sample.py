"""A report's data without any run: two groups, both models, everything there."""

from __future__ import annotations

import base64
import io
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import yaml
from PIL import Image

from components.report import curves, validating
from components.report.curves import Scored
from components.report.data import GroupSize, Mistake, ReportData, Scores
from fairgate.gate.attempts import Attempt
from fairgate.gate.config import GateConfig
from pipeline.results.verdict import Verdict

SETTINGS = {
    "gate": {"minimum_accuracy": 0.8, "minimum_negatives": 100},
    "trainer": {"network": "mlp", "steps": 200, "constraints": ["max_gap(FPR, [Age]) <= 0.01"]},
    "data": {"features": {"image": {"height": 28, "width": 28}}},
}
CARD = "## Intended use\n\nTests alone.\n\n## Caveats of drawings\n\nNobody is in them."


def verdict(names: tuple[str, str] = ("Young", "Old"), blessed: bool = True) -> dict[str, Any]:
    def group(n: int, negatives: int, fpr: float) -> dict[str, Any]:
        return {"examples": n, "negatives": negatives, "accuracy": 0.875, "fpr": fpr, "fnr": 0.2}

    def model(rates: tuple[float, float]) -> dict[str, Any]:
        groups = {name: group(800, 400, rate) for name, rate in zip(names, rates, strict=True)}
        return group(1600, 800, sum(rates) / 2) | {"groups": groups}

    return {
        "blessed": blessed,
        "pushed": blessed,
        "pushed_model": "serving/smiling/17" if blessed else None,
        "gate": [
            {
                "constraint": f"max_gap(FPR, [Age]) <= {0.05 if blessed else 0.02}",
                "value": 0.0125,
                "upper_bound": 0.0423,
                "lower_bound": None,
                "confidence": 0.95,
                "limit": 0.05 if blessed else 0.02,
                "passed": blessed,
                "baseline_value": 0.0875,
                "baseline_bound": 0.1219,
            }
        ],
        "models": {"constrained": model((0.05, 0.0625)), "baseline": model((0.04, 0.1275))},
        "reasons": [] if blessed else ["the bound is over the limit"],
        "advice": [] if blessed else ["Get more examples of [Old]."],
        "validation": {
            "told": ["Chosen: the snapshot of step 200."],
            "yardsticks": [
                yardstick("the commonest answer", 0.4975, -0.01, 0.2125),
                yardstick("the baseline", 0.2475, 0.0775, -0.0375),
                yardstick("the baseline, a threshold for each group", 0.285, 0.0, 0.0, True),
                yardstick("the chosen model", 0.2925, -0.0025, 0.0075),
            ],
        },
        "run_id": "20261122-101010-101",
        "pipeline": "drawn",
        "data": "data/drawn",
    }


def yardstick(name: str, error: float, worst: float, beyond: float, sees: bool = False) -> dict:
    row = {"name": name, "error_rate": error, "worst": worst, "beyond_least": beyond}
    return row | {"sees_groups": sees}


def without_solution() -> ReportData:
    """Of a run whose gate asked nothing: what is known of the training and validation splits."""
    nobody = {"examples": 0, "negatives": 0, "accuracy": None, "fpr": None, "fnr": None}
    groups = {"Young": dict(nobody), "Old": dict(nobody)}
    said = verdict(blessed=False) | {
        "gate": [],
        "models": {"constrained": nobody | {"groups": groups}},
        "reasons": ["no solution was found: every model is of no use"],
        "outcome": "no solution found",
        "advice": ["Inputs that tell more about the label would help."],
    }
    return replace(report(), verdict=said, indicators={}, scores=None, frontier=None)


def scored(names: tuple[str, str] = ("Young", "Old"), n: int = 1600) -> Scored:
    """The baseline scores the negatives of the second group higher than those of the first."""
    rng = np.random.default_rng(0)
    positive = np.arange(n) % 2 == 1
    second = np.arange(n) % 4 >= 2
    noise = rng.normal(size=n)
    score = {
        "baseline": noise + 2.0 * positive - 1.5 + 0.5 * second,
        "constrained": noise + 1.9 * positive - 1.3,
    }
    return Scored(
        positive,
        {"Age": np.where(second, names[1], names[0])},
        {"Age": list(names)},
        {model: 1 / (1 + np.exp(-value)) for model, value in score.items()},
    )


def picture(side: int = 16, grey: int = 90) -> str:
    buffer = io.BytesIO()
    Image.fromarray(np.full((side, side, 3), grey, np.uint8)).save(buffer, "JPEG")
    return base64.b64encode(buffer.getvalue()).decode()


def history(constraints: int) -> dict[str, Any]:
    pieces = ["FPR | [Young] - FPR | [Old] <= 0.01", "FPR | [Old] - FPR | [Young] <= 0.01"]
    return {
        "constraints": pieces[:constraints],
        "pieces": pieces[:constraints],
        "best": 1,
        "probabilities": [0.0, 1.0, 0.0],
        "rated_by": "value",
        "stopped": None,
        "snapshots": [
            {
                "step": 100 * step,
                "objective": 0.5 / step,
                "error_rate": 0.2 / step,
                "violations": [0.03 - 0.02 * step, None][:constraints],
                "multipliers": [0.1 * step, 0.2][:constraints],
            }
            for step in (1, 2, 3)
        ],
        "moments": [{"step": 10 * i, "objective": 1 / (1 + i)} for i in range(1, 31)],
    }


def entries(models: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """What the Fairness Indicators element is given."""

    def entry(label: str, group: dict[str, Any]) -> dict[str, Any]:
        metrics = {
            "fairness_indicators_metrics/false_positive_rate@0.5": {"doubleValue": group["fpr"]},
            "fairness_indicators_metrics/false_positive_rate@0.22_diff": {"doubleValue": 0.1},
            "fairness_indicators_metrics/false_negative_rate@0.5": {"doubleValue": "NaN"},
            "example_count": {"doubleValue": group["examples"]},
        }
        value = label.partition(":")[2] or label
        return {"sliceValue": value, "slice": label, "metrics": metrics}

    whole = models[name]
    groups = [entry(f"Age:{group}", of) for group, of in whole["groups"].items()]
    return [entry("Overall", whole), *groups]


def report(names: tuple[str, str] = ("Young", "Old"), blessed: bool = True) -> ReportData:
    """Everything that a run can leave."""
    said = verdict(names, blessed)
    asked = scored(names)
    mistakes = [
        Mistake(group, kind, {"constrained": 0.9, "baseline": 0.6}, picture())
        for _, group, kind in curves.worst_mistakes(asked, 2)
    ]
    point = {"expression": "max_gap(FPR, [Age])", "value": 0.02, "bound": 0.04}
    return ReportData(
        verdict=said,
        settings=yaml.safe_dump(SETTINGS),
        label="attributes/Smiling",
        positive="1",
        card=CARD,
        histories={"baseline": history(0), "constrained": history(2)},
        indicators={model: entries(said["models"], model) for model in ("baseline", "constrained")},
        sizes=[GroupSize(split, name, 300, 100) for split in ("train", "test") for name in names],
        facets={"train": base64.b64encode(b"").decode()},
        scores=Scores(
            curves.group_curves(asked),
            curves.equal_thresholds(asked),
            curves.equal_overall(asked),
            mistakes,
        ),
        versions={"code": "0123456789abcdef", "tensorflow": "2.21.0"},
        steps=[{"name": "Evaluator", "outcome": "done", "seconds": 3.2, "peak_memory_gb": 1.5}],
        frontier={
            "constraints": ["max_gap(FPR, [Age]) <= 0.01"],
            "examples": 500,
            "run_id": "20261121-111111-111",
            "points": [
                {"limit": limit, "accuracy": 0.9 - 0.01 * i, "measured": [point]}
                for i, limit in enumerate((None, 0.05, 0.01))
            ],
        },
    )


def sealed(validation: bool = True) -> ReportData:
    """A run that was blocked, with attempts left: what a report may show of it."""
    attempt = Attempt(1, 3, 1 - 0.05 / 3, 0.05, "t" * 32, sealed=True)
    open_one = report(blessed=False)
    asked = scored()
    kept = Verdict.of(open_one.verdict | {"attempt": asdict(attempt)})
    told = asdict(kept)
    if validation:
        gate = GateConfig(constraints=("max_gap(FPR, [Age]) <= 0.02",), minimum_accuracy=0.5)
        of = validating.judgement(gate, attempt.confidence, asked, told["models"]["constrained"])
        told["validation"] |= {"judgement": of.as_document()}
    assert open_one.scores is not None
    return replace(
        open_one, verdict=told, indicators={}, scores=replace(open_one.scores, split="validation")
    )


def bare(data: ReportData) -> ReportData:
    """The verdict alone: what is left of a run whose other artifacts are gone."""
    return replace(ReportData(data.verdict, data.settings, data.label, data.positive))
