"""What the constraints cost at least: choices that need no constrained training, on the validation split.

Thresholds of each group's own are the least that group-aware post-processing can lose (Hardt, Price and
Srebro, NeurIPS 2016). With x_gt the share of group g that is decided at its threshold t, rates of a
group and the error of everyone are linear in x, and so are the pieces of a constraint; the best x is
that of a linear program:

    min_x  sum_gt (n_g / n) err_gt x_gt   subject to   sum_t x_gt = 1,  every piece <= 0,  x >= 0
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from components.constrained_trainer import thresholds
from components.constrained_trainer.data import Split
from fairgate.constraints.errors import NotTrainableError
from fairgate.constraints.expressions import Constraint, violations
from fairgate.constraints.linear import LinearConstraint, linearize
from fairgate.constraints.rates import Counts, Group

_THRESHOLDS = 129  # of each group


@dataclass(frozen=True)
class Yardstick:
    """A way to decide, and what comes of it on the validation split.

    Attributes:
      name: of the way.
      error_rate: in [0, 1].
      worst: the largest violation of a constraint; at most 0 where all are kept.
      sees_groups: whether whoever decides must know the group of the person.
    """

    name: str
    error_rate: float
    worst: float
    sees_groups: bool = False


def measure(split: Split, constraints: Sequence[Constraint], scores: np.ndarray) -> list[Yardstick]:
    """The commonest answer, a model without constraints, and the same with thresholds for each group.

    Args:
      split: the validation split.
      constraints: of the trainer.
      scores: (n,) of the model without constraints.
    """
    commonest = 1.0 if split.labels.mean() > 0.5 else -1.0
    found = [
        _decided("the commonest answer", split, constraints, np.full(len(split), commonest)),
        _decided("the baseline", split, constraints, scores),
    ]
    own = by_group(split, constraints, scores)
    if own is not None:
        name = "the baseline, a threshold for each group"
        found.append(Yardstick(name, own, 0.0, sees_groups=True))
    return found


def by_group(split: Split, constraints: Sequence[Constraint], scores: np.ndarray) -> float | None:
    """The least error of thresholds for each group that keep the constraints as measured.

    None where no thresholds do, or the constraints are not about the groups of one feature alone, or
    are no intersection of linear ones in rates with fixed denominators.
    """
    try:
        pieces = [piece for constraint in constraints for piece in linearize(constraint)]
    except NotTrainableError:
        return None
    rates = [rate for piece in pieces for rate, _ in piece.coefficients]
    features = {rate.group.feature for rate in rates if rate.group is not None}
    if not pieces or len(features) != 1 or any(rate.group is None for rate in rates):
        return None
    [feature] = features
    groups = [group for group in split.groups if group.feature == feature]
    if not (sum(split.memberships[:, split.groups.index(group)] for group in groups) == 1).all():
        return None
    outcomes = {group: _at_own_thresholds(split, scores, group) for group in groups}
    places = np.cumsum([0, *(len(outcomes[group]) for group in groups)])
    errors = np.concatenate(
        [[(c.fp + c.fn) / len(split) for c in outcomes[group]] for group in groups]
    )
    sums = np.zeros((len(groups), len(errors)))
    for row, (start, end) in enumerate(itertools.pairwise(places)):
        sums[row, start:end] = 1.0
    matrix = np.stack([_row(piece, groups, outcomes) for piece in pieces])
    if not np.isfinite(matrix).all():
        return None
    limits = -np.array([piece.constant for piece in pieces])
    result = linprog(errors, A_ub=matrix, b_ub=limits, A_eq=sums, b_eq=np.ones(len(groups)))
    return float(result.fun) if result.x is not None else None


def _row(
    piece: LinearConstraint, groups: Sequence[Group], outcomes: dict[Group, list[Counts]]
) -> np.ndarray:
    """What each threshold of each group adds to a piece, if everybody of the group met it."""
    factors = [{rate.rate: f for rate, f in piece.coefficients if rate.group == g} for g in groups]
    return np.concatenate(
        [
            [sum(f * counts.rate(rate) for rate, f in own.items()) for counts in outcomes[group]]
            for group, own in zip(groups, factors, strict=True)
        ]
    )


def _at_own_thresholds(split: Split, scores: np.ndarray, group: Group) -> list[Counts]:
    rows = np.flatnonzero(split.memberships[:, split.groups.index(group)] > 0)
    alone = split.take(rows)
    ends = np.array([-math.inf, math.inf], np.float32)
    tried = np.append(thresholds.shifts(scores[rows], _THRESHOLDS), ends)
    return [counts[None] for counts in thresholds.counts_at(alone, scores[rows], tried)]


def _decided(
    name: str, split: Split, constraints: Sequence[Constraint], scores: np.ndarray
) -> Yardstick:
    counts = split.counts(scores)
    worst = max(violations(constraints, counts), default=-math.inf)
    return Yardstick(name, counts[None].rate("ERR"), float(worst))
