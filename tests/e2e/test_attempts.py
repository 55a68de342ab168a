"""One test split, one promise: what is told between attempts, and what happens at their end."""

from __future__ import annotations

import json
import re
import shutil
from typing import Any

import pytest

from tests.e2e.runs import Run, Workplace, captured, forget

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

QUICK = ("trainer.steps=60", "trainer.snapshots=2")
THREE = (*QUICK, "gate.attempts=3", "gate.limit=0.001")  # which no model keeps on so few examples


def command(place: Workplace, *arguments: str) -> tuple[int, str]:
    """What a command says about the runs of a place."""
    from pipeline.__main__ import main

    with captured() as output:
        status = main([*arguments, "--runs", str(place.folder / "runs")])
    return status, output[0]


def shown(place: Workplace, run: Run) -> dict[str, str]:
    """Everything that a run shows, by where it is shown."""
    from pipeline import inspect

    name = f"{run.folder.parent.name}/{run.folder.name}"
    found = {str(file): file.read_text(errors="replace") for file in run.folder.iterdir()}
    found["terminal"] = run.output
    for each in (["show", name], ["explain", name], ["compare", name, name], ["runs"]):
        found[each[0]] = command(place, *each)[1]
        found[f"{each[0]} --json"] = command(place, *each, "--json")[1]
    opened = inspect.open_run(str(run.folder))
    for part in ("banner", "reasons", "advice", "gate", "checks", "groups", "support", "power"):
        found[f"notebook, {part}"] = getattr(opened, part)()._repr_html_()
    for part in ("group_charts", "score_charts", "at_equal_overall_rate", "bound_by_examples"):
        found[f"notebook, {part}"] = getattr(opened, part)()._repr_html_()
    found["notebook, evaluated"] = opened.evaluated()._repr_html_()
    return found


def figures(judgement: dict[str, Any], digits: int = 4) -> set[str]:
    """What was measured, to so many digits; not 0, 1 and 0.9, which many other things are."""
    models = judgement["models"].values()
    cells = [cell for model in models for cell in (model, *model["groups"].values())]
    found = [cell[rate] for cell in cells for rate in ("fpr", "fnr", "accuracy")]
    for row in judgement["gate"]:
        found += [row["value"], row["upper_bound"], row["baseline_value"], row["baseline_bound"]]
    told = [value for value in found if value is not None and value != round(value, 3)]
    return {f"{value:.{digits}f}" for value in told}


def numbers(text: str, digits: int = 4, of: int = 4) -> set[str]:
    """The numbers of a text that are written with at least `of` digits, to so many digits."""
    found = re.findall(rf"(?<![\w.])0\.\d{{{of},}}", text)
    return {f"{float(number):.{digits}f}" for number in found}


def areas(page: str) -> str:
    """The table of areas under the curves, which has three digits."""
    [table] = re.findall(r"<caption><span>Area under the ROC curve.*?</table>", page, re.DOTALL)
    return table


@pytest.fixture(scope="module")
def shared(place, tmp_path_factory) -> Workplace:
    """A place of its own, whose data are prepared once."""
    return place.copy(tmp_path_factory.mktemp("attempts") / "place")


@pytest.fixture
def own(shared) -> Workplace:
    """As if nothing had run there; what is known of the data stays. Each test has seeds of its own."""
    forget(shared.folder / "runs")
    for folder in (*shared.run_folders(), shared.folder / "serving"):
        shutil.rmtree(folder, ignore_errors=True)
    return shared


def test_one_attempt_is_shown_and_no_other_follows(own):
    blocked = own.run(*QUICK, "gate.limit=0.001", "trainer.seed=31")
    assert blocked.status == 3 and not blocked.verdict["attempt"]["sealed"]
    assert blocked.verdict["gate"][0]["value"] is not None
    for changes in (
        ("trainer.seed=5",),
        ("trainer.seed=5", "gate.attempts=2", "gate.confidence=0.9"),
    ):
        refused = own.run(*QUICK, *changes, first=False)
        assert refused.status == 1 and not (refused.folder / "verdict.json").exists()
        assert "FAILED: the gate did not look at this model" in refused.words
        assert f"attempt 1, run {blocked.folder.name}" in refused.words


def test_sealed_attempts_to_a_pass(own):
    first = own.run(*THREE, "trainer.seed=21")
    assert first.verdict["attempt"]["sealed"]
    passed = own.run(*QUICK, "gate.attempts=3", "gate.limit=0.9", "trainer.seed=22", first=False)
    assert passed.status == 0, passed.output
    assert (
        passed.verdict["attempt"]["number"] == 2 and passed.verdict["gate"][0]["value"] is not None
    )
    served = own.served()
    refused = own.run(*QUICK, "gate.attempts=3", "trainer.seed=23", first=False)
    assert refused.status == 1 and own.served() == served
    assert "passed, which ended the series" in refused.words
    early = refused.words.index("passed, which ended the series")
    assert early < refused.words.index("ConstrainedTrainer.baseline")
    # The block of before may be seen now; the same run again is enough.
    again = own.run(*THREE, "trainer.seed=21", first=False)
    assert again.verdict["attempt"]["number"] == 1 and again.verdict["gate"][0]["value"] is not None


def test_sealed_attempts_to_the_end(own, monkeypatch):
    first = own.run(*THREE)
    assert first.status == 3, first.output
    attempt = first.verdict["attempt"]
    assert (attempt["number"], attempt["of"], attempt["sealed"]) == (1, 3, True)
    assert first.verdict["gate"] == [] and "attempt 1 of 3 was blocked" in first.words
    sealed = shown(own, first)

    # The same again costs nothing, and tells nothing.
    again = own.run(*THREE, first=False)
    assert again.verdict | {"run_id": None} == first.verdict | {"run_id": None}

    # Another model, of a pipeline with another name: it fails after the gate has looked.
    other = (*THREE, "trainer.seed=5", "name=renamed")
    with monkeypatch.context() as broken:
        broken.setattr("components.report.page.render", lambda data: 1 / 0)
        failed = own.run(*other, first=False)
    assert failed.status == 1 and "ZeroDivisionError" in failed.words
    second = own.run(*other, first=False)
    assert second.verdict["attempt"] | {"test_digest": ""} == attempt | {
        "number": 2,
        "test_digest": "",
    }

    # One record more is the same test data, and the last attempt on it.
    last_shard = sorted(own.data.glob("*test*"))[-1]
    spare = sorted(own.data.glob("*validation*"))[0]
    import tensorflow as tf

    records = [r.numpy() for r in tf.data.TFRecordDataset(str(last_shard))]
    records.append(next(iter(tf.data.TFRecordDataset(str(spare)))).numpy())
    with tf.io.TFRecordWriter(str(last_shard)) as writer:
        for each in records:
            writer.write(each)
    third = own.run(*other, first=False)
    attempt = third.verdict["attempt"]
    assert (attempt["number"], attempt["sealed"]) == (3, False)
    assert attempt["test_digest"] != first.verdict["attempt"]["test_digest"]
    assert third.verdict["gate"][0]["value"] is not None
    refused = own.run(*THREE, "trainer.seed=6", "gate.attempts=9", first=False)
    assert refused.status == 1 and "The last attempt of run" in refused.words

    # The series has ended: what was sealed can be seen, and none of it was before.
    status, told = command(own, "unseal", f"tiny/{first.folder.name}")
    assert status == 0, told
    opened = first.verdict
    assert not opened["attempt"]["sealed"] and opened["gate"][0]["value"] is not None
    assert second.verdict["gate"], "every run of the series is shown"
    page, before = (
        (first.folder / "report.html").read_text(),
        sealed[str(first.folder / "report.html")],
    )
    validation = json.loads(sealed[str(first.folder / "verdict.json")])["validation"]["judgement"]
    assert figures(validation) <= numbers(before)
    # To eight digits no number of the test split is that of another. To four, some are by chance: they
    # are on the page, where the eight digits show that they are none of the test split's.
    exactly = figures(opened, 8) - figures(validation, 8)
    shortly = figures(opened) - numbers(before)
    assert len(exactly) > 10 and exactly <= numbers(page, 8, of=8) and len(shortly) > 5
    for where, text in sealed.items():
        assert not exactly & numbers(text, 8, of=8), where
        assert not shortly & numbers(text), where
    assert areas(page) != areas(sealed[str(first.folder / "report.html")])
    assert "on the test split" in page.lower() and "validation split" not in areas(page)
