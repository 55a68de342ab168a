"""A table without pictures: from a CSV file to a served model, by settings alone."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from pipeline.__main__ import main
from pipeline.settings import load
from tests.e2e.runs import forget
from tests.tiny_dataset import record

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

GAP = "max_gap(TPR, [Gender])"


def people(file: Path, n: int) -> None:
    """Half of them women; skill and work decide the income, but men need less skill for it."""
    rng = np.random.default_rng(0)
    with file.open("w") as rows:
        rows.write("skill,hours,work,sex,income\n")
        for i in range(n):
            sex, skill = "MF"[i % 2], rng.normal()
            work = rng.choice(["office", "farm", "?"], p=[0.5, 0.4, 0.1])
            liked = skill + (0.8 if work == "office" else -0.4) + (0.7 if sex == "M" else -0.7)
            income = "high" if liked + 0.5 * rng.normal() > 0.3 else "low"
            shown = "" if rng.random() < 0.1 else f"{skill:.3f}"
            rows.write(f"{shown},{rng.integers(20, 60)},{work},{sex},{income}\n")


def on_new_test_data(folder: Path) -> None:
    """As if they were: a pass ends the series of attempts on those that are there."""
    forget(folder / "runs")


def newest(folder: Path, name: str) -> Path:
    """A file of the run that was started last."""
    return max((folder / "runs" / "table").glob(f"*/{name}"))


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("table")
    people(folder / "people.csv", 3000)
    tree = {
        "name": "table",
        "model_name": "income",
        "runs": str(folder / "runs"),
        "serving": str(folder / "serving"),
        "data": {
            "path": str(folder / "data"),
            "schema_file": str(folder / "schema.pbtxt"),
            "csv": {"missing": ["?"], "shares": {"train": 0.5, "validation": 0.2, "test": 0.3}},
            "features": {
                "numeric": ["skill", "hours"],
                "categorical": ["work", "sex"],
                "label": {"name": "income", "positive": "high", "negative": "low"},
                "groups": {"Gender": {"name": "sex", "values": {"Male": "M", "Female": "F"}}},
            },
        },
        "trainer": {
            "network": "tabular",
            "constraints": [f"{GAP} <= 0.02"],
            "steps": 400,
            "snapshots": 8,
            "learning_rate": 0.01,
            "multipliers": {"learning_rate": 0.3},
        },
        "gate": {
            "constraints": [f"{GAP} <= 0.2"],
            "minimum_accuracy": 0.65,
            "minimum_negatives": 20,
        },
    }
    file = folder / "settings.yaml"
    file.write_text(yaml.safe_dump(tree, sort_keys=False))
    assert main(["data", "from-csv", str(folder / "people.csv"), "--settings", str(file)]) == 0
    return file


def test_a_csv_file_becomes_a_served_model(settings, capfd):
    import tensorflow as tf

    folder = settings.parent
    arguments = ["--settings", str(settings)]
    status = main(["run", *arguments])
    log = newest(folder, "run.log")
    assert status == 0, log.read_text(errors="replace")[-4000:]
    verdict = json.loads((log.parent / "verdict.json").read_text())
    models = verdict["models"]
    tpr = {
        name: [1 - model["groups"][group]["fnr"] for group in ("Male", "Female")]
        for name, model in models.items()
    }
    assert models["baseline"]["examples"] == 900
    assert tpr["baseline"][0] - tpr["baseline"][1] > 0.1  # the table is unfair, and is learned
    assert abs(np.subtract(*tpr["constrained"])) < 0.1
    # What is served takes rows as they are, and rows that lack what the schema lets them lack.
    [version] = (folder / "serving" / "income").iterdir()
    served = tf.saved_model.load(str(version)).signatures["serving_default"]
    row = {"hours": 40.0, "work": "office", "sex": "F"}
    rows = [row | {"skill": 2.0}, row | {"skill": -2.0}, row, row | {"work": None}]
    probability = served(examples=tf.constant(list(map(record, rows))))["probability"].numpy()
    assert probability[0] > 0.5 > probability[1] and np.isfinite(probability).all()
    assert probability[0] > probability[2] > probability[1]
    # The command line asks it the same.
    rows_file = folder / "rows.csv"
    rows_file.write_text("skill,hours,work,sex\n2.0,40,office,F\n-2.0,40,office,F\n,40,office,F\n")
    capfd.readouterr()
    assert main(["predict", str(rows_file), "--runs", str(folder / "runs"), "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert [p["score"] for p in told["predictions"]] == pytest.approx(probability[:3, 0], abs=1e-6)


def test_a_search_goes_on_and_its_settings_train_what_it_found(settings, capfd):
    folder = settings.parent
    few = [part for name in ("steps=60", "snapshots=3") for part in ("--set", f"trainer.{name}")]
    arguments = ["tune", "--settings", str(settings), *few]
    served = list(folder.glob("serving/income/*"))
    assert main([*arguments, "--trials", "1"]) == 0
    first = json.loads(newest(folder, "trials.json").read_text())
    capfd.readouterr()
    file = folder / "found.yaml"
    assert main([*arguments, "--trials", "3", "--write", str(file)]) == 0
    output = capfd.readouterr().out
    assert "it goes on from trial 2." in " ".join(output.split()) and "trial 3: " in output
    found = json.loads(newest(folder, "trials.json").read_text())
    assert found["trials"][:1] == first["trials"] and len(found["trials"]) == 3
    with Image.open(newest(folder, "trials.png")) as picture:
        assert picture.size == (1100, 720)
    # What has a number in the settings stays.
    searched = {"weight_decay", "batch_size", "multipliers.proportional", "constraints"}
    assert all(set(trial["settings"]) == searched for trial in found["trials"])
    best = found["trials"][found["best"]]
    trainer = load([str(file)]).trainer
    assert (trainer.steps, trainer.learning_rate) == (60, 0.01)
    if found["best"]:
        assert trainer.batch_size == best["settings"]["batch_size"]
        assert list(trainer.constraints) == best["settings"]["constraints"]
    # A run with these settings chooses the very model that the trial did.
    on_new_test_data(folder)
    assert main(["run", "--settings", str(file)]) in (0, 3)
    histories = (folder / "runs" / "table" / "artifacts").glob(
        "*.constrained/model_run/*/history.json"
    )
    history = json.loads(max(histories, key=lambda path: path.stat().st_mtime).read_text())
    error = np.dot(history["probabilities"], [each["error_rate"] for each in history["snapshots"]])
    assert error == pytest.approx(best["error_rate"], abs=1e-9)
    assert len(list(folder.glob("serving/income/*"))) <= len(served) + 1


def test_groups_may_have_thresholds_of_their_own(settings):
    """The same table, whose groups are inputs: only the constrained model is trained anew."""
    import tensorflow as tf

    folder = settings.parent
    on_new_test_data(folder)
    before = set((folder / "runs" / "table").glob("*/run.log"))
    status = main(["run", "--settings", str(settings), "--set", "trainer.thresholds=per_group"])
    [log] = set((folder / "runs" / "table").glob("*/run.log")) - before
    assert status == 0, log.read_text(errors="replace")[-4000:]
    verdict = json.loads((log.parent / "verdict.json").read_text())
    groups = verdict["models"]["constrained"]["groups"]
    assert abs(groups["Male"]["fnr"] - groups["Female"]["fnr"]) < 0.1
    # Terms are explained where they stand: the words are what is between the marks.
    report = re.sub("<[^>]+>", "", html.unescape((log.parent / "report.html").read_text()))
    assert "with a threshold for each group. [Male]: Yes" in report and "the law forbids" in report
    assert "by a threshold for each group" in (log.parent / "model_card.md").read_text()
    # Served as it was judged: to both, Yes for some and No for others.
    [version] = (folder / "serving" / "income").glob(f"{Path(verdict['pushed_model']).name}")
    served = tf.saved_model.load(str(version)).signatures["serving_default"]
    rows = [
        {"hours": 40.0, "work": "office", "skill": float(skill), "sex": sex}
        for sex in "FM"
        for skill in np.linspace(-2, 2, 200)
    ]
    women, men = (
        served(examples=tf.constant(list(map(record, rows))))["probability"].numpy().reshape(2, -1)
    )
    assert 0 < (men > 0.5).sum() < 200 and 0 < (women > 0.5).sum() < 200
