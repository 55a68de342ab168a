"""Rounds of a bet: which records they hold, and that they are fair, by exact enumeration."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairgate.constraints.language import parse
from fairgate.constraints.rates import RATES, Counts, Group
from fairgate.monitoring import rounds
from fairgate.monitoring.pieces import Piece, pieces
from fairgate.monitoring.rounds import Records, Rounds, stream
from fairgate.monitoring.wealth import Wealth

UNHURRIED = settings(deadline=None)

GROUPS = {"g": ["a", "b"]}
A, B = Group("g", "a"), Group("g", "b")


def piece(text: str) -> Piece:
    return pieces(parse(text, GROUPS, from_counts=True))[0]


def records(rows) -> Records:
    """Of (group, label, decision), one for each record."""
    rows = list(rows)
    group = np.array([row[0] for row in rows], dtype=object)
    label, decision = (np.array([row[k] for row in rows], dtype=bool) for k in (1, 2))
    return Records(label, decision, {A: group == "a", B: group == "b"})


def add(made: Rounds, rows: Records):
    return made.add([stream(rate, rows) for rate in made.piece.rates])


rows_of_any_kind = st.lists(st.tuples(st.sampled_from("ab"), st.booleans(), st.booleans()))


@UNHURRIED
@given(rows_of_any_kind)
def test_a_stream_counts_what_the_rate_counts(rows):
    found = records(rows)
    cells = [
        Counts(tp=y and p, fp=not y and p, tn=not y and not p, fn=y and not p)
        for g, y, p in rows
        if g == "a"
    ]
    total = sum(cells, Counts(0, 0, 0, 0))
    for rate in RATES:
        made = stream(piece(f"{rate} | [a] <= 0.5").rates[0], found)
        assert (made.hits[-1], len(made.places)) == total.trials(rate), rate


def test_a_round_takes_all_records_of_disjoint_rates():
    made = Rounds(piece("FPR | [a] - FPR | [b] <= 0.05"))
    rows = [
        ("a", 0, 1),
        ("a", 0, 0),
        ("a", 1, 1),
        ("a", 0, 0),
        ("b", 0, 1),
        ("b", 0, 0),
        ("a", 0, 1),
    ]
    payoffs, ends = add(made, records(rows))
    assert payoffs.tolist() == pytest.approx([1 / 3 - 1 / 2 - 0.05]) and ends.tolist() == [5]
    assert made.seen == [1, 0] and made.hits == [1, 0]


def test_a_round_takes_the_first_records_of_rates_that_share_some():
    made = Rounds(piece("ACC | [a] - ACC <= 0.05"))
    rows = [("b", 1, 1), ("b", 1, 1), ("b", 1, 0), ("a", 1, 1), ("a", 0, 1), ("a", 1, 1)]
    payoffs, ends = add(made, records(rows))
    assert payoffs.tolist() == pytest.approx([1 / 2 - 2 / 2 - 0.05]) and ends.tolist() == [4]
    assert made.seen == [1, 1]


@pytest.mark.parametrize(
    "text", ["FPR | [a] - FPR | [b] <= 0.05", "ACC | [a] - ACC <= 0.05", "FPR | [a] <= 0.1"]
)
@UNHURRIED
@given(rows=rows_of_any_kind, data=st.data())
def test_however_records_are_divided_the_rounds_are_the_same(text, rows, data):
    whole = Rounds(piece(text))
    payoffs, ends = add(whole, records(rows))
    parts, found, start = Rounds(piece(text)), [], 0
    while start < len(rows):
        end = data.draw(st.integers(start + 1, len(rows)))
        some, at = add(parts, records(rows[start:end]))
        found += zip(some.tolist(), (at + start).tolist(), strict=True)
        restarted = Rounds(piece(text))
        restarted.restore(parts.as_document())
        parts, start = restarted, end
    assert found == list(zip(payoffs.tolist(), ends.tolist(), strict=True))
    assert parts.as_document() == whole.as_document()


def capital(text: str, rows) -> tuple[list[float], float]:
    """Capital after each record, and the most of it."""
    made = Rounds(piece(text))
    payoffs, ends = add(made, records(rows))
    logs = Wealth(made.piece.lowest, made.piece.highest).play(payoffs, ends + 1)
    worth = [1.0] * (len(rows) + 1)
    for end, log in zip(ends, logs, strict=True):
        worth[end + 1 :] = [math.exp(log)] * (len(rows) - end)
    return worth[1:], max(worth)


@pytest.mark.parametrize("rates", [(0.2, 0.1), (1.0, 0.9), (0.55, 0.45), (0.1, 0.0)])
@pytest.mark.parametrize("share", [0.5, 0.2])
def test_a_gap_at_its_limit_is_a_fair_game_at_every_time_exactly(monkeypatch, rates, share):
    """All sequences of five records of two groups, each with its probability."""
    monkeypatch.setattr(rounds, "FEWEST", 1)  # more rounds in so few records
    means = np.zeros(5)
    chances = {
        (group, 0, x): of * (rate if x else 1 - rate)
        for group, of, rate in zip("ab", (share, 1 - share), rates, strict=True)
        for x in (0, 1)
    }
    for rows in product(chances, repeat=len(means)):
        probability = math.prod(chances[row] for row in rows)
        if probability:
            means += probability * np.array(capital("FPR | [a] - FPR | [b] <= 0.1", rows)[0])
    np.testing.assert_allclose(means, 1.0, rtol=1e-9)


@pytest.mark.parametrize("of_a, of_b", [(0.9, 0.5), (0.5, 0.1), (1.0, 0.6)])
@pytest.mark.parametrize("share, fewest, size", [(0.5, 1, 5), (0.2, 1, 5), (0.5, 2, 6)])
def test_rates_that_share_records_reach_no_level_more_often_than_ville_allows(
    monkeypatch, of_a, of_b, share, fewest, size
):
    """ACC | [a] - ACC at its limit, all sequences of five or six records."""
    monkeypatch.setattr(rounds, "FEWEST", fewest)
    limit = (1 - share) * (of_a - of_b)
    text = f"ACC | [a] - ACC <= {limit!r}"
    chances = {
        (group, 1, x): of * (rate if x else 1 - rate)
        for group, of, rate in zip("ab", (share, 1 - share), (of_a, of_b), strict=True)
        for x in (0, 1)
    }
    found = []
    for rows in product(chances, repeat=size):
        probability = math.prod(chances[row] for row in rows)
        if probability:
            found.append((capital(text, rows)[1], probability))
    most = np.array(found)
    for level in np.unique(most[:, 0]):
        assert most[most[:, 0] >= level, 1].sum() <= 1 / level + 1e-12
    assert most[:, 0].max() > 1.02


def test_taking_all_records_of_rates_that_share_some_would_be_no_fair_game(monkeypatch):
    """Why the first ones are taken: the mean payoff of a round is then not the piece's."""
    monkeypatch.setattr(rounds, "FEWEST", 1)
    rates, share = {"a": 1.0, "b": 0.6}, 0.3
    overall = share * rates["a"] + (1 - share) * rates["b"]
    mean_of_all = sum(  # n records of others, then one of a, which ends the round
        share * (1 - share) ** n * (n * rates["b"] + rates["a"]) / (n + 1) for n in range(500)
    )
    assert abs(mean_of_all - overall) > 0.05
