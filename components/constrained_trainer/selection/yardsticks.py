"""What constraints cost at least: choices that need no constrained training, on the validation split."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from components.constrained_trainer.examples.data import Split
from components.constrained_trainer.selection.cell_program import CellProgram
from components.constrained_trainer.selection.cells import Cells
from fairgate.constraints.errors import NotTrainableError
from fairgate.constraints.expressions import Constraint, violations
from fairgate.constraints.linear import linearize
from fairgate.constraints.rates import Counts, Measured
from fairgate.errors import SettingsError


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
    if split.classes:
        labels = split.labels.astype(int)
        most = np.bincount(labels, split.weights, len(split.classes)).argmax()
        same = np.tile(np.eye(len(split.classes))[most], (len(split), 1))
    else:
        same = np.full(
            len(split), 1.0 if np.average(split.labels, weights=split.weights) > 0.5 else -1.0
        )
    found = [
        _decided("the commonest answer", split, constraints, same),
        _decided("the baseline", split, constraints, scores),
    ]
    own = by_group(split, constraints, scores)
    if own is not None:
        name = "the baseline, a threshold for each group"
        found.append(Yardstick(name, own, 0.0, sees_groups=True))
    return found


def chosen(
    split: Split, constraints: Sequence[Constraint], chances: np.ndarray, sees_groups: bool
) -> Yardstick:
    """The model that was chosen, beside the others; what is expected of it where it draws.

    Args:
      split: the validation split.
      constraints: of the trainer.
      chances: (n,) of a Yes; of several classes (n, classes) of each.
      sees_groups: whether it has thresholds for groups.
    """
    if split.classes:
        return _counted("the chosen model", constraints, split.outcomes(chances), sees_groups)
    yes = split.labels > 0
    weights = np.ones(len(split)) if split.counted is None else split.counted
    members = [weights, *(weights * column for column in split.memberships.T)]
    counts = {
        group: Counts(
            tp=float(of_group[yes] @ chances[yes]),
            fp=float(of_group[~yes] @ chances[~yes]),
            tn=float(of_group[~yes] @ (1 - chances[~yes])),
            fn=float(of_group[yes] @ (1 - chances[yes])),
        )
        for group, of_group in zip((None, *split.groups), members, strict=True)
    }
    return _counted("the chosen model", constraints, counts, sees_groups)


def by_group(split: Split, constraints: Sequence[Constraint], scores: np.ndarray) -> float | None:
    """The least error of thresholds for each group that keep the constraints as measured.

    None where no thresholds do, or the constraints are about no groups, or are no intersection of linear
    ones in rates with fixed denominators; or where examples are not in one group each.
    """
    groups = [group for constraint in constraints for group in constraint.groups()]
    if split.classes:
        return None
    cells = Cells.of(split, list(dict.fromkeys(group.feature for group in groups)))
    try:
        pieces = [piece for constraint in constraints for piece in linearize(constraint)]
        if not pieces or not groups:
            return None
        program = CellProgram(split, scores, pieces, cells, useful=False)
    except (NotTrainableError, SettingsError):
        return None
    shares = program.best() if program.is_measured else None
    return None if shares is None else float(program.errors @ shares)


def _decided(
    name: str, split: Split, constraints: Sequence[Constraint], scores: np.ndarray
) -> Yardstick:
    return _counted(name, constraints, split.counts(scores))


def _counted(
    name: str, constraints: Sequence[Constraint], counts: Measured, sees_groups: bool = False
) -> Yardstick:
    worst = max(violations(constraints, counts), default=-math.inf)
    return Yardstick(name, counts[None].rate("ERR"), float(worst), sees_groups)
