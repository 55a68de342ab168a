"""Which of several trained candidates (snapshots) to keep."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


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
    violations = np.maximum(matrix, 0.0)
    if max_constraints and violations.shape[1] > 1:
        violations = violations.max(axis=1, keepdims=True)
    columns = [*violations.T, losses] if rank_objectives else list(violations.T)
    scores = np.max([np.ones(losses.size), *map(_competition_ranks, columns)], axis=0)
    # The last key sorts first; indices negated, because the later of equals wins.
    return int(np.lexsort((-np.arange(losses.size), losses, scores))[0])


def _competition_ranks(column: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 + how many entries are smaller."""
    return 1.0 + np.searchsorted(np.sort(column), column, side="left")
