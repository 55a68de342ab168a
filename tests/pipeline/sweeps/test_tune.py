"""What a search keeps after each trial: a record, and a settings file that a run takes."""

from __future__ import annotations

import io
import json

import pytest
import yaml
from rich.console import Console

from components.constrained_trainer.search.budget import Budget
from components.constrained_trainer.search.tuning import Trial
from pipeline import settings
from pipeline.sweeps import tune

GIVEN = """
name: mine
trainer:
  constraints: ["max_gap(FPR, [Young]) <= 0.01"]
  steps: 500
  multipliers: {smoothing: 0.25}
gate: {minimum_accuracy: 0.7}
data: {path: "data/$${HOME}"}
"""
FOUND = {
    "learning_rate": 0.00321,
    "weight_decay": 1e-05,
    "multipliers.learning_rate": 0.05,
    "multipliers.proportional": 1.5,
    "constraints": ["max_gap(FPR, [Young]) <= 0.025"],
}


@pytest.fixture
def search(tmp_path):
    given = tmp_path / "given.yaml"
    given.write_text(GIVEN)
    tree = settings.load([str(given)], ["trainer.batch_size=128"])
    printed = Console(file=io.StringIO(), width=200)
    return tune._Search(tree, Budget(trials=5), tmp_path / "tuned.yaml", tmp_path, printed, 1234)


def printed(search) -> str:
    return search.console.file.getvalue()


def test_the_settings_file_is_the_users_with_what_was_found(search):
    search.keep([])
    search.keep([Trial(0, FOUND | {"learning_rate": 0.001}, 0.2, 0.01)])
    search.keep([*search.trials, Trial(1, FOUND, 0.25, -0.01)])
    text = search.file.read_text()
    assert text.startswith("# Found by fairgate tune in ")
    assert "# Chosen: trial 2 of 2, with an error of 0.2500" in text
    tree = yaml.safe_load(text)
    assert tree == {
        "name": "mine",
        "trainer": {
            "constraints": ["max_gap(FPR, [Young]) <= 0.025"],
            "steps": 500,
            "batch_size": 128,
            "learning_rate": 0.00321,
            "weight_decay": 1e-05,
            "multipliers": {"smoothing": 0.25, "learning_rate": 0.05, "proportional": 1.5},
        },
        "gate": {"minimum_accuracy": 0.7},
        "data": {"path": "data/$${HOME}"},
    }
    loaded = settings.load([str(search.file)])
    assert loaded.trainer.multipliers.proportional == 1.5 and loaded.data.path == "data/${HOME}"
    # Whatever was not found is as it was.
    same = {"trainer": search.settings.trainer}
    assert loaded.model_copy(update=same) == search.settings


def test_where_nothing_better_was_found_the_settings_stay_as_they_are(search):
    search.keep([])
    search.keep([Trial(0, FOUND, 0.2, -0.01)])
    search.keep([*search.trials, Trial(1, FOUND, 0.2, -0.01)])
    assert settings.load([str(search.file)]) == search.settings
    assert "the settings as they were" in search.file.read_text()


def test_the_record_has_every_trial_and_no_number_that_is_none(search):
    search.keep([])
    search.keep([Trial(0, FOUND, problem="the loss is not finite at step 7")])
    search.keep([*search.trials, Trial(1, FOUND, 0.25, 0.02)])
    record = json.loads((search.folder / "trials.json").read_text())
    assert record["best"] == 1 and record["examples"] == 1234
    assert record["budget"] == {"trials": 5, "seconds": None}
    first, second = record["trials"]
    assert first["excess"] is None and first["problem"].startswith("the loss")
    assert second == {
        "number": 1,
        "settings": FOUND,
        "error_rate": 0.25,
        "excess": 0.02,
        "seconds": 0.0,
        "problem": None,
        "passes": False,
    }


def test_each_trial_is_told_once_and_those_of_before_are_not(search):
    before = [Trial(0, FOUND, 0.2, 0.01), Trial(1, FOUND, 0.2, 0.01)]
    search.keep(before)
    search.keep([*before, Trial(2, FOUND, 0.2, 0.01)])
    lines = printed(search).splitlines()
    assert lines[0] == "The search was begun before: it goes on from trial 3."
    assert len(lines) == 2 and lines[1].startswith("trial 3: error 0.2000")


def test_a_search_that_was_stopped_shows_what_it_has(search):
    search.show("fairgate")
    assert printed(search) == ""  # nothing had ended
    search.keep([])
    search.keep([Trial(0, FOUND, 0.2, 0.01)])
    search.show("fairgate")
    assert f"Next: fairgate run --settings {search.file}" in printed(search)
    assert (search.folder / "trials.png").read_bytes().startswith(b"\x89PNG")


def test_a_file_of_a_search_may_be_written_again(search):
    search.keep([Trial(0, FOUND, 0.2, 0.01)])
    tune._require_ours(search.file)
    tune._require_ours(search.folder / "new.yaml")
