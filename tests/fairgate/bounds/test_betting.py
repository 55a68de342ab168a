"""Bounds over units keep their promise whatever the members of a unit have in common."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fairgate.bounds import Linear, Quotient, clopper_pearson_upper
from fairgate.bounds.betting import (
    Game,
    UnitRate,
    lower_of_units,
    upper_of_two_over_units,
    upper_of_units,
)


@st.composite
def unit_rates(draw, units=None, most=5):
    count = draw(st.integers(2, 60)) if units is None else units
    members = draw(arrays(np.int64, count, elements=st.integers(0, most)))
    shares = draw(arrays(np.float64, count, elements=st.floats(0, 1)))
    return UnitRate(np.round(members * shares), members.astype(float), float(most))


@pytest.mark.parametrize(
    "chances",
    [
        {(0, 2): 0.7, (2, 2): 0.3},  # both or neither
        {(0, 1): 0.5, (2, 2): 0.2, (0, 2): 0.3},  # larger units err more
        {(0, 2): 0.2, (1, 2): 0.3, (2, 2): 0.5},
        {(0, 0): 0.3, (1, 1): 0.2, (0, 1): 0.5},  # some have no members
    ],
)
def test_it_errs_with_probability_at_most_delta_by_enumeration(chances):
    """Every sequence of 6 units, of up to 2 members."""
    events = sum(n * chance for (n, _), chance in chances.items())
    truth = events / sum(d * chance for (_, d), chance in chances.items())
    for delta in (0.1, 0.4):
        above = below = told = 0.0
        for outcome in product(chances, repeat=6):
            likely = math.prod(chances[unit] for unit in outcome)
            units = np.array(outcome, float)
            rate = UnitRate(units[:, 0], units[:, 1], 2.0)
            upper, lower = upper_of_units(rate, delta), lower_of_units(rate, delta)
            above += likely * (upper < truth)
            below += likely * (lower > truth)
            told += likely * (upper < 0.999)
        assert above <= delta
        assert below <= delta
        assert delta < 0.3 or told > 0.1  # it does say something


@settings(max_examples=60, deadline=None)
@given(unit_rates(), st.floats(0.01, 0.5))
def test_a_larger_rate_is_rejected_where_a_smaller_one_is(rate, delta):
    if not rate.members.any():
        return
    found = Game.of((rate,)).rejected(np.linspace(0, 1, 401)[:, None], delta=delta)
    assert np.all(np.diff(found.astype(int)) >= 0)


@settings(max_examples=40, deadline=None)
@given(unit_rates(), st.data())
def test_what_is_rejected_at_both_ends_is_rejected_between(first, data):
    second = data.draw(unit_rates(len(first.events)))
    both = (
        UnitRate(first.events, first.members, 10.0),
        UnitRate(second.events, second.members, 10.0),
    )
    if not (first.members.any() and second.members.any()):
        return
    game = Game.of(both, Linear(1, 2))
    start = np.linspace([0.0, 0.5], [1.0, 1.0], 30)
    step = data.draw(st.floats(0, 0.2)) * np.array([1, -0.5])
    for part in (0.25, 0.5, 0.75):
        whole = game.rejected(start, start + step, delta=0.2)
        assert np.all(game.rejected(start + part * step, delta=0.2)[whole])


@settings(max_examples=40, deadline=None)
@given(unit_rates(), st.floats(0.01, 0.4))
def test_bounds_enclose_the_rate_and_widen_with_confidence(rate, delta):
    if not rate.members.any():
        assert math.isnan(upper_of_units(rate, delta))
        return
    lower, upper = lower_of_units(rate, delta), upper_of_units(rate, delta)
    assert 0 <= lower <= rate.rate <= upper <= 1
    assert upper_of_units(rate, delta / 2) >= upper - 1e-3


def drawn_units(rng, units, rate, alike, most=10):
    """(events, members): beta-binomial, with this correlation between the members of a unit."""
    members = rng.integers(1, most + 1, units)
    own = np.full(units, rate)
    if alike:
        own = rng.beta(rate * (1 / alike - 1), (1 - rate) * (1 / alike - 1), units)
    return rng.binomial(members, own).astype(float), members.astype(float)


@pytest.mark.parametrize("alike", [0.0, 0.05, 0.1, 0.3])
def test_false_passes_are_at_most_delta_however_alike_the_members_are(alike):
    """And the bound of independent examples passes far more."""
    rng, draws, delta, rate = np.random.default_rng(5), 300, 0.05, 0.2
    wrong = plain = 0
    for _ in range(draws):
        events, members = drawn_units(rng, 300, rate, alike)
        game = Game.of((UnitRate(events, members, 10.0),))
        wrong += bool(game.rejected(np.array([[rate]]), delta=delta)[0])
        plain += clopper_pearson_upper(events.sum(), members.sum(), delta) < rate
    assert wrong / draws <= delta + 2.5 * math.sqrt(delta / draws)
    if alike == 0.3:
        assert plain / draws > 0.12


def test_with_one_member_each_it_is_nearly_clopper_pearson():
    rng = np.random.default_rng(0)
    for units, rate in ((1000, 0.1), (1000, 0.5), (5000, 0.05)):
        ours = exact = 0.0
        for _ in range(20):
            events = (rng.random(units) < rate).astype(float)
            ours += upper_of_units(UnitRate(events, np.ones(units), 1.0), 0.05) - events.mean()
            exact += clopper_pearson_upper(events.sum(), units, 0.05) - events.mean()
        assert ours < 1.08 * exact


@pytest.mark.parametrize(
    ("function", "rates"),
    [(Linear(1, -1), (0.25, 0.2)), (Linear(1, 1), (0.1, 0.2)), (Quotient(0, 1, 0, 1), (0.6, 0.75))],
)
def test_two_rates_of_people_keep_their_promise(function, rates):
    rng, draws, wrong = np.random.default_rng(3), 60, 0
    truth = function.value(*rates)
    for _ in range(draws):
        events, members = drawn_units(rng, 240, rates[0], 0.2, most=4)
        others, more = drawn_units(rng, 240, rates[1], 0.2, most=4)
        first = rng.random(240) < 0.6
        one = UnitRate(events * first, members * first, 4.0)
        other = UnitRate(others * ~first, more * ~first, 4.0)
        wrong += upper_of_two_over_units(function, one, other, 0.1) < truth
    assert wrong / draws <= 0.1 + 2.5 * math.sqrt(0.09 / draws)


def test_people_who_count_in_both_rates_share_their_draw():
    """Twins in all they do: a difference that is 0 for everyone is known better than from two halves."""
    rng = np.random.default_rng(1)
    events, members = drawn_units(rng, 3000, 0.3, 0.5, most=3)
    one = UnitRate(events, members, 6.0)
    apart = np.arange(3000) % 2 == 0
    pair = [UnitRate(events * who, members * who, 6.0) for who in (apart, ~apart)]
    together = upper_of_two_over_units(Linear(1, -1), one, one, 0.05)
    assert 0 <= together < 0.5 * (upper_of_two_over_units(Linear(1, -1), *pair, 0.05))


def test_scaled_weights_change_nothing():
    rng = np.random.default_rng(2)
    events, members = drawn_units(rng, 500, 0.2, 0.1)
    once = upper_of_units(UnitRate(events, members, 10.0), 0.05)
    assert upper_of_units(UnitRate(events / 7, members / 7, 10 / 7), 0.05) == pytest.approx(once)


@pytest.mark.parametrize(
    ("events", "members"), [([2.0], [1.0]), ([-1.0], [1.0]), ([0.0], [9.0]), ([0.0, 1.0], [1.0])]
)
def test_what_is_no_rate_is_refused(events, members):
    with pytest.raises(ValueError, match="events"):
        UnitRate(np.array(events), np.array(members), 5.0)
