"""The suite: what is asked, how answers are measured, what the tables and the picture say."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Text

from benchmarks.peers.tasks import RATES, TEST, TRAIN, VALIDATION, Answer, Gaps, Task
from benchmarks.suite import chart, measuring, page, summary, tasks
from benchmarks.suite.contenders import BASELINE, CONTENDERS, OURS
from benchmarks.suite.measuring import Result
from benchmarks.suite.summary import Mean
from tests.benchmarks.made_up import a_task, people

GAPS = Gaps(("FPR", "TPR"), ("Sex", "Sex", "Age", "Age", "Age"), ("f", "m", "a", "b", "c"), 0.05)


# What is asked.


def test_there_are_twenty_tasks_and_more_with_names_of_their_own_on_every_source():
    from benchmarks.suite.sources import SOURCES

    assert len(tasks.TASKS) == len(tasks._ALL) >= 20
    assert {asked.source for asked in tasks.TASKS.values()} == set(SOURCES)
    assert {rate for asked in tasks.TASKS.values() for rate in asked.rates} == set(RATES)
    assert {len(asked.features) for asked in tasks.TASKS.values()} == {1, 2}


def test_parts_are_drawn_by_the_seed_and_numbers_scaled_by_the_training_rows_alone():
    task = a_task()
    assert [int(task.rows(part).sum()) for part in (TRAIN, VALIDATION, TEST)] == [300, 120, 180]
    numbers = task.x[task.rows(TRAIN)][:, :3]
    np.testing.assert_allclose(numbers.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(numbers.std(axis=0), 1, atol=1e-5)
    assert set(np.unique(task.x[:, 3:])) == {0.0, 1.0}
    assert task.rule.features == ("Sex", "Sex", "Age", "Age", "Age")
    assert (task.groups[:, :2].sum(axis=1) == 1).all() and (
        task.groups[:, 2:].sum(axis=1) == 1
    ).all()
    again = tasks.drawn(tasks.Asked("adult", ("FPR",), ("Sex",), 0.1), people(600), seed=4)
    assert (task.y != again.y).any()


def test_pictures_become_components_whose_training_rows_are_uncorrelated():
    random = np.random.default_rng(0)
    pixels = random.normal(size=(400, 100)) @ random.normal(size=(100, 100))
    known = replace(people(400), numeric=pixels, coded=np.zeros((400, 0)), pictures=True)
    task = tasks.drawn(tasks.Asked("smiles", ("FPR",), ("Sex",), 0.1), known, seed=0)
    assert task.x.shape == (400, tasks.COMPONENTS)
    x = task.x[task.rows(TRAIN)]
    np.testing.assert_allclose(x.T @ x / len(x), np.eye(tasks.COMPONENTS), atol=1e-3)


def test_a_task_and_an_answer_come_back_from_their_files(tmp_path):
    task = a_task()
    task.save(tmp_path / "task.npz")
    loaded = Task.load(tmp_path / "task.npz")
    assert loaded.rule == task.rule
    np.testing.assert_array_equal(loaded.x, task.x)
    answer = Answer(["one"], np.ones((1, 5)), 2.0, each=np.array([1.5]))
    answer.save(tmp_path / "answer.npz")
    assert Answer.load(tmp_path / "answer.npz").each.tolist() == [1.5]
    Answer.refused("It cannot.").save(tmp_path / "answer.npz")
    assert Answer.load(tmp_path / "answer.npz").refusal == "It cannot."


def test_a_rule_is_lines_of_the_language():
    assert GAPS.lines() == [
        "max_gap(FPR, [Sex]) <= 0.05",
        "max_gap(TPR, [Sex]) <= 0.05",
        "max_gap(FPR, [Age]) <= 0.05",
        "max_gap(TPR, [Age]) <= 0.05",
    ]
    assert GAPS.lines(0.1)[0] == "max_gap(FPR, [Sex]) <= 0.1"


@pytest.mark.parametrize("wrong", [{"rates": ()}, {"rates": ("AUC",)}, {"names": ("f", "m")}])
def test_a_rule_that_means_nothing_is_refused(wrong):
    with pytest.raises(ValueError):
        replace(GAPS, **wrong)


@given(st.integers(0, 2**32), st.lists(st.sampled_from(sorted(RATES)), min_size=1, unique=True))
def test_what_peers_measure_is_what_the_language_does(seed, rates):
    task = a_task(120, tuple(rates))
    p = np.random.default_rng(seed).random(len(task.y)).round(1)
    error, worst = measuring._rate(task, p, TEST)
    assert task.measured(p, TEST) == pytest.approx((error, worst), abs=1e-6)


# What an answer is worth.


def test_least_error_among_those_that_keep_the_rule_on_validation_is_chosen():
    task = a_task(2000, ("PPR",), 0.05)
    unfair = np.where(task.groups[:, 0] > 0, 1.0, task.y)
    nobody, everybody = np.zeros(len(task.y)), np.ones(len(task.y))
    found = measuring.measure(
        task, Answer(["unfair", "nobody", "everybody"], np.stack([unfair, nobody, everybody]), 6.0)
    )
    rows = task.rows(VALIDATION)
    better = "everybody" if task.y[rows].mean() > 0.5 else "nobody"
    assert (found.setting, found.useless, found.seconds) == (better, True, 6.0)
    assert found.worst == pytest.approx(-0.05)
    alone = measuring.measure(task, Answer(["unfair"], unfair[None], 1.0))
    assert alone.worst > 0 and not alone.passed
    named = Answer(["a", "b"], np.stack([unfair, nobody]), 3.0, each=np.array([1.0, 2.0]))
    assert measuring.measure(task, named, "b").seconds == 2.0


def test_a_model_that_knows_passes_the_gate_and_one_that_favours_does_not():
    task = a_task(6000, ("FPR",), 0.1)
    right = measuring.measure(task, Answer(["right"], task.y[None].astype(float), 1.0))
    assert right.passed and right.error == 0 and not right.useless
    unfair = np.where(task.groups[:, 0] > 0, 1.0, task.y)
    assert not measuring.measure(task, Answer(["unfair"], unfair[None], 1.0)).passed


def test_chance_is_drawn_the_same_way_each_time_and_rated_by_its_expectation():
    task = a_task(2000)
    half = np.full(len(task.y), 0.5)
    drawn = measuring.draw(task, half)
    np.testing.assert_array_equal(drawn, measuring.draw(task, half))
    assert set(drawn) == {0.0, 1.0}
    assert measuring.measure(task, Answer(["half"], half[None], 1.0)).error == pytest.approx(0.5)


def test_what_is_no_probability_is_refused_and_a_refusal_is_kept():
    task = a_task()
    with pytest.raises(ValueError, match="probabilities"):
        measuring.measure(task, Answer(["bad"], np.full((1, len(task.y)), 1.2), 1.0))
    assert measuring.measure(task, Answer.refused("It has no such rate.")).refusal


# Over seeds, over tasks, in pairs.


def result(error: float, worst: float = -0.01, passed: bool = True, **more) -> Result:
    return Result("s", error, worst, error, worst, passed, False, 1.0, **more)


def test_a_mean_has_students_interval():
    mean = Mean.of([1.0, 2.0, 3.0])
    assert mean.value == 2.0
    assert mean.half == pytest.approx(4.302652730 / math.sqrt(3))
    assert mean.error == pytest.approx(1 / math.sqrt(3))
    assert math.isnan(Mean.of([]).value) and math.isnan(Mean.of([1.0]).half)


@pytest.fixture
def peers(monkeypatch):
    blind = replace(CONTENDERS[OURS], environment="modern", setting=None)
    for name, contender in {"blind": blind, "seeing": replace(blind, sees_group=True)}.items():
        monkeypatch.setitem(CONTENDERS, name, contender)
    return [BASELINE, OURS, "blind", "seeing"]


TASK, OTHER = list(tasks.TASKS)[:2]


def some_results() -> dict:
    found = {}
    for seed in (0, 1):
        noise = 0.01 * seed
        found[BASELINE, TASK, seed] = result(0.10 + noise, 0.2, False)
        found[OURS, TASK, seed] = result(0.12 + noise, -0.01, True)
        found["blind", TASK, seed] = result(0.13 + 2 * noise, 0.0, seed == 0)
        found["seeing", TASK, seed] = result(0.11 + noise, -0.02, True)
    return found


def test_rows_are_paired_with_ours(peers):
    rows = {row.contender: row for row in summary.of_task(some_results(), TASK, peers, 2)}
    assert rows[OURS].against is None
    assert rows["blind"].against[0].value == pytest.approx(-0.015)
    assert rows["blind"].against[1].value == 0.0
    assert (rows["blind"].passed, rows["blind"].judged, rows["blind"].subject_passed) == (1, 2, 2)
    assert rows["blind"].passed_error.value == pytest.approx(0.13)
    assert rows[BASELINE].violation.value == pytest.approx(0.2)


def test_over_all_tasks_errors_are_less_the_baselines(peers):
    found = some_results()
    rows = {row.contender: row for row in summary.over_all(found, [TASK, OTHER], peers, 2)}
    assert rows[BASELINE].error.value == 0.0
    assert rows[OURS].error.value == pytest.approx(0.02)
    assert rows["blind"].against[0].value == pytest.approx(-0.015)
    assert (rows[OURS].passed, rows[OURS].judged) == (2, 2)


def test_the_rival_is_blind_and_as_fair(peers):
    found = some_results()
    [rival] = summary.rivals(found, [TASK, OTHER], peers, 2)
    assert (rival.peer, rival.verdict) == ("blind", "ahead")
    for seed in (0, 1):
        found["blind", TASK, seed] = result(0.09, 0.1 + 0.001 * seed)
    [unfair] = summary.rivals(found, [TASK], peers, 2)
    assert (unfair.peer, unfair.verdict) == ("", "ahead")
    for seed in (0, 1):
        found["blind", TASK, seed] = result(0.09 + 0.001 * seed, -0.1)
    [better] = summary.rivals(found, [TASK], peers, 2)
    assert (better.peer, better.verdict) == ("blind", "behind")
    [seeing] = summary.rivals(found, [TASK], peers, 2, sees_group=True)
    assert (seeing.peer, seeing.verdict) == ("seeing", "behind")
    assert seeing.difference.value == pytest.approx(0.01)


def test_models_that_nobody_wants_are_found(peers):
    found = some_results()
    assert summary.useless(found) == summary.worse_than_baseline(found) == []
    found[OURS, TASK, 0] = replace(result(0.2, 0.3, False), useless=True)
    assert summary.useless(found) == summary.worse_than_baseline(found) == [(OURS, TASK, 0)]
    text = page.page(found, [TASK], peers, 2)
    assert (
        f"Of FairGate, more error and more violation than the baseline: {TASK} with seed 0." in text
    )


def test_the_page_has_every_task_and_says_what_a_library_cannot(peers):
    found = some_results()
    for seed in (0, 1):
        found["seeing", TASK, seed] = Result(refusal="It compares one rate only.")
    text = page.page(found, [TASK], peers, 2, ["cooper is left out: no Python."])
    assert f"**{TASK}**: `max_gap(FPR, [Sex]) <= 0.03`, gate at 0.06" in text
    assert "| seeing | no answer: It compares one rate only. |" in text
    assert "- cooper is left out: no Python." in text
    assert "FairGate is ahead in 1, level in 0 and behind in 0 of 1 tasks." in text


def test_the_picture_shows_every_contender(peers, tmp_path):
    chart.draw(summary.over_all(some_results(), [TASK], peers, 2), tmp_path / "images" / "all.png")
    assert (tmp_path / "images" / "all.png").read_bytes().startswith(b"\x89PNG")
    assert "](images/all.png)" in page.page(some_results(), [TASK], peers, 2, (), "images/all.png")


def test_names_in_the_picture_do_not_touch_and_stay_in_their_order():
    cost = dict.fromkeys(CONTENDERS, 0.01) | {"commonest": 0.12, BASELINE: 0.0}
    rows = [
        replace(
            summary.of_task(some_results(), TASK, [OURS], 2)[0], contender=name, error=Mean.of([e])
        )
        for name, e in cost.items()
    ]
    figure = chart.drawn(rows)
    figure.draw_without_rendering()
    texts = sorted(figure.axes[0].texts, key=lambda each: Text.get_window_extent(each).y0)
    boxes = [Text.get_window_extent(each) for each in texts]  # without their lines
    assert len(boxes) == len(rows)
    assert all(lower.y1 <= upper.y0 for lower, upper in itertools.pairwise(boxes))
    assert all(figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1 for box in boxes)
    assert all(box.x1 <= figure.bbox.x1 for box in boxes)
    assert [texts[0].get_text(), texts[-1].get_text()] == [BASELINE, "commonest (+12.0, above)"]
