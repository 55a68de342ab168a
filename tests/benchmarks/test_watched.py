"""Lives that are drawn side by side follow the law of the monitor's, and the page says what was found."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.gate import watched, watched_page
from benchmarks.gate.monitor import PAGE, measure
from benchmarks.gate.watched import BREAKS, LIVES, Life, Side
from fairgate.constraints.language import parse
from fairgate.monitoring.pieces import pieces
from fairgate.monitoring.rounds import Records, Rounds, stream
from fairgate.monitoring.wealth import Wealth


@pytest.mark.parametrize("lowest, rate", [(-0.05, 0.05), (-0.05, 0.3), (-0.4, 0.2)])
def test_the_capitals_of_lives_side_by_side_are_those_of_the_monitor(lowest, rate):
    payoffs = (np.random.default_rng(0).random((3, 700)) < rate) + lowest
    side = Side(lowest, 3)
    found = np.array([side.play(payoffs[:, r], r + 1) for r in range(700)]).T
    for life in range(3):
        logs = Wealth(lowest, 1 + lowest).play(payoffs[life], np.arange(700))
        usual = logs < 200  # what is larger is cut
        np.testing.assert_allclose(np.log(found[life][usual]), logs[usual], rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_drawn_rounds_have_the_sizes_and_means_of_the_monitors(share):
    life = Life("", "max_gap(FPR, [g]) <= 0.05", (0.3, 0.1), share)
    random = np.random.default_rng(0)
    drawn, taken = watched._gap_round(life)(random, np.zeros(20_000, np.int64))

    groups, said = watched.answers(life, 60_000, random)
    made = Rounds(pieces(parse(life.line, watched.GROUPS))[0])
    records = Records(
        np.zeros(60_000, bool),
        said,
        {rate.group: groups == rate.group.name for rate in made.piece.rates},
    )
    payoffs, ends = made.add([stream(rate, records) for rate in made.piece.rates])
    sizes = np.diff(ends, prepend=-1)
    error = 4 * math.hypot(taken.std() / 141, sizes.std() / len(sizes) ** 0.5)
    assert taken.mean() == pytest.approx(sizes.mean(), abs=error)
    for moment in (1, 2):
        one, other = (drawn - 0.05) ** moment, payoffs**moment
        error = 4 * math.hypot(one.std() / 141, other.std() / len(other) ** 0.5)
        assert one.mean() == pytest.approx(other.mean(), abs=error)


@pytest.mark.parametrize("life", [LIVES[1], LIVES[3]], ids=["rate", "gap"])
def test_lives_that_are_far_over_the_limit_have_alarms_both_ways_of_drawing(life):
    broken = Life("", life.line, (life.limit + 0.35, 0.05), life.share)
    assert watched.lives(broken, 50, 2000, 0) == 50
    assert watched.monitored(broken, 5, 2000, 0) == 5


def test_a_test_for_one_look_is_wrong_far_more_often_after_every_record():
    assert watched.looked_at(LIVES[1], 100, 3000, 0) > 15
    assert watched.lives(LIVES[1], 1000, 3000, 0) <= 50


def test_rates_that_move_together_move_every_five_thousand_records():
    life = LIVES[-1]
    assert watched.levels(life, np.array([0, 4999, 5000, 9999, 10_000])).tolist() == [
        0,
        0,
        life.change,
        life.change,
        0,
    ]


def test_a_break_is_counted_from_where_it_is():
    [early] = watched.found_after(BREAKS[0], 1, 3000, 0)
    [late] = watched.found_after(watched.Break((0.5, 0.1), after=3000), 1, 3000, 0)
    assert 0 < early < 2000 and 0 < late < 2000
    assert watched.found_after(watched.Break((0.1, 0.1)), 1, 500, 0) == [math.inf]


def test_the_page_says_what_was_found_and_a_second_run_asks_nothing_again(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.gate.monitor.LIVES", LIVES[1:2])
    monkeypatch.setattr("benchmarks.gate.monitor.BREAKS", BREAKS[:1])
    monkeypatch.setattr("benchmarks.gate.monitor._BREAK_RECORDS", 2000)
    page = tmp_path / "page.md"
    page.write_text(f"before\n{watched_page.BEGIN}\nold\n{watched_page.END}\nafter\n")
    measure(20, 2, 500, 0, 1, tmp_path, page)
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text
    alarms = watched.lives(LIVES[1], 20, 500, 0)
    assert f"| one rate of 0.2 | `FPR <= 0.2` | {alarms / 20:.2%} of 20 (" in text
    monkeypatch.setattr(watched, "found_after", lambda *_: pytest.fail("was asked again"))
    measure(20, 2, 500, 0, 1, tmp_path, page)
    assert page.read_text() == text
    page.write_text("no markers")
    with pytest.raises(ValueError, match="needs the lines"):
        measure(20, 2, 500, 0, 1, tmp_path, page)


def test_the_real_page_has_its_place_for_the_tables():
    text = PAGE.read_text()
    assert text.count(watched_page.BEGIN) == 1
    assert watched_page.END in text.partition(watched_page.BEGIN)[2]
