"""A table whose label has three classes: from a CSV file to a verdict and a served model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from pipeline.__main__ import main
from tests.e2e.runs import forget

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

NAMES = ["low", "in between", "high"]
GAP = "max_gap(TPR(high), [Gender])"


def pupils(file: Path, n: int) -> None:
    """Points decide the grade; girls need more of them for the same one."""
    rng = np.random.default_rng(0)
    with file.open("w") as rows:
        rows.write("points,hours,school,sex,grade\n")
        for i in range(n):
            sex, points = "MF"[i % 2], rng.normal()
            school = rng.choice(["north", "south"])
            liked = points + (0.5 if school == "north" else -0.5) + (0.6 if sex == "M" else -0.6)
            liked += 0.4 * rng.normal()
            grade = "high" if liked > 0.4 else "low" if liked < -0.8 else "in between"
            rows.write(f"{points:.5f},{rng.integers(1, 20)},{school},{sex},{grade}\n")


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("classes")
    pupils(folder / "pupils.csv", 3000)
    tree = {
        "name": "grades",
        "model_name": "grade",
        "runs": str(folder / "runs"),
        "serving": str(folder / "serving"),
        "data": {
            "path": str(folder / "data"),
            "schema_file": str(folder / "schema.pbtxt"),
            "csv": {"shares": {"train": 0.5, "validation": 0.2, "test": 0.3}},
            "features": {
                "numeric": ["points", "hours"],
                "categorical": ["school", "sex"],
                "label": {"name": "grade", "classes": NAMES},
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
            "constraints": [
                f"{GAP} <= 0.3",
                "max_gap(ERR, [Gender]) <= 0.15",
                "FPR([in between]) <= 0.3",
            ],
            "minimum_accuracy": 0.6,
            "minimum_negatives": 20,
        },
    }
    file = folder / "settings.yaml"
    file.write_text(yaml.safe_dump(tree, sort_keys=False))
    assert main(["data", "from-csv", str(folder / "pupils.csv"), "--settings", str(file)]) == 0
    return file


def newest(folder: Path, name: str) -> Path:
    """A file of the run that was started last."""
    return max((folder / "runs" / "grades").glob(f"*/{name}"))


def test_three_classes_reach_a_verdict_and_are_served(settings, capfd):
    import tensorflow as tf

    folder = settings.parent
    status = main(["run", "--settings", str(settings)])
    log = newest(folder, "run.log")
    assert status == 0, log.read_text(errors="replace")[-4000:]
    verdict = json.loads((log.parent / "verdict.json").read_text())
    models = verdict["models"]
    tpr = {
        name: [model["groups"][group]["classes"]["high"]["tpr"] for group in ("Male", "Female")]
        for name, model in models.items()
    }
    assert tpr["baseline"][0] - tpr["baseline"][1] > 0.15  # unfair, and learned
    assert abs(np.subtract(*tpr["constrained"])) < abs(np.subtract(*tpr["baseline"]))
    assert verdict["gate"][0]["value"] == pytest.approx(abs(np.subtract(*tpr["constrained"])))
    assert models["constrained"]["examples"] == 900
    # What the gate counted is what is served, class by class.
    [version] = (folder / "serving" / "grade").iterdir()
    served = tf.saved_model.load(str(version)).signatures["serving_default"]
    rows = _test_rows(folder)
    answers = served(examples=tf.constant([bytes(row) for row in rows]))
    said = np.array([name.decode() for name in answers["class"].numpy()])
    probability = answers["probability"].numpy()
    np.testing.assert_allclose(probability.sum(axis=1), 1, rtol=1e-5)
    assert (np.array(NAMES)[probability.argmax(axis=1)] == said).all()
    for name in NAMES:
        assert models["constrained"]["classes"][name]["answers"] == (said == name).sum()
    # Shown, explained and asked.
    report = (log.parent / "report.html").read_text()
    assert "rate for class high" in report and "low, in between or high" in report
    card = (log.parent / "model_card.md").read_text()
    assert "| true positive rate for class high |" in card
    capfd.readouterr()
    assert main(["explain", "--runs", str(folder / "runs")]) == 0
    assert "of class high were told high" in " ".join(capfd.readouterr().out.split())
    rows_file = folder / "rows.csv"
    rows_file.write_text("points,hours,school,sex\n3,5,north,M\n-3,5,south,F\n")
    assert main(["predict", str(rows_file), "--runs", str(folder / "runs"), "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert [each["decision"] for each in told["predictions"]] == ["high", "low"]
    assert set(told["predictions"][0]["probabilities"]) == set(NAMES)
    assert main(["predict", str(rows_file), "--runs", str(folder / "runs")]) == 0
    assert "1 low, 0 in between, 1 high" in " ".join(capfd.readouterr().out.split())


def test_a_blocked_and_sealed_run_says_nothing_of_the_test_split(settings):
    """The same models, asked for more than they can show, with an attempt to spare."""
    folder = settings.parent
    forget(folder / "runs")  # as if the test data were new
    other = ["--set", "gate.constraints=['max_gap(TPR(high), [Gender]) <= 0.001']"]
    before = set((folder / "runs" / "grades").glob("*/run.log"))
    status = main(["run", "--settings", str(settings), *other, "--set", "gate.attempts=2"])
    [log] = set((folder / "runs" / "grades").glob("*/run.log")) - before
    assert status == 3, log.read_text(errors="replace")[-4000:]
    folder_of_run = log.parent
    verdict = json.loads((folder_of_run / "verdict.json").read_text())
    assert verdict["outcome"] == "sealed" and not verdict["gate"]
    high = verdict["models"]["constrained"]["classes"]["high"]
    assert high["examples"] > 0 and high["tpr"] is None and high["answers"] is None
    assert "sealed" in (folder_of_run / "report.html").read_text()


def _test_rows(folder: Path) -> list[bytes]:
    import tensorflow as tf

    files = sorted(str(file) for file in (folder / "data").glob("*-test.tfrecord*"))
    return [row.numpy() for row in tf.data.TFRecordDataset(files)]
