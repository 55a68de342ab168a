"""The choice of candidates against the reference implementation."""

from __future__ import annotations

import numpy as np
import pytest

from fairgate.optimization.candidates import (
    find_best_candidate_distribution,
    find_best_candidate_index,
)
from tests.fairgate.optimization.parity.cases import Case, close, parameters


@pytest.mark.parametrize("case", parameters("9.best_index"))
def test_the_best_index_is_that_of_the_reference(case: Case) -> None:
    inputs = case["inputs"]
    for result in case["expected"]["results"]:
        index = find_best_candidate_index(
            inputs["objective_vector"],
            np.reshape(inputs["constraints_matrix"], (len(inputs["objective_vector"]), -1)),
            result["rank_objectives"],
            result["max_constraints"],
        )
        assert index == result["index"]


@pytest.mark.parametrize("case", parameters("9.best_distribution"))
def test_the_best_distribution_is_at_least_as_good_as_that_of_the_reference(case: Case) -> None:
    """Equal to 1e-6 where the reference's bisection runs to its end (epsilon 0)."""
    inputs, expected = case["inputs"], case["expected"]
    objectives = np.asarray(inputs["objective_vector"])
    matrix = np.reshape(inputs["constraints_matrix"], (len(objectives), -1))
    epsilon = inputs["epsilon"]
    p = find_best_candidate_distribution(objectives, matrix, epsilon)
    assert np.count_nonzero(p) <= matrix.shape[1] + 1
    close(p.sum(), 1.0, 1e-9)
    violation = max(0.0, (p @ matrix).max(initial=0.0))
    theirs = max(0.0, expected["largest_constraint"] or 0.0)
    if epsilon == 0 or theirs < 1e-9:
        close(p @ objectives, expected["expected_objective"], 1e-6)
        close(violation, theirs, 1e-6)
    else:
        # It stops with at most epsilon over the least violation; we allow all of it.
        assert violation <= find_violation(objectives, matrix) + epsilon + 1e-9
        assert p @ objectives <= expected["expected_objective"] + 1e-9


def find_violation(objectives: np.ndarray, matrix: np.ndarray) -> float:
    p = find_best_candidate_distribution(objectives, matrix)
    return max(0.0, (p @ matrix).max(initial=0.0))
