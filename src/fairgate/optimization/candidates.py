"""Which of several trained candidates (snapshots) to keep, or in what proportions to mix them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linprog

__all__ = ["find_best_candidate_distribution", "find_best_candidate_index"]

# Smallest probability that is not rounding of the linear program.
_NEGLIGIBLE = 1e-9


def find_best_candidate_index(
    objectives: ArrayLike,
    constraints: ArrayLike,
    rank_objectives: bool = True,
    max_constraints: bool = True,
) -> int:
    """The candidate with the best worst rank over the objective and the violations.

        violation_ij = max(0, constraints_ij)        (first max_j per row, if max_constraints)
        score_i = max(rank_i(objective), max_j rank_i(violation_j));  best = argmin_i score_i

    Ranks are competition ranks (1, 2, 2, 4: ties share the lowest), so that all feasible
    candidates rank first in their constraints. Equal scores: the smaller objective wins, and of
    equal objectives the later index, which is the longer trained one. The choice trades objective
    against violation by rank: it need not be feasible even if some candidate is.

    Args:
        objectives: (n,) objective of each candidate, smaller is better.
        constraints: (n, m) values of the constraints, feasible where <= 0; m may be 0.
        rank_objectives: whether the objective's rank enters the score; if not, it only breaks ties.
        max_constraints: whether to rank the largest violation instead of each constraint's.

    Returns:
        The index of the chosen candidate.

    Raises:
        ValueError: if the shapes do not fit, n is 0, or a value is NaN (a candidate that could
            not be measured must not be chosen: leave it out).

    Source: Cotter et al., "Two-player games...", ALT 2019, section on the "shrinking" heuristics;
    Cotter et al., JMLR 20 (2019), section 6.
    """
    losses, matrix = _checked(objectives, constraints)
    violations = np.maximum(matrix, 0.0)
    if max_constraints and violations.shape[1] > 1:
        violations = violations.max(axis=1, keepdims=True)
    columns = [*violations.T, losses] if rank_objectives else list(violations.T)
    scores = np.max([np.ones(losses.size), *map(_competition_ranks, columns)], axis=0)
    # The last key sorts first; indices negated, because the later of equals wins.
    return int(np.lexsort((-np.arange(losses.size), losses, scores))[0])


def find_best_candidate_distribution(
    objectives: ArrayLike, constraints: ArrayLike, epsilon: float = 0.0
) -> NDArray[np.float64]:
    """The mixture of candidates with the best expected objective among those that violate least.

        v* = min_p max(0, max_j sum_i p_i constraints_ij)
        p* = argmin_p sum_i p_i objectives_i   subject to   sum_i p_i constraints_ij <= v* (+ epsilon)

    over distributions p: two linear programs, solved to a vertex, where at most m + 1 entries are
    not zero (the reference implementation bisects for v* instead). A stochastic classifier that
    draws a candidate from p has these expectations, which no single candidate may reach.

    Args:
        objectives: (n,) objective of each candidate, on training or validation data.
        constraints: (n, m) values of the constraints, feasible where <= 0; m may be 0.
        epsilon: where no mixture is feasible, how much more than the least possible violation is
            allowed, >= 0. Where one is, the constraints are kept.

    Returns:
        (n,) float64, non-negative, sums to 1.

    Raises:
        ValueError: as for `find_best_candidate_index`; for a value that is infinite; for a
            negative epsilon.

    Source: Cotter, Jiang and Sridharan, ALT 2019, lemma 3 (the m-shrinking procedure).
    """
    losses, matrix = _checked(objectives, constraints)
    if not (np.isfinite(losses).all() and np.isfinite(matrix).all()):
        raise ValueError("a mixture needs finite objectives and constraints")
    if not epsilon >= 0:
        raise ValueError(f"epsilon must be >= 0, got {epsilon!r}")
    least = _least_violation(matrix)
    allowed = least + epsilon if least > _NEGLIGIBLE else 0.0
    count = losses.size
    result = linprog(
        losses,
        A_ub=matrix.T if matrix.shape[1] else None,
        b_ub=np.full(matrix.shape[1], allowed) if matrix.shape[1] else None,
        A_eq=np.ones((1, count)),
        b_eq=[1.0],
        method="highs-ds",  # the dual simplex ends at a vertex
    )
    if result.x is None:
        raise ValueError(f"the linear program has no solution: {result.message}")
    mixture = np.where(result.x > _NEGLIGIBLE, result.x, 0.0)
    return np.asarray(mixture / mixture.sum(), dtype=np.float64)


def _least_violation(matrix: NDArray[np.float64]) -> float:
    """min over mixtures of the largest violation, at least 0."""
    count, width = matrix.shape
    if width == 0:
        return 0.0
    rows = np.hstack([matrix.T, -np.ones((width, 1))])  # sum_i p_i g_ij - v <= 0
    result = linprog(
        np.append(np.zeros(count), 1.0),
        A_ub=rows,
        b_ub=np.zeros(width),
        A_eq=np.append(np.ones(count), 0.0)[np.newaxis],
        b_eq=[1.0],
        method="highs-ds",
    )
    if result.x is None:
        raise ValueError(f"the linear program has no solution: {result.message}")
    mixture = np.maximum(result.x[:-1], 0.0)
    # Of the mixture itself, so that rounding cannot make it infeasible.
    return float(max(0.0, (mixture @ matrix / mixture.sum()).max()))


def _checked(
    objectives: ArrayLike, constraints: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    losses = np.asarray(objectives, dtype=np.float64)
    matrix = np.asarray(constraints, dtype=np.float64)
    if losses.ndim != 1 or losses.size == 0:
        raise ValueError(f"objectives must be (n,) with n >= 1, got shape {losses.shape}")
    if matrix.ndim != 2 or matrix.shape[0] != losses.size:
        raise ValueError(f"constraints must be ({losses.size}, m), got shape {matrix.shape}")
    unmeasured = np.isnan(losses) | np.isnan(matrix).any(axis=1)
    if unmeasured.any():
        rows = np.flatnonzero(unmeasured).tolist()
        raise ValueError(f"candidates {rows} have NaN values: leave them out of the choice")
    return losses, matrix


def _competition_ranks(column: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 + how many entries are smaller."""
    return 1.0 + np.searchsorted(np.sort(column), column, side="left")
