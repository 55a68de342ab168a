"""Data that nothing was tuned for: other groups, other types of columns, the stand-in."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pipeline.__main__ import main
from tests.e2e.runs import REPOSITORY, Workplace
from tests.tiny_dataset import World, write_dataset

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_three_groups_and_labels_given_as_text(tmp_path):
    # Green is first in the settings and in the middle by name; labels count down, not up.
    world = World(
        groups={"Green": "team g", "Red": "team r", "Blue": "team b"},
        labels=("yes, sad", "no, happy"),
        grey=True,
        size=(40, 33),
        seen=(9, 7),
    )
    write_dataset(tmp_path / "data", world, {"train": 1200, "validation": 600, "test": 900})
    place = Workplace(tmp_path, world)
    run = place.run("trainer.constraints.0=FPR | [Green] <= 0.04", "trainer.steps=400")
    assert run.status == 0, run.output
    models = run.verdict["models"]
    for model in models.values():
        assert list(model["groups"]) == ["Green", "Red", "Blue"]
        assert [group["examples"] for group in model["groups"].values()] == [300, 300, 300]
        assert sum(group["negatives"] for group in model["groups"].values()) == model["negatives"]
    # Groups differ in their share of positives, so each is known by its count.
    negatives = {name: group["negatives"] for name, group in models["baseline"]["groups"].items()}
    assert negatives["Red"] > negatives["Green"] > negatives["Blue"]
    # So is it before training, from statistics of columns that hold text.
    assert f"{negatives['Blue']} negatives of [Blue], the fewest" in run.words
    # The one group that is constrained is the one that is helped.
    rates = {
        name: np.array([group["fpr"] for group in model["groups"].values()])
        for name, model in models.items()
    }
    change = rates["constrained"] - rates["baseline"]
    assert change[0] < -0.03 and np.argmin(change) == 0
    assert models["constrained"]["accuracy"] > 0.8


def test_the_stand_in_is_made_and_run(tmp_path, monkeypatch):
    # Where nothing is said about data, they are made first. A small set cannot promise a small gap.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "schemas").symlink_to(REPOSITORY / "schemas")
    sets = [
        "data.stand_in.images=2000",
        "data.stand_in.pictures=2",
        "data.features.unit=identity/Identity_No",
        "trainer.steps=60",
        "trainer.snapshots=3",
        "trainer.selection.rated_by=gate",
        "gate.minimum_accuracy=0.5",
        "gate.minimum_negatives=5",
        "gate.limit=0.9",
    ]
    status = main(["run", *[part for assignment in sets for part in ("--set", assignment)]])
    [folder] = [p for p in (tmp_path / "runs" / "celeba").iterdir() if (p / "run.log").is_file()]
    assert status in (0, 3), (folder / "run.log").read_text(errors="replace")[-4000:]
    assert (tmp_path / "data" / "celeba-synthetic-2000-0-by-2" / "dataset_info.json").is_file()
    # Its snapshots were rated by the gate: its one constraint, and the accuracy.
    trained = tmp_path / "runs" / "celeba" / "artifacts" / "ConstrainedTrainer.constrained"
    [file] = trained.glob("model_run/*/history.json")
    history = json.loads(file.read_text())
    assert history["rated_by"] == "gate" and history["predicted_to_pass"] in (True, False)
    for snapshot in history["snapshots"]:
        _, lacking = snapshot["excess"]
        assert lacking is None or lacking > 0.5 - (1 - snapshot["error_rate"])  # by its bound
    verdict = json.loads((folder / "verdict.json").read_text())
    assert verdict["data"].endswith("(synthetic)")
    groups = verdict["models"]["constrained"]["groups"]
    # A tenth is the test split, three quarters of it Young.
    assert sum(group["examples"] for group in groups.values()) == pytest.approx(200, abs=10)
    assert groups["Young"]["examples"] > 2 * groups["Not Young"]["examples"]
    # The same model is judged over its people, and beside it as if images were independent.
    sampling, [row] = verdict["sampling"], verdict["gate"]
    assert sampling["most"] == 3 and 90 <= sampling["units"] <= 108
    assert row["value"] < row["independent_bound"] < row["upper_bound"]
    page, card = (folder / "report.html").read_text(), (folder / "model_card.md").read_text()
    for each in (page, card):
        assert f"Bounds are over {sampling['units']} units" in each
        assert f"{row['independent_bound']:.4f}" in each and f"{row['upper_bound']:.4f}" in each
