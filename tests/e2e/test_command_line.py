"""The commands that look at runs, on a run that is real."""

from __future__ import annotations

import json

import pytest

from pipeline.__main__ import main
from tests.tiny_dataset import IMAGE, record

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture
def told(place, capfd):
    """Runs a command about the shared runs; returns its exit status and its document."""

    def tell(*arguments: str) -> tuple[int, dict]:
        capfd.readouterr()
        status = main([*arguments, "--runs", str(place.folder / "runs"), "--json"])
        return status, json.loads(capfd.readouterr().out)

    return tell


def test_show_says_what_the_run_said_at_its_end(passed, place, capsys):
    name = f"tiny/{passed.folder.name}"
    assert main(["show", name, "--runs", str(place.folder / "runs")]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    at_the_end = passed.words[passed.words.index("Models, on the test split") :]
    assert at_the_end.strip() in shown


def test_its_documents_hold_its_verdict(passed, told):
    name = f"tiny/{passed.folder.name}"
    status, document = told("show", name)
    assert status == 0 and document["verdict"] == passed.verdict
    assert document["run"]["report"] == str(passed.folder / "report.html")
    status, document = told("runs")
    assert name in [run["name"] for run in document["runs"]]
    status, document = told("compare", name, name)
    assert status == 0 and document["settings"] == {}
    assert document["versions"]["data, train split"]["equal"] is True
    assert all(version["equal"] for version in document["versions"].values())


def test_its_counts_are_those_of_its_test_split(passed, told):
    """Whole numbers, made of the verdict's rates, that give these rates again."""
    _, document = told("explain", f"tiny/{passed.folder.name}")
    [constraint] = document["explanation"]["constraints"]
    groups = passed.verdict["models"]["constrained"]["groups"]
    assert [count["group"] for count in constraint["counts"]] == ["Red", "Blue"]
    for count in constraint["counts"]:
        group = groups[count["group"]]
        assert count["whole"] == group["negatives"]
        assert count["part"] / count["whole"] == pytest.approx(group["fpr"], abs=1e-12)


def test_serve_says_of_pictures_what_the_served_model_says(passed, place, told, tmp_path):
    import tensorflow as tf

    people = place.world.people(5, seed=9)
    for number, person in enumerate(people):
        (tmp_path / f"{number}.jpg").write_bytes(person.jpeg)
    status, document = told("predict", str(tmp_path), "--run", f"tiny/{passed.folder.name}")
    assert status == 0 and document["model"] == passed.verdict["pushed_model"]
    served = tf.saved_model.load(document["model"]).signatures["serving_default"]
    records = tf.constant([record({IMAGE: person.jpeg}) for person in people])
    scores = served(examples=records)["probability"].numpy()[:, 0]
    assert [p["score"] for p in document["predictions"]] == pytest.approx(scores, abs=1e-6)
    assert [p["decision"] for p in document["predictions"]] == (scores > 0.5).tolist()
