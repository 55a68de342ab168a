"""The capital of who bets: its formula, its fairness by exact enumeration, its bounds."""

from __future__ import annotations

import json
import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairgate.documents import to_json
from fairgate.monitoring.wealth import FRACTIONS, Wealth, pocket

UNHURRIED = settings(deadline=None)


def played(payoffs, lowest=-0.2, highest=0.8) -> tuple[Wealth, np.ndarray]:
    wealth = Wealth(lowest, highest)
    payoffs = np.asarray(payoffs, float)
    return wealth, wealth.play(payoffs, np.arange(1, len(payoffs) + 1))


def by_hand(payoffs, lowest, over=0.0) -> float:
    """K_r(over) as its definition has it, in plain loops."""
    total = 1.0 if not len(payoffs) else 0.5 / (1 + math.log1p(len(payoffs)))
    left = [1.0] + [0.5 / (1 + math.log1p(r)) for r in range(1, len(payoffs) + 1)]
    for fraction in FRACTIONS:
        bet = fraction / -lowest
        for i in range(len(payoffs)):
            worth = (left[i] - left[i + 1]) / len(FRACTIONS)
            for y in payoffs[i:]:
                worth *= (1 + bet * y) / (1 + bet * over)
            total += worth
    return total


@UNHURRIED
@given(st.lists(st.sampled_from([-0.2, 0.8, 0.3]), max_size=12))
def test_the_capital_is_what_its_definition_says(payoffs):
    wealth, logs = played(payoffs)
    expected = [by_hand(payoffs[: r + 1], -0.2) for r in range(len(payoffs))]
    np.testing.assert_allclose(np.exp(logs), expected, rtol=1e-12)
    assert math.exp(wealth.log_value) == pytest.approx(by_hand(payoffs, -0.2))


@pytest.mark.parametrize("limit", [0.01, 0.05, 0.2, 0.5, 0.9])
def test_at_the_limit_the_mean_capital_is_one_after_every_round_exactly(limit):
    """Of all sequences of ten outcomes, each with its probability."""
    rounds = 10
    means = np.zeros(rounds)
    for outcomes in product((0, 1), repeat=rounds):
        hits = sum(outcomes)
        probability = limit**hits * (1 - limit) ** (rounds - hits)
        _, logs = played(np.array(outcomes) - limit, -limit, 1 - limit)
        means += probability * np.exp(logs)
    np.testing.assert_allclose(means, 1.0, rtol=1e-9)


@pytest.mark.parametrize("rates", [(0.1,) * 8, (0.0, 0.2) * 4, (0.0,) * 4 + (0.2,) * 4])
def test_within_the_limit_it_is_at_most_one_whatever_the_rates_do(rates):
    means = np.zeros(len(rates))
    for outcomes in product((0, 1), repeat=len(rates)):
        probability = math.prod(
            rate if x else 1 - rate for x, rate in zip(outcomes, rates, strict=True)
        )
        _, logs = played(np.array(outcomes) - 0.2)
        means += probability * np.exp(logs)
    assert (means <= 1 + 1e-12).all() and means[-1] < 0.999


@pytest.mark.parametrize("limit", [0.05, 0.3])
def test_every_level_is_reached_no_more_often_than_ville_allows(limit):
    found = []
    for outcomes in product((0, 1), repeat=10):
        hits = sum(outcomes)
        _, logs = played(np.array(outcomes) - limit, -limit, 1 - limit)
        found.append((math.exp(logs.max()), limit**hits * (1 - limit) ** (10 - hits)))
    for level, _ in found:
        if level > 1:
            assert sum(p for most, p in found if most >= level) <= 1 / level + 1e-12
    assert max(found)[0] > 100


@UNHURRIED
@given(st.lists(st.sampled_from([-0.2, 0.8, 0.3, -0.1]), max_size=60), st.data())
def test_however_rounds_are_divided_the_capital_is_the_same_to_the_last_bit(payoffs, data):
    whole, logs = played(payoffs)
    parts, found, start = Wealth(-0.2, 0.8), [], 0
    while start < len(payoffs):
        end = data.draw(st.integers(start + 1, len(payoffs)))
        found += parts.play(np.array(payoffs[start:end]), np.arange(start + 1, end + 1)).tolist()
        restarted = Wealth(-0.2, 0.8)
        restarted.restore(json.loads(to_json(parts.as_document())))
        parts, start = restarted, end
    assert found == logs.tolist()
    assert to_json(parts.as_document()) == to_json(whole.as_document())


@UNHURRIED
@given(st.lists(st.sampled_from([-0.2, 0.8, 0.3]), min_size=1, max_size=25))
def test_under_the_bound_as_a_limit_the_capital_would_have_been_there(payoffs):
    """What the bound claims, by its definition: K_r(bound) >= capital."""
    wealth, _ = played(payoffs)
    bound = wealth.lower_bound(20.0)
    assert -0.2 <= bound <= 0.8
    if -0.2 < bound < 0.8:
        assert by_hand(payoffs, -0.2, over=bound) >= 20 * (1 - 1e-9)


def test_an_alarm_means_that_the_bound_is_over_the_limit():
    payoffs = (np.random.default_rng(0).random(400) < 0.35) - 0.2
    wealth, logs = Wealth(-0.2, 0.8), []
    for record, payoff in enumerate(payoffs, start=1):
        logs += wealth.play(np.array([payoff]), np.array([record])).tolist()
        if logs[-1] > math.log(20.5):
            break
    assert record < 400 and wealth.lower_bound(20.0) >= 0


@pytest.mark.parametrize("rate", [0.2, 0.3, 0.6])
def test_the_bound_is_under_the_rate_at_all_times_but_for_delta(rate):
    draws, wrong = 300, 0
    for seed in range(draws):
        payoffs = (np.random.default_rng(seed).random(400) < rate) - 0.2
        wealth = Wealth(-0.2, 0.8)
        for start in range(0, 400, 20):
            wealth.play(payoffs[start : start + 20], np.arange(start + 1, start + 21))
            if wealth.lower_bound(10.0) > rate - 0.2:
                wrong += 1
                break
    assert wrong <= 40  # 30 are allowed on average; over 40 has probability 2%
    assert wealth.lower_bound(10.0) > rate - 0.2 - 0.15


def test_what_was_kept_in_the_pocket_finds_a_late_break_that_a_fixed_start_does_not():
    random = np.random.default_rng(1)
    good, bad = random.random(20_000) < 0.1, random.random(600) < 0.4
    payoffs = np.concatenate([good, bad]) - 0.2
    wealth, logs = played(payoffs)
    assert logs[:20_000].max() < math.log(20) < logs[-1]
    assert abs(wealth.start.rounds - 20_000) < 200
    assert wealth.mean_since(wealth.start) == pytest.approx(0.2, abs=0.05)
    early = wealth.gains + math.log((1 - pocket(np.array([1]))[0]) / len(FRACTIONS))
    assert np.logaddexp.reduce(early) < math.log(20)


def test_a_limit_of_nothing_is_broken_by_the_first_that_is_more():
    wealth, logs = played([0.0] * 50 + [1.0], 0.0, 1.0)
    assert (logs[:-1] <= 1e-12).all() and logs[-1] > math.log(1000)
    assert wealth.lower_bound(20.0) > 0


def test_no_round_no_capital_but_the_first():
    wealth, logs = played([])
    assert not len(logs) and wealth.log_value == 0 and wealth.lower_bound(20) == -0.2
    assert math.isnan(wealth.mean_since(wealth.now))
