"""The adversary between attempts decides like the bounds, and does what it is said to."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.gate import attempts
from benchmarks.gate.attempts import ADVERSARIES, passes
from fairgate import bounds
from fairgate.constraints.language import parse
from fairgate.constraints.rates import Counts, Group


def test_counts_pass_as_the_gate_would_let_them():
    n, limit, delta = 40, 0.35, 0.02
    drawn = np.random.default_rng(0).binomial(n, (0.2, 0.3, 0.25), (60, 3))
    constraint = parse(f"max_gap(FPR, [F]) <= {limit}", {"F": list("abc")})
    expected = []
    for row in drawn:
        counts = {
            Group("F", g): Counts(0, int(c), n - int(c), 0) for g, c in zip("abc", row, strict=True)
        }
        expected.append(bounds.upper_bound(constraint.expression, counts, delta) <= limit)
    assert 0 < sum(expected) < len(expected)
    np.testing.assert_array_equal(passes(drawn, n, limit, delta), expected)


@pytest.mark.parametrize("sealed", [False, True])
def test_the_first_of_several_attempts_has_its_share_of_delta(sealed):
    rates = (0.1, 0.3)
    once = attempts.unrelated(1, 60, rates, 0.2)(np.random.default_rng(0), 4000, sealed)
    assert 0 < once.mean() <= 0.06


def test_what_is_shown_of_an_open_series_is_worth_more_than_delta_and_of_a_sealed_one_is_not():
    rng, draws = np.random.default_rng(0), 4000
    series = attempts.corrected(2, 60, (0.02, 0.3), 0.28)
    opened, sealed = (series(rng, draws, each).mean() for each in (False, True))
    assert opened > 0.2 and sealed <= 0.05
    series = attempts.served_thresholds(5, 100, 0.5, 0.15)
    opened, sealed = (series(rng, draws, each).mean() for each in (False, True))
    assert opened > sealed and sealed <= 0.05


def test_looks_of_a_growing_split_are_of_one_split():
    # With one size there is one look, whichever ledger counts it.
    for sealed in (False, True):
        one = attempts.growing((80,), (0.1, 0.3), 0.2)(np.random.default_rng(1), 500, sealed)
        other = attempts.unrelated(1, 80, (0.1, 0.3), 0.2)(np.random.default_rng(1), 500, sealed)
        np.testing.assert_array_equal(one, other)


def test_every_adversary_of_the_page_is_asked_about_as_many_models_as_it_says():
    assert {each.attempts for each in ADVERSARIES} == {2, 5, 10}
    assert len({(each.name, each.setting, each.attempts) for each in ADVERSARIES}) == 10
