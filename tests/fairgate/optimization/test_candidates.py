"""The choice among candidates."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fairgate.optimization.candidates import find_best_candidate_index


def test_the_published_example():
    objectives, violations = [0.1, 0.2, 0.3], [[0.2], [0.1], [-0.1]]
    assert find_best_candidate_index(objectives, violations) == 1
    assert find_best_candidate_index(objectives, violations, rank_objectives=False) == 2


def test_choices_are_those_of_the_reference(reference):
    for case in reference["best_index"]:
        for result in case["results"]:
            chosen = find_best_candidate_index(
                case["objective_vector"],
                case["constraints_matrix"],
                rank_objectives=result["rank_objectives"],
                max_constraints=result["max_constraints"],
            )
            assert chosen == result["index"], (case["id"], result)


def test_without_constraints_the_smallest_objective_wins():
    empty = np.zeros((3, 0))
    assert find_best_candidate_index([0.3, 0.1, 0.2], empty) == 1
    assert find_best_candidate_index([0.3, 0.1, 0.2], empty, rank_objectives=False) == 1


def test_of_equal_candidates_the_later_wins():
    assert find_best_candidate_index([0.2, 0.2], [[0.1], [0.1]]) == 1


def test_feasible_candidates_differ_by_their_objective_alone():
    assert find_best_candidate_index([0.2, 0.1, 0.3], [[-0.5], [-0.01], [-0.9]]) == 1


@pytest.mark.parametrize(
    ("objectives", "constraints", "message"),
    [
        ([0.1, 0.2], [[0.1]], "shape"),
        ([0.1, 0.2], [0.1, 0.2], "shape"),
        ([], np.zeros((0, 1)), "n >= 1"),
        ([0.1, math.nan], [[0.0], [0.0]], r"\[1\] have NaN"),
        ([0.1, 0.2], [[math.nan], [0.0]], r"\[0\] have NaN"),
    ],
)
def test_what_cannot_be_ranked_is_refused(objectives, constraints, message):
    with pytest.raises(ValueError, match=message):
        find_best_candidate_index(objectives, constraints)
