from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.constrained_trainer.examples.data import Split
from components.constrained_trainer.selection import optimism
from fairgate.constraints.rates import Counts, Group

A = Group("G", "a")
LINE = ("max_gap(FPR, [G]) <= 0.05",)
COUNT = st.integers(0, 500)
COUNTS = st.builds(Counts, COUNT, COUNT, COUNT, COUNT).filter(lambda each: each.examples > 0)


def measured(everyone: Counts, group: Counts) -> dict[Group | None, Counts]:
    return {None: everyone, A: group}


def test_without_optimism_training_examples_count_as_the_others_do():
    validation = measured(Counts(40, 10, 40, 10), Counts(5, 3, 7, 5))
    training = measured(Counts(80, 20, 80, 20), Counts(14, 3, 12, 6))
    found = optimism.estimated(validation, training)
    assert found[A].rate("FPR") == pytest.approx((3 + 3) / (10 + 15))
    assert found[A].rate("TPR") == pytest.approx((5 + 14) / (10 + 20))
    assert found[None].rate("ERR") == pytest.approx(0.2)


def test_what_was_remembered_is_discounted():
    """Errors of .2 and .1: of 40 training negatives 40 / (1 + 4 * 40 * .01) are left."""
    validation = measured(Counts(40, 10, 40, 10), Counts(5, 3, 7, 5))
    training = measured(Counts(180, 20, 180, 20), Counts(40, 9, 31, 20))
    weight = 1 / (1 + 4 * 40 * 0.1**2)
    found = optimism.estimated(validation, training)[A]
    assert found.rate("FPR") == pytest.approx((3 + 9 * weight) / (10 + 40 * weight))
    assert found.negatives == pytest.approx(50) and found.positives == pytest.approx(70)


def test_training_examples_are_worth_twice_the_validation_splits_at_the_most():
    validation = measured(Counts(40, 10, 40, 10), Counts(5, 3, 7, 5))
    training = measured(Counts(800, 200, 800, 200), Counts(40, 300, 100, 20))
    found = optimism.estimated(validation, training)[A]
    assert found.rate("FPR") == pytest.approx((0.3 + 2 * 0.75) / 3)


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_an_estimate_lies_between_both_splits(one, other, all_one, all_other):
    found = optimism.estimated(measured(all_one, one), measured(all_other, other))[A]
    assert found.examples == pytest.approx(one.examples + other.examples)
    for rate, size in (("FPR", "negatives"), ("TPR", "positives")):
        rates = [each.rate(rate) for each in (one, other) if getattr(each, size)]
        if rates:
            assert min(rates) - 1e-9 <= found.rate(rate) <= max(rates) + 1e-9


def test_alone_the_validation_split_is_what_it_is():
    validation = measured(Counts(4, 1, 4, 1), Counts(0, 0, 1, 0))
    assert optimism.estimated(validation, None) is validation


def split(n: int, **inputs: np.ndarray) -> Split:
    inputs = inputs or {"numeric": np.zeros((n, 2), np.float32)}
    member = (np.arange(n) % 2).astype(np.float32)
    groups = (A, Group("G", "b"))
    return Split(inputs, np.zeros(n, np.float32), np.stack([member, 1 - member], axis=1), groups)


def test_training_examples_are_looked_at_where_the_validation_split_tells_little():
    assert optimism.worth_a_look(split(600), split(200), LINE) is not None
    assert optimism.worth_a_look(split(600), split(200), ()) is None
    assert optimism.worth_a_look(split(600), split(4000), LINE) is None
    pictures = replace(split(600), inputs={"image": np.zeros((600, 2, 2, 1), np.uint8)})
    assert optimism.worth_a_look(pictures, split(200), LINE) is None


def test_of_very_many_training_examples_some_are_looked_at():
    looked_at = optimism.worth_a_look(split(500_000), split(200), LINE)
    assert looked_at is not None and 100_000 < len(looked_at) <= 200_000
    assert 0.4 < looked_at.memberships[:, 0].mean() < 0.6


def test_the_spread_is_that_of_the_rarest_set():
    """100 negatives of each group, and twice as many more that were learned from."""
    validation, training = split(200), split(2000)
    assert optimism.spread(validation, None, LINE) == pytest.approx(1 / (2 * 100**0.5))
    assert optimism.spread(validation, training, LINE) == pytest.approx(1 / (2 * 300**0.5))
    assert optimism.spread(validation, training, ()) == 0.0
