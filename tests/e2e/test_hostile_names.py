"""One whole run in which every name is hostile: its figures are right, and names are words everywhere."""

from __future__ import annotations

import collections
import contextlib
import csv
import html
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fairgate.visible import visible
from pipeline.__main__ import main
from pipeline.settings import load
from tests import hostile_names
from tests.components.report.test_page import Outline
from tests.e2e.runs import REPOSITORY
from tests.hostile_names import GROUPS, LABEL, MARKUP, POSITIVE, RANGE, UMLAUTS

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def runs(strange) -> Path:
    return Path(load([str(strange / "settings.yaml")]).runs)


@pytest.fixture(scope="module")
def folder(runs) -> Path:
    """Of the run."""
    [file] = runs.glob("*/*/verdict.json")
    return file.parent


@pytest.fixture(scope="module")
def verdict(folder) -> dict[str, Any]:
    return json.loads((folder / "verdict.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def people(strange) -> list[dict[str, str]]:
    """The test split, as it is written."""
    data = Path(load([str(strange / "settings.yaml")]).data.folder)
    files = [str(file) for file in data.iterdir() if "-test.tfrecord" in file.name]
    columns = [LABEL, *(column for column, _ in GROUPS.values())]
    found = []
    for record in tf.data.TFRecordDataset(files).as_numpy_iterator():
        values = tf.train.Example.FromString(record).features.feature
        found.append({name: values[name].bytes_list.value[0].decode() for name in columns})
    return found


def shown(feature: str, name: str) -> str:
    """As tables call a group: two features have an own group of these names, and all are 'everybody'."""
    twice = sum(name in values for _, values in GROUPS.values()) > 1
    return f"{feature}={name}" if twice or name == "everybody" else name


def test_every_group_has_the_figures_of_its_own(verdict, people):
    groups = verdict["models"]["constrained"]["groups"]
    assert len(groups) == sum(len(values) for _, values in GROUPS.values())
    for feature, (column, values) in GROUPS.items():
        for name, value in values.items():
            of = [person for person in people if person[column] == value]
            found = groups[shown(feature, name)]
            assert found["examples"] == len(of) > 20
            assert found["negatives"] == sum(person[LABEL] != POSITIVE for person in of)
    assert verdict["models"]["constrained"]["examples"] == len(people) == 720


def test_the_gate_is_about_the_groups_that_it_names(verdict):
    """The gaps and differences of its constraints are those of the groups' own rates."""
    groups = verdict["models"]["constrained"]["groups"]
    rates = [groups[shown("label", name)]["fpr"] for name in GROUPS["label"][1]]
    gap, of_bar, difference, of_markup = (row["value"] for row in verdict["gate"])
    assert gap == pytest.approx(max(rates) - min(rates))
    assert of_bar == pytest.approx(groups[hostile_names.BAR]["fpr"])
    quotes = groups[hostile_names.QUOTES]["fnr"]
    assert difference == pytest.approx(groups["label=everybody"]["fnr"] - quotes)
    accuracies = [groups[shown(MARKUP, name)]["accuracy"] for name in GROUPS[MARKUP][1]]
    assert of_markup == pytest.approx(max(accuracies) - min(accuracies))


@pytest.mark.parametrize("page", ["report.html", "model_card.html"])
def test_names_are_words_in_pages_and_nothing_else(folder, page):
    text = (folder / page).read_text(encoding="utf-8")
    found = Outline(text)  # every element is closed, every link leads somewhere
    assert MARKUP not in text and hostile_names.TEMPLATE in found.text
    assert "\u202e" not in text  # which would turn its line round
    for feature, (_, values) in GROUPS.items():
        for name in values:
            assert visible(" ".join(shown(feature, name).split())) in found.text
    tables = [word for word in found.words if word.strip() == "label=everybody"]
    assert tables and html.escape(UMLAUTS) in text


def told(runs: Path, *arguments: str) -> tuple[int, str]:
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        status = main([*arguments, "--runs", str(runs)])
    return status, output.getvalue()


def test_commands_say_whom_they_are_about(runs, verdict):
    status, text = told(runs, "explain")
    everybody = verdict["models"]["constrained"]["groups"]["label=everybody"]
    negatives = everybody["negatives"]
    said = round(everybody["fpr"] * negatives)
    words = " ".join(text.split())
    assert status == 0
    assert f"label=everybody {said} of {negatives} negatives were told Yes" in words
    assert f"false positive rate of {hostile_names.BAR} is " in words
    status, text = told(runs, "show", "--json")
    assert status == 0 and "label=everybody" in text
    assert told(runs, "runs")[0] == 0


def test_the_served_model_answers_rows_and_names_none_by_mistake(strange, runs, verdict):
    rows = list(hostile_names.rows(60, seed=1))
    file = strange / f"{hostile_names.CHINESE}.csv"
    with file.open("w", newline="", encoding="utf-8") as opened:
        table = csv.DictWriter(opened, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    status, text = told(runs, "predict", str(file), "--json")
    document = json.loads(text)
    assert status == 0 and len(document["predictions"]) == 60
    assert document["label"]["positive"] == POSITIVE
    yes = np.array([p["decision"] for p in document["predictions"]])
    right = yes == np.array([row[LABEL] == POSITIVE for row in rows])
    # Four standard deviations of 60 draws at the accuracy that the gate measured.
    accuracy = verdict["models"]["constrained"]["accuracy"]
    assert abs(right.mean() - accuracy) < 4 * np.sqrt(accuracy * (1 - accuracy) / 60)


def test_a_notebook_shows_the_run(folder, tmp_path):
    notebook = "1_inspect_a_run.ipynb"
    command = ["papermill", notebook, str(tmp_path / notebook), "-r", "run", str(folder)]
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=REPOSITORY / "notebooks",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    cells = json.loads((tmp_path / notebook).read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    pages = "".join("".join(o.get("data", {}).get("text/html", "")) for o in outputs)
    assert "label=everybody" in pages and MARKUP not in pages


def test_the_settings_are_compiled_for_clusters(strange):
    from pipeline.clusters import compiling

    own = load(
        [str(strange / "settings.yaml")],
        [
            "name=tiny",
            "data.path=gs://bucket/data",
            "data.schema_file=gs://bucket/schema.pbtxt",
            "deploy.image=registry.example/fairgate:1",
            "deploy.pipeline_root=gs://bucket/runs",
            "deploy.serving=gs://bucket/serving",
        ],
    )
    text = json.dumps(compiling.vertex(own), ensure_ascii=False)
    # Within JSON within JSON: what is plain there is as it was given.
    counted = collections.Counter(
        {name: text.count(name) for name in (RANGE, "everybody", hostile_names.CHINESE)}
    )
    assert min(counted.values()) > 0 or "\\\\u5e74" in text
