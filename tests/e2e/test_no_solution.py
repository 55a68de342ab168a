"""A run that finds no model worth judging says so and spends nothing; a better table passes after it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import yaml

from pipeline.__main__ import main

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

GAP = "max_gap(FPR, [Gender])"


def people(file: Path, n: int, told: float) -> None:
    """Half of them women; `told` says how much the columns tell about the label: 0 is noise."""
    rng = np.random.default_rng(11)
    with file.open("w") as rows:
        rows.write("skill,hours,sex,income\n")
        for i in range(n):
            high = rng.random() < 0.5
            skill = told * (1 if high else -1) + rng.normal()
            income = "high" if high else "low"
            rows.write(f"{skill:.3f},{rng.integers(20, 60)},{'MF'[i % 2]},{income}\n")


@dataclass(frozen=True)
class Place:
    """A folder with settings, data, runs and served models."""

    folder: Path

    def run(self, told: float, *more: str) -> int:
        """Runs the pipeline, with `more` options, on data made where they differ from the last."""
        arguments = ["--settings", str(self.folder / "settings.yaml")]
        before, source = self.folder / "before.csv", self.folder / "people.csv"
        people(source, 1500, told)
        if not before.exists() or before.read_bytes() != source.read_bytes():
            shutil.rmtree(self.folder / "data", ignore_errors=True)
            assert main(["data", "from-csv", str(source), *arguments]) == 0
            shutil.copy(source, before)
        return main(["run", *arguments, *more])

    @property
    def newest(self) -> Path:
        """The folder of the newest run."""
        return max(file.parent for file in (self.folder / "runs" / "table").glob("*/run.log"))

    @property
    def attempts(self) -> int:
        """Spent so far, on any test split."""
        events = (self.folder / "runs" / "ledger" / "journal").glob("*.json")
        return sum(json.loads(file.read_text())["event"] == "attempt" for file in events)

    def served(self) -> dict[str, bytes]:
        """Every file below the serving folder."""
        serving = self.folder / "serving"
        return {str(p): p.read_bytes() for p in sorted(serving.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    folder = tmp_path_factory.mktemp("noise")
    tree = {
        "name": "table",
        "model_name": "income",
        "runs": str(folder / "runs"),
        "serving": str(folder / "serving"),
        "data": {
            "path": str(folder / "data"),
            "schema_file": str(folder / "schema.pbtxt"),
            "csv": {"shares": {"train": 0.5, "validation": 0.2, "test": 0.3}},
            "features": {
                "numeric": ["skill", "hours"],
                "label": {"name": "income", "positive": "high", "negative": "low"},
                "groups": {"Gender": {"name": "sex", "values": {"Male": "M", "Female": "F"}}},
            },
        },
        "trainer": {
            "network": "tabular",
            "constraints": [f"{GAP} <= 0.02"],
            "steps": 300,
            "snapshots": 5,
        },
        "gate": {
            "constraints": [f"{GAP} <= 0.25"],
            "minimum_accuracy": 0.6,
            "minimum_negatives": 20,
        },
    }
    (folder / "settings.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    return Place(folder)


def test_noise_ends_without_a_solution_and_better_data_pass_after_it(place, capfd):
    status = place.run(told=0.0)
    shown = " ".join(capfd.readouterr().out.split())
    first = place.newest
    assert status == 3, (first / "run.log").read_text(errors="replace")[-4000:]
    assert "BLOCKED: nothing was pushed, because" in shown
    assert "No solution found. What would help: - Inputs that tell more about the label" in shown
    assert "What the constraints cost beyond the least, on the validation split" in shown
    # The test split was not asked, nothing was spent, and nothing is served.
    assert place.attempts == 0 and place.served() == {}
    verdict = json.loads((first / "verdict.json").read_text())
    assert verdict["outcome"] == "no solution found" and not verdict["pushed"]
    assert verdict["gate"] == [] and verdict["attempt"] is None
    assert verdict["models"]["constrained"]["examples"] == 0
    rows = {row["name"]: row for row in verdict["validation"]["yardsticks"]}
    assert rows["the baseline"]["error_rate"] > 0.4 and "the chosen model" in rows
    steps = {s["name"]: s["outcome"] for s in json.loads((first / "steps.json").read_text())}
    assert steps["Evaluator"] == "not asked" and "Pusher" not in steps
    # The page is there, of the validation split alone, and so are the commands that look at runs.
    page, card = ((first / name).read_text() for name in ("report.html", "model_card.md"))
    assert "No solution found" in page and "the test split was not asked" in page
    assert 'id="training"' in page and 'id="groups"' not in page and 'id="scores"' not in page
    assert "nothing was measured on the test split" in card and "Nothing: it was not asked" in card
    for command in ("show", "explain"):
        assert main([command, "--runs", str(place.folder / "runs")]) == 3
        assert "No solution was found" in " ".join(capfd.readouterr().out.split())

    # The columns of the second table tell the label: the same settings, another test split.
    assert place.run(told=1.2) == 0, (place.newest / "run.log").read_text(errors="replace")[-4000:]
    assert place.newest != first and place.attempts == 1 and place.served()
    better = json.loads((place.newest / "verdict.json").read_text())
    assert better["pushed"] and better["validation"]["yardsticks"][-1]["error_rate"] < 0.25


def constant(inputs: Any) -> keras.Model:
    """No to everybody, whatever is learned."""
    return _answering(lambda told, learned: 0.0 * learned - 1.0)


def nearly_constant(inputs: Any) -> keras.Model:
    """Yes to the one in a hundred or so with the most skill, whatever is learned."""
    return _answering(lambda told, learned: keras.ops.where(told > 2.3, 1.0, -1.0) + 0.0 * learned)


def _answering(says: Callable[[Any, Any], Any]) -> keras.Model:
    numeric = keras.Input((2,), name="numeric")
    learned = keras.layers.Dense(1)(numeric)
    score = keras.layers.Lambda(lambda both: says(*both), output_shape=(1,))
    return keras.Model({"numeric": numeric}, score([numeric[:, :1], learned]))


@pytest.mark.parametrize("network", ["constant", "nearly_constant"])
def test_a_model_that_says_one_thing_is_not_judged(place, network):
    spent, served = place.attempts, place.served()
    settings = (f"network={__name__}:{network}", "steps=20", "snapshots=1")
    sets = [part for each in settings for part in ("--set", f"trainer.{each}")]
    status = place.run(1.2, *sets)
    assert status == 3, (place.newest / "run.log").read_text(errors="replace")[-4000:]
    assert place.attempts == spent and place.served() == served
    verdict = json.loads((place.newest / "verdict.json").read_text())
    assert verdict["outcome"] == "no solution found" and verdict["gate"] == []
    assert (
        "every model that training came to gives almost everybody one answer"
        in verdict["reasons"][0]
    )


def test_what_no_training_can_reach_ends_before_any(place, capfd):
    spent = place.attempts
    status = place.run(1.2, "--set", "gate.minimum_negatives=100000")
    shown = " ".join(capfd.readouterr().out.split())
    assert status == 3, (place.newest / "run.log").read_text(errors="replace")[-4000:]
    assert "Whatever is trained, it cannot pass: group [Male] has" in shown
    assert "fewer than gate.minimum_negatives = 100000" in shown
    assert place.attempts == spent
    verdict = json.loads((place.newest / "verdict.json").read_text())
    assert verdict["outcome"] == "no solution found" and verdict["validation"] is None
    steps = [step["name"] for step in json.loads((place.newest / "steps.json").read_text())]
    assert "StatisticsGen" in steps and not any("Trainer" in name for name in steps)
    page, card = ((place.newest / name).read_text() for name in ("report.html", "model_card.md"))
    assert "it cannot pass" in page and 'id="data"' in page and 'id="training"' not in page
    assert "Nothing: it was not asked" in card
