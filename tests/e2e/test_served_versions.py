"""A pass ends with its model as the newest version, or says that it is not served; and schedules."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from unittest import mock

import pytest

from components.evaluator.digests import files_digest
from pipeline.__main__ import main
from tests.e2e import runs
from tests.e2e.runs import Workplace, captured

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SHORT = ("trainer.steps=150", "trainer.snapshots=2", "gate.minimum_accuracy=0")
SHORT += ("gate.constraints.0=max_gap(FPR, [Team]) <= 0.9", "gate.better_than=nothing")


@pytest.fixture(scope="module")
def shop(place, tmp_path_factory) -> Workplace:
    """A place of its own: what is served there is nobody else's."""
    return place.copy(tmp_path_factory.mktemp("shop") / "place")


def model_of(run: runs.Run) -> Path:
    """The trained model that a run pushed, where the pipeline keeps it."""
    pushed = files_digest(run.verdict["pushed_model"])
    found = run.place.home.glob("artifacts/ConstrainedTrainer.constrained/model/*")
    [model] = [path for path in found if files_digest(str(path / "Format-Serving")) == pushed]
    return model


def serving(shop: Workplace, *arguments: str) -> tuple[int, dict]:
    """`fairgate serving ... --json`."""
    with captured() as output:
        status = main(["serving", *arguments, "--json", "--settings", str(shop.settings)])
    return status, json.loads(output[0][output[0].index("{") : output[0].rindex("}") + 1])


def if_new(shop: Workplace, *assignments: str) -> tuple[int, str, int]:
    """Status, words and number of new run folders of `run --if-new`."""
    before = len(shop.run_folders())
    shutil.rmtree(shop.ledger, ignore_errors=True)  # as `Workplace.run` does
    with mock.patch("pipeline.running.counted.require_known"), captured() as output:
        status = main([*shop.arguments((*SHORT, *assignments)), "--if-new"])
    return status, " ".join(output[0].split()), len(shop.run_folders()) - before


def test_from_one_model_to_another_and_back_the_newest_version_is_what_passed(shop):
    one = shop.run(*SHORT)
    assert one.status == 0, one.output
    two = shop.run(*SHORT, "trainer.seed=11")
    assert two.status == 0 and len(shop.versions()) == 2
    again = shop.run(*SHORT)
    assert again.status == 0 and len(shop.versions()) == 3
    assert again.verdict["pushed_model"] == str(shop.versions()[-1])
    weights = "variables/variables.data-00000-of-00001"
    served = [(version / weights).read_bytes() for version in shop.versions()]
    assert served[0] == served[2] != served[1]
    assert "it is pushed again, so that it is served" in again.words
    assert again.steps["Pusher"] == "done" and again.steps["Evaluator"] == "reused"


def test_a_damaged_version_is_pushed_anew(shop):
    newest = shop.versions()[-1]
    (newest / "variables" / "variables.index").unlink()
    run = shop.run(*SHORT)
    assert run.status == 0 and run.verdict["pushed_model"] == str(shop.versions()[-1])
    assert shop.versions()[-1] != newest
    assert f"Version {newest.name} is not as it was pushed" in run.words
    _, listed = serving(shop, "list")
    assert [row["state"] for row in listed["versions"]] == ["newest", "damaged", "older", "older"]
    assert listed["versions"][0]["run"] == run.folder.name


@pytest.mark.parametrize("how", ["altered", "gone"])
def test_a_blessed_model_that_was_changed_or_is_gone_is_made_again(shop, how):
    model = model_of(shop.run(*SHORT))
    before = shop.executions()
    [weights] = model.glob("Format-Serving/variables/*.data-*")
    if how == "gone":
        shutil.rmtree(model)
    else:
        content = bytearray(weights.read_bytes())
        content[len(content) // 2] ^= 1
        weights.write_bytes(content)
    run = shop.run(*SHORT)
    assert run.status == 0, run.output
    assert {"ConstrainedTrainer.constrained", "Evaluator", "Pusher"} <= shop.worked(before)
    assert "ConstrainedTrainer.baseline" not in shop.worked(before)
    if how == "altered":
        assert "are gone or were changed since it was made: it is made again" in run.words


def test_where_the_change_is_not_noticed_the_message_names_the_way_out(shop):
    """Such as after runs were moved to another machine without what was kept of their contents."""
    model = model_of(shop.run(*SHORT))
    (shop.home / "contents.json").unlink()
    [weights] = model.glob("Format-Serving/variables/*.data-*")
    weights.write_bytes(b"?" * weights.stat().st_size)
    before = shop.versions()
    failed = shop.run(*SHORT)
    assert failed.status == 1 and shop.versions() == before
    assert "is stale: it was given for another model" in failed.words
    assert "run it once with --set cache=false" in failed.words
    assert shop.run(*SHORT, "cache=false").status == 0
    # That was the way out: all is well from here.
    assert shop.run(*SHORT).status == 0


def test_what_a_person_went_back_from_is_not_served_by_the_next_run(shop):
    good = shop.run(*SHORT)
    bad = shop.run(*SHORT, "trainer.seed=12")
    assert (good.status, bad.status) == (0, 0)
    first, second = (Path(run.verdict["pushed_model"]).name for run in (good, bad))
    status, made = serving(shop, "roll-back", first)
    assert status == 0 and made["copy_of"] == int(first) and made["instead_of"] == int(second)
    before = shop.versions()
    run = shop.run(*SHORT, "trainer.seed=12")
    assert run.status == 3 and shop.versions() == before
    assert run.verdict["blessed"] and not run.verdict["pushed"]
    said = f"The model passed and is not served: it is version {second}"
    assert f"PASSED: nothing was pushed. {said}" in run.words
    assert f"serving roll-back {second} --folder" in run.words
    with captured() as output:
        assert main(["show", "--runs", str(shop.folder / "runs")]) == 3
    assert "passed" in output[0] and "but it is not served" in " ".join(output[0].split())
    assert if_new(shop, "trainer.seed=12")[::2] == (0, 0)
    # The settings whose model is served find it there.
    assert shop.run(*SHORT).verdict["pushed_model"] == str(before[-1])
    assert serving(shop, "roll-back", second)[0] == 0
    run = shop.run(*SHORT, "trainer.seed=12")
    assert run.status == 0 and run.verdict["pushed_model"] == str(shop.versions()[-1])


def test_a_schedule_runs_only_where_something_is_new(shop):
    assert shop.run(*SHORT).status == 0
    status, words, new = if_new(shop)
    assert (status, new) == (0, 0)
    assert words.startswith("Nothing is new since run tiny/") and "which pushed its model" in words
    # New settings; and then they are not new any more, though a gate that blocks pushes nothing.
    blocking = "gate.constraints.0=max_gap(FPR, [Team]) <= 0.001"
    assert if_new(shop, blocking)[::2] == (3, 1)
    status, words, new = if_new(shop, blocking)
    assert (status, new) == (0, 0) and "which was blocked" in words
    # Data that were written again.
    shard = sorted(shop.data.glob("*train*"))[0]
    shard.write_bytes(shard.read_bytes())
    assert if_new(shop)[::2] == (0, 1)
    assert if_new(shop)[::2] == (0, 0)
    # What it pushed is not what is served.
    shutil.rmtree(shop.versions()[-1])
    assert if_new(shop)[::2] == (0, 1)
    # A run that failed is no reason not to run.
    schema = shop.data / "schema.pbtxt"
    kept = schema.read_text()
    schema.write_text("no schema")
    assert if_new(shop)[0] == 1 and if_new(shop)[0] == 1
    schema.write_text(kept)
    assert if_new(shop)[::2] == (0, 0)
