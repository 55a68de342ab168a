"""Ratings of snapshots, and the choice among them."""

from __future__ import annotations

import numpy as np
import pytest

from components.constrained_optimization import bounds, language
from components.constrained_optimization.rates import Group
from components.constrained_trainer.config import SelectionConfig
from components.constrained_trainer.snapshots import Rating, Snapshot, choose
from components.errors import DataError
from tests.components.constrained_trainer.toy import biased_split, linear_network

VALIDATION = biased_split(900, seed=5)
NAMES = {"G": ["a", "b"]}


def rating(*lines: str, **config) -> Rating:
    constraints = [language.parse(line, NAMES) for line in lines]
    return Rating(MODEL, constraints, VALIDATION, SelectionConfig(**config))


MODEL = linear_network((4, 4, 1))
MODEL.set_weights([np.full((16, 1), 0.1, np.float32), np.full(1, -0.1, np.float32)])


def scores() -> np.ndarray:
    flat = VALIDATION.inputs["image"].reshape(len(VALIDATION), -1) / 127.5 - 1
    return flat @ np.full(16, 0.1) - 0.1


def test_violations_are_those_of_the_rates_of_the_whole_split():
    error, violations = rating("FPR | [a] <= 0.05", "TPR | [b] >= 0.9", "PPV >= 0.7")()
    yes, positive = scores() > 0, VALIDATION.labels > 0
    a, b = VALIDATION.memberships.T > 0
    assert error == np.mean(yes != positive)
    expected = [
        np.mean(yes[a & ~positive]) - 0.05,
        0.9 - np.mean(yes[b & positive]),
        # Cleared of its quotient: TPP - 0.7 PPR >= 0.
        0.7 * np.mean(yes) - np.mean(yes & positive),
    ]
    np.testing.assert_allclose(violations, expected, atol=1e-12)


def test_an_area_is_measured_from_scores():
    _, [violation] = rating("AUC | [a] >= 0.9")()
    rows = VALIDATION.memberships[:, 0] > 0
    s, y = scores()[rows], VALIDATION.labels[rows] > 0
    pairs = np.sign(s[y][:, None] - s[~y][None, :])
    assert violation == pytest.approx(0.9 - (pairs.mean() + 1) / 2, abs=2e-3)


def test_an_upper_bound_rates_what_can_be_promised():
    line = "FPR | [a] <= 0.05"
    _, [value] = rating(line)()
    _, [bound] = rating(line, rated_by="upper_bound", confidence=0.9)()
    counts = VALIDATION.counts(scores())
    expected = bounds.clopper_pearson_upper(*counts[Group("G", "a")].trials("FPR"), 0.1) - 0.05
    assert bound == pytest.approx(expected) and bound > value
    _, [at_least] = rating("TPR | [b] >= 0.9", rated_by="upper_bound")()
    _, [measured] = rating("TPR | [b] >= 0.9")()
    assert at_least > measured


def snapshot(error: float, *violations: float) -> Snapshot:
    return Snapshot(1, 0.5, error, np.array(violations), np.zeros(1), [np.array([error])])


CANDIDATES = [snapshot(0.10, 0.05), snapshot(0.20, -0.05), snapshot(0.13, 0.01)]


@pytest.mark.parametrize(
    ("how", "expected"),
    [("best", [0, 0, 1]), ("last", [0, 0, 1]), ("distribution", [0, 1 / 6, 5 / 6])],
)
def test_the_choice_is_the_published_one(how, expected):
    chosen = choose(CANDIDATES, SelectionConfig(choose=how))
    np.testing.assert_allclose(chosen, expected, atol=1e-9)


def test_without_constraints_the_least_error_is_best():
    for how in ("best", "distribution"):
        chosen = choose([snapshot(0.3), snapshot(0.1), snapshot(0.2)], SelectionConfig(choose=how))
        assert chosen.tolist() == [0, 1, 0]


def test_what_could_not_be_measured_is_not_chosen():
    unknown = snapshot(0.01, np.nan)
    for how in ("best", "distribution"):
        assert choose([unknown, *CANDIDATES], SelectionConfig(choose=how))[0] == 0
        with pytest.raises(DataError, match="could not be measured"):
            choose([unknown], SelectionConfig(choose=how))
