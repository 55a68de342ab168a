"""One trial: who is given which examples, and when a promise is broken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fairgate.constraints.expressions import Constraint
from fairgate.constraints.rates import Counts, Group
from fairgate.documents import finite

if TYPE_CHECKING:  # it loads TensorFlow
    from components.constrained_trainer.examples.data import Split


@dataclass(frozen=True)
class Division:
    """Rows of a pool, each array disjoint from every other.

    Attributes:
        training: minibatches are drawn from it.
        validation: snapshots (and the settings of fairlearn) are chosen on it.
        safety: the safety test looks at it once.
        truth: nobody sees it; it says what a solution is really like.
    """

    training: np.ndarray
    validation: np.ndarray
    safety: np.ndarray
    truth: np.ndarray

    def without_safety(self) -> tuple[np.ndarray, np.ndarray]:
        """(training, validation) of a method that tests nothing: the safety rows go to both, 3 : 1."""
        quarter = len(self.safety) // 4
        return (
            np.concatenate([self.training, self.safety[quarter:]]),
            np.concatenate([self.validation, self.safety[:quarter]]),
        )


def divide(rows: int, examples: int, truth: int, seed: list[int]) -> Division:
    """Draws a trial from a pool of `rows`.

    `examples` of them without replacement: half for safety, an eighth for validation, three eighths to
    train; of all others at most `truth` tell what is true. Drawn with replacement, an example could
    be in several parts at once.

    Args:
        rows: of the pool.
        examples: n, what the methods are given together; at least 8.
        truth: the most rows to measure on.
        seed: of `numpy.random.default_rng`.

    Raises:
        ValueError: there are fewer than 8 examples, or nothing is left to tell the truth.
    """
    if not 8 <= examples < rows:
        raise ValueError(f"a trial takes 8 to {rows - 1} of {rows} examples, got {examples}")
    order = np.random.default_rng(seed).permutation(rows)
    drawn, rest = order[:examples], order[examples : examples + truth]
    candidate, safety = drawn[: examples // 2], drawn[examples // 2 :]
    quarter = len(candidate) // 4
    return Division(candidate[quarter:], candidate[:quarter], safety, rest)


def expected_counts(p: np.ndarray, split: Split) -> dict[Group | None, Counts]:
    """Confusion counts of a classifier that says Yes to example i with probability p_i.

    Args:
        p: (n,) in [0, 1]; 0 or 1 for a deterministic one.
        split: n examples.

    Returns:
        The counts of everyone (None) and of each group, as floats.
    """
    members = np.column_stack([np.ones(len(split)), split.memberships])
    sums = {
        "tp": (p * split.labels) @ members,
        "fp": (p * (1 - split.labels)) @ members,
        "tn": ((1 - p) * (1 - split.labels)) @ members,
        "fn": ((1 - p) * split.labels) @ members,
    }
    keys = (None, *split.groups)
    return {key: Counts(**{k: float(v[i]) for k, v in sums.items()}) for i, key in enumerate(keys)}


@dataclass(frozen=True)
class Outcome:
    """What became of a method in a trial.

    Attributes:
        returned: whether there is a solution; without one nothing can be violated.
        accuracy: of the trained model on the ground truth, returned or not; None if none was trained.
        value: of the constraint's expression there; None if none was trained or it has no value.
        violated: a solution was returned and its true value is beyond the limit.
        bound: that the safety test found; None without a test.
        reason: why there is no solution, in words; "" if there is one.
    """

    returned: bool
    accuracy: float | None = None
    value: float | None = None
    violated: bool = False
    bound: float | None = None
    reason: str = ""


def judge(
    constraint: Constraint, p: np.ndarray, truth: Split, bound: float | None = None
) -> Outcome:
    """The outcome of a model; with a `bound`, of one that is returned only if this is within the limit.

    A value that does not exist (NaN: a group is missing) keeps no limit, before and after.
    """
    counts = expected_counts(p, truth)
    value = constraint.value(counts)
    returned = bound is None or constraint.is_satisfied(bound)
    return Outcome(
        returned=returned,
        accuracy=counts[None].rate("ACC"),
        value=finite(value),
        violated=returned and not constraint.is_satisfied(value),
        bound=finite(bound),
        reason="" if returned else f"the safety test allows {bound:.4g}",
    )
