"""Running again: everything is re-used that did not change, and nothing else."""

from __future__ import annotations

import html
import shutil

import pytest

from tests.e2e import runs
from tests.e2e.runs import Run
from tests.tiny_dataset import write_split

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

NODES = set(runs.NODES)
TRAINERS = {"ConstrainedTrainer.baseline", "ConstrainedTrainer.constrained"}
AFTER_TRAINING = {"Evaluator", "Report", "Pusher"}
# Looks every time what is served, and leaves it where all is well.
LOOKS = {"Pusher"}


def reused(run: Run) -> set[str]:
    return {node for node, outcome in run.steps.items() if outcome == "reused"}


def test_the_first_run_executes_every_node_once(passed, place):
    assert {node: states[:1] for node, states in place.executions().items()} == {
        node: ["COMPLETE"] for node in NODES
    }


def test_unchanged_inputs_re_use_everything(passed, place):
    # What other tests served meanwhile, or made ML Metadata forget, is new to the first run after them.
    first = place.run()
    before, served = place.executions(), place.served()
    again = place.run()
    assert first.status == again.status == 0
    assert place.worked(before) == LOOKS and reused(again) == NODES
    after = place.executions()
    assert all(after[node][len(before[node]) :] == ["CACHED"] for node in NODES - LOOKS)
    # The same model stays where it is, and the verdict is the same but for the name of the run.
    assert place.served() == served
    assert again.verdict | {"run_id": None} == first.verdict | {"run_id": None}
    assert again.verdict["models"] == passed.verdict["models"]
    assert "unchanged" in again.words or "reused" in again.words
    # The re-used report is of this run nevertheless.
    assert again.folder.name in (again.folder / "report.html").read_text()


def test_a_result_of_which_a_part_is_gone_is_made_again(passed, place):
    before = place.executions()
    folder = place.home / "artifacts" / "Transform" / "transformed_examples"
    newest = max(folder.glob("[0-9]*"), key=lambda each: int(each.name))
    for file in (newest / "Split-train").iterdir():
        file.unlink()
    again = place.run()
    assert again.status == passed.status
    assert place.worked(before) == {"Transform"} | TRAINERS | AFTER_TRAINING
    assert "files" in again.words and "are gone or were changed" in again.words
    assert [each.name for each in folder.glob("*.incomplete-*")]
    # From the same data, the same models: it is no other look at the test split.
    assert again.verdict["models"] == passed.verdict["models"]


def test_another_limit_judges_again_and_blocks_with_status_3(passed, place):
    before, served = place.executions(), place.served()
    blocked = place.run("gate.limit=0.001")
    assert blocked.status == 3
    assert place.worked(before) == AFTER_TRAINING and reused(blocked) == NODES - AFTER_TRAINING
    assert place.served() == served  # untouched
    verdict = blocked.verdict
    assert verdict["blessed"] is False and verdict["pushed"] is False
    assert verdict["pushed_model"] is None
    [reason] = verdict["reasons"]
    assert "max_gap(FPR, [Team]) <= 0.001" in reason and "over the limit" in reason
    assert "BLOCKED: nothing was pushed" in blocked.words and "0.001" in blocked.words
    assert verdict["outcome"] in ("undecided", "over the limit")
    assert any("could be promised of this very model today" in each for each in verdict["advice"])
    assert not any("can hardly be passed" in each for each in verdict["advice"])  # of no model yet
    assert all(sentence in blocked.words for sentence in verdict["advice"])
    page = (blocked.folder / "report.html").read_text()
    assert "✕ Blocked" in page and "so nothing was pushed" in page and reason in html.unescape(page)
    # The numbers are those of the same models.
    assert verdict["models"] == passed.verdict["models"]


def test_a_setting_of_the_trainer_trains_and_judges_again(passed, place):
    before, versions = place.executions(), place.versions()
    run = place.run("trainer.seed=11")
    assert run.status == 0
    assert place.worked(before) == TRAINERS | AFTER_TRAINING
    assert run.verdict["models"] != passed.verdict["models"]
    # A newer version beside the older one.
    assert len(place.versions()) == len(versions) + 1 and place.versions()[:-1] == versions
    assert run.verdict["pushed_model"] == str(place.versions()[-1])


def test_a_constraint_of_the_trainer_leaves_the_baseline_alone(passed, place):
    before = place.executions()
    run = place.run("trainer.constraints.0=FPR | [Blue] <= 0.05")
    assert run.status in (0, 3)
    assert place.worked(before) == {"ConstrainedTrainer.constrained"} | AFTER_TRAINING
    groups = run.verdict["models"]["constrained"]["groups"]
    unconstrained = run.verdict["models"]["baseline"]["groups"]
    # The constraint is on Blue, whose rate it lowers: not on the group that comes first by name.
    assert groups["Blue"]["fpr"] < unconstrained["Blue"]["fpr"] - 0.03
    assert run.verdict["models"]["baseline"] == passed.verdict["models"]["baseline"]


def test_changed_code_of_the_trainer_never_gives_a_stale_model(passed, place, monkeypatch):
    from components.constrained_trainer import component

    before = place.executions()
    monkeypatch.setattr(component, "code_fingerprint", lambda *modules: "another")
    run = place.run()
    assert run.status == 0
    assert place.worked(before) == TRAINERS | AFTER_TRAINING
    # Back to the code of before: its results are still there.
    monkeypatch.undo()
    before = place.executions()
    assert place.run().status == 0 and place.worked(before) == LOOKS


def test_changed_data_re_runs_everything_but_the_schema(passed, place, tmp_path):
    before = place.executions()
    kept = tmp_path / "kept"
    shutil.copytree(place.data, kept)
    try:
        people = place.world.people(900, seed=77)
        write_split(place.data, "train", people, place.world)
        run = place.run()
    finally:
        shutil.copytree(kept, place.data, dirs_exist_ok=True)
    assert run.status == 0
    assert place.worked(before) == NODES - {"ImportSchemaGen"}


def test_without_the_cache_everything_runs(passed, place):
    before = place.executions()
    run = place.run("cache=false", "trainer.steps=20", "trainer.snapshots=1")
    assert place.worked(before) == NODES and reused(run) == set()


def test_a_model_that_was_taken_away_is_pushed_again(passed, place, tmp_path):
    assert place.run().status == 0
    shutil.move(place.folder / "serving", tmp_path / "kept")
    try:
        before = place.executions()
        run = place.run()
        assert run.status == 0
        assert place.worked(before) == {"Pusher"}
        [version] = place.versions()
        assert (
            run.verdict["pushed_model"] == str(version) and (version / "saved_model.pb").is_file()
        )
        # And then it stays.
        before = place.executions()
        assert reused(place.run()) == NODES and place.worked(before) == LOOKS
        assert place.versions() == [version]
    finally:
        shutil.copytree(tmp_path / "kept", place.folder / "serving", dirs_exist_ok=True)
