"""What a search may spend: refused where it is nothing, and never exceeded by much."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.constrained_trainer.search.budget import Budget
from fairgate.errors import SettingsError


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        ({}, "give --trials NUMBER, --seconds NUMBER, or both"),
        ({"trials": 0}, "--trials 0: expected a whole number of at least 1"),
        ({"trials": -3, "seconds": 5.0}, "--trials -3"),
        ({"seconds": 0.0}, "--seconds 0: expected a number above 0"),
        ({"seconds": -1.0}, "--seconds -1"),
        ({"seconds": math.nan}, "--seconds nan"),
        ({"seconds": math.inf}, "--seconds inf"),
    ],
)
def test_a_budget_of_nothing_is_refused(budget, message):
    with pytest.raises(SettingsError, match=message):
        Budget(**budget)


@given(
    st.lists(st.floats(0.1, 100), min_size=1, max_size=30), st.integers(1, 20), st.floats(1, 500)
)
def test_what_is_used_up_first_ends_the_search(lasting, trials, seconds):
    budget, spent, done = Budget(trials, seconds), 0.0, 0
    while done < len(lasting) and budget.allows_another(done, spent):
        spent += lasting[done]
        done += 1
        assert 0 <= budget.spent(done, spent) <= 1
    assert 1 <= done <= trials
    if done < min(trials, len(lasting)):
        # Another one, as long as those before it, would have been too much.
        assert spent + spent / done > seconds
    if done > 1:
        before = spent - lasting[done - 1]
        assert before + before / (done - 1) <= seconds


def test_trials_that_last_equally_long_end_in_time():
    budget = Budget(seconds=10.0)
    ended = next(n for n in range(100) if not budget.allows_another(n, 3.0 * n))
    assert ended == 3


def test_the_share_that_is_spent_is_the_larger_one():
    assert Budget(4, 100.0).spent(1, 50) == 0.5
    assert Budget(4, 100.0).spent(3, 50) == 0.75
    assert Budget(seconds=1.0).spent(1, 5.0) == 1.0
