"""What is shown of a search: its sentences, its table and its picture."""

from __future__ import annotations

import math

import numpy as np
import pytest
from matplotlib.figure import Figure
from rich.console import Console

from components.constrained_trainer.search.tuning import Trial
from pipeline.sweeps import trials

SETTINGS = {
    "learning_rate": 0.00123,
    "batch_size": 1024,
    "constraints": ["max_gap(FPR, [Young]) <= 0.02", "TPR | [Young] >= 0.7"],
}
FIRST = Trial(0, SETTINGS, 0.21, 0.013, 12.0)
PASSING = Trial(1, SETTINGS, 0.2234, -0.0071, 13.5)
USELESS = Trial(2, SETTINGS, 0.4, seconds=9.0, problem="no model of any use was found")
EXPLODED = Trial(3, SETTINGS, seconds=1.0, problem="the loss is not finite at step 7")
ALL = [FIRST, PASSING, USELESS, EXPLODED]


@pytest.mark.parametrize(
    ("ended", "best", "said"),
    [
        (ALL, PASSING, "trial 2 of 4, with an error of 0.2234"),
        (ALL, PASSING, "(0.2100 with the settings as they were)"),
        (ALL, PASSING, "predicted to let it pass, 0.0071 within its limits."),
        ([FIRST], FIRST, "trial 1 of 1, with an error of 0.2100"),
        ([FIRST], FIRST, "the settings as they were; the budget left no room for others"),
        (
            [FIRST, USELESS],
            FIRST,
            "the settings as they were, which no other trial was better than",
        ),
        (
            [FIRST],
            FIRST,
            "No trial is predicted to pass the gate; this one is nearest, 0.0130 beyond",
        ),
        ([EXPLODED], EXPLODED, "No trial made a model of use: the settings stay as they were."),
    ],
)
def test_it_is_said_what_was_chosen_and_what_that_is_worth(ended, best, said):
    assert said in " ".join(trials.words(ended, best))


@pytest.mark.parametrize(
    ("trial", "said"),
    [
        (FIRST, "trial 1: error 0.2100, not predicted to pass, 0.0130 beyond its limits (12.0 s)"),
        (PASSING, "trial 2: error 0.2234, predicted to pass, 0.0071 within its limits (13.5 s)"),
        (USELESS, "trial 3: no model of any use was found (9.0 s)"),
        (
            Trial(4, {}, 0.2),
            "trial 5: error 0.2000, not predicted to pass, nothing can be predicted",
        ),
    ],
)
def test_each_trial_has_its_line(trial, said):
    assert trials.sentence(trial).startswith(said)


def columns(table):
    return {column.header.replace("\n", " "): list(column.cells) for column in table.columns}


def test_the_table_has_the_numbers_that_were_tried_and_marks_the_best():
    cells = columns(trials.table(ALL, PASSING))
    assert cells["trial"] == ["1", "* 2", "3", "4"]
    assert cells["error"] == ["0.2100", "0.2234", "0.4000", "-"]
    assert cells["beyond gate"] == ["+0.0130", "-0.0071", "-", "-"]
    assert cells["learning rate"][0] == "0.00123" and cells["batch"][0] == "1,024"
    assert cells["limit"][0] == "0.02 0.7"  # of two constraints
    assert "weight decay" not in cells  # it was not searched


def test_a_table_of_all_that_is_searched_fits_a_terminal():
    names = ("learning_rate", "weight_decay", "multipliers.learning_rate")
    all_of_it = SETTINGS | dict.fromkeys(names, 0.00123)
    all_of_it |= {"steps": 2535, "multipliers.proportional": 2.83}
    console = Console(width=80, record=True)
    console.print(trials.table([Trial(0, all_of_it, 0.3917, 0.1165, 268.3)], FIRST))
    text = console.export_text()
    assert "…" not in text and max(map(len, text.splitlines())) <= 80
    for shown in ("0.3917", "+0.1165", "0.00123", "1,024", "2,535", "2.83", "268.3", "learning"):
        assert shown in text


def test_of_many_trials_the_best_and_the_first_are_listed():
    errors = np.random.default_rng(0).permutation(40) / 100
    many = [Trial(0, SETTINGS, 0.9, 1.0)]
    many += [Trial(n + 1, SETTINGS, error, -0.01) for n, error in enumerate(errors)]
    best = many[1 + int(np.argmin(errors))]
    table = trials.table(many, best)
    cells = columns(table)
    assert table.title == "The best of 41 trials" and cells["trial"][0] == "1"
    assert sorted(cells["error"][1:]) == [f"{n / 100:.4f}" for n in range(10)]


def test_the_picture_has_each_trial_with_numbers_and_names_two(tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, file: saved.append(figure))
    assert trials.draw(ALL, PASSING, "title", "subtitle", tmp_path / "trials.png")
    [axes] = saved[0].axes
    places = [
        tuple(np.ravel(line.get_xydata())) for line in axes.lines if len(line.get_xdata()) == 1
    ]
    assert places == [(0.013, 0.21), (-0.0071, 0.2234)]
    texts = {text.get_text() for text in axes.texts}
    assert {"settings as they were", "chosen: trial 2"} <= texts


def test_trials_without_numbers_leave_no_picture(tmp_path):
    assert not trials.draw([USELESS, EXPLODED], USELESS, "", "", tmp_path / "trials.png")
    assert list(tmp_path.iterdir()) == []
    assert math.isinf(USELESS.cost)
