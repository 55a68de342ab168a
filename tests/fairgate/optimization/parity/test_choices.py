"""The choice of candidates against the reference implementation."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import ArrayLike

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
    inputs, expected = case["inputs"], case["expected"]
    require_as_good(
        inputs["objective_vector"],
        np.reshape(inputs["constraints_matrix"], (len(inputs["objective_vector"]), -1)),
        inputs["epsilon"],
        expected["expected_objective"],
        max(0.0, expected["largest_constraint"] or 0.0),
    )


def test_a_reference_that_stops_beyond_its_epsilon_is_not_compared_with() -> None:
    """Of the first candidate a share s: the worst constraint is max(0.1 + 0.3 s, 0.4 - 0.3 s), the
    objective 1 - s.

    The least violation is 0.25, at s = 1/2; with epsilon = 0.12 all of 0.37 may be used, so s = 0.9.
    The reference bisects [0, 0.4]: nothing keeps 0.2, and at 0.3 it stops, as both halves are shorter
    than epsilon, with what keeps 0.4: the first candidate alone, 0.03 over what it should allow.
    """
    objectives, matrix = [0.0, 1.0], [[0.4, 0.1], [0.1, 0.4]]
    p = find_best_candidate_distribution(objectives, matrix, 0.12)
    np.testing.assert_allclose(p, [0.9, 0.1], atol=1e-9)
    require_as_good(objectives, matrix, 0.12, their_objective=0.0, their_violation=0.4)
    with pytest.raises(AssertionError):  # of a reference within its epsilon, it is asked
        require_as_good(objectives, matrix, 0.12, their_objective=0.0, their_violation=0.37)


def require_as_good(
    objectives: ArrayLike,
    matrix: ArrayLike,
    epsilon: float,
    their_objective: float,
    their_violation: float,
) -> None:
    """Equal to 1e-6 where the reference's bisection runs to its end (epsilon 0)."""
    p = find_best_candidate_distribution(objectives, matrix, epsilon)
    assert np.count_nonzero(p) <= np.shape(matrix)[1] + 1
    close(p.sum(), 1.0, 1e-9)
    violation = largest_violation(p, matrix)
    if epsilon == 0 or their_violation < 1e-9:
        close(p @ objectives, their_objective, 1e-6)
        close(violation, their_violation, 1e-6)
        return
    # The reference bisects until both halves are at most epsilon: it may end up to twice as far over
    # the least violation, with an objective that nobody within epsilon can reach.
    least = largest_violation(find_best_candidate_distribution(objectives, matrix), matrix)
    allowed = least + epsilon + 1e-9
    assert violation <= allowed
    if their_violation <= allowed:
        assert p @ objectives <= their_objective + 1e-9


def largest_violation(p: np.ndarray, matrix: ArrayLike) -> float:
    return max(0.0, (p @ np.asarray(matrix)).max(initial=0.0))
