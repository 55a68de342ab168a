"""Dual updates on data: a tiny training with two of them, what is kept, and what the tables say."""

from __future__ import annotations

import dataclasses

import pytest

from benchmarks.duals import data_page, on_data
from benchmarks.duals.__main__ import PAGE
from benchmarks.duals.on_data import DEFAULT, UPDATES, Play
from benchmarks.suite import tasks
from benchmarks.suite.answers import Store
from components.constrained_trainer.config import MultiplierConfig
from tests.benchmarks.made_up import a_task, people

PLAY = Play(0.2, 0.21, 0.0, 0.25, 0.01, 0.02, 0.03, 4.0)


def test_updates_differ_from_the_default_in_the_settings_of_the_multipliers_alone():
    made = [MultiplierConfig(**update.settings) for update in UPDATES.values()]
    assert made[0] == MultiplierConfig()
    assert all(one != other for i, one in enumerate(made) for other in made[:i])


@pytest.mark.slow
def test_a_training_with_each_update_is_measured():
    names = [DEFAULT, "proxy-Lagrangian"]
    found = dict(on_data.played(a_task(900), names, steps=60, snapshots=6))
    assert list(found) == names
    assert len({play.baseline for play in found.values()}) == 1
    for play in found.values():
        assert all(0 <= value <= 1 for value in list(dataclasses.asdict(play).values())[:-1])
        assert play.error < 0.5
    assert found[DEFAULT] != found["proxy-Lagrangian"]


def test_what_was_trained_is_not_trained_again(tmp_path, monkeypatch):
    monkeypatch.setattr(tasks, "source", lambda name, folder, cached: people(600))
    asked = []
    monkeypatch.setattr(
        on_data, "played", lambda task, names: [(n, PLAY) for n in names if not asked.append(n)]
    )
    store, task = Store(tmp_path / "keep", tmp_path), "adult-fpr-sex"
    first = on_data.compare([DEFAULT], [task], 2, store)
    both = on_data.compare([DEFAULT, "gradient ascent"], [task], 2, store)
    assert first == {(DEFAULT, task, seed): PLAY for seed in (0, 1)}
    assert set(both) == {(n, task, seed) for n in (DEFAULT, "gradient ascent") for seed in (0, 1)}
    assert asked == [DEFAULT] * 2 + ["gradient ascent"] * 2


def test_the_table_is_of_means_over_tasks_and_seeds():
    other = dataclasses.replace(PLAY, error=0.2, violation=0.02)
    text = data_page.section({(DEFAULT, "a", 0): PLAY, (DEFAULT, "b", 0): other})
    row = f"| {DEFAULT} | +0.50 | 0.0100 | +5.00 | 0.0100 | 2.00 | 0.0300 | 4 |"
    assert row in text.partition("Over all of them")[2].partition("<details>")[0]
    assert f"| {DEFAULT} | +1.00 | 0.0000 |" in text.partition("<summary>a</summary>")[2]


def test_the_page_has_the_updates():
    text = PAGE.read_text().partition(data_page.BEGIN)[2].partition(data_page.END)[0]
    for name in UPDATES:
        assert name in text
