"""A snapshot at other thresholds of its score: what it would do, and which of them are worth a look.

Moving the threshold is free: a model with the shift s decides by  score - s > 0, so that its outcomes
at every shift are known from one pass over a split. No other model needs to be trained for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu

from fairgate.constraints.classes import regardless
from fairgate.constraints.rates import Counts, Group, Measured

if TYPE_CHECKING:  # it loads TensorFlow
    from components.constrained_trainer.examples.data import Split

MOST = 65, 257
"""Thresholds looked at, of few examples and of many: the decisions' own, and quantiles between."""
_RARE_BETWEEN = 4
RARE = 0.1
"""Of what comes up: less says next to nothing; see `uselessness`."""
_CHANCE = 0.01


def number_of_shifts(rarest: int) -> int:
    """So many that about 4 of the rarest examples of a constraint lie between two, within MOST."""
    return min(max(rarest // _RARE_BETWEEN, MOST[0]), MOST[1])


def shifts(scores: NDArray[np.floating], most: int = MOST[0]) -> NDArray[np.float32]:
    """0, and thresholds between neighbouring scores, at about equal ranks; (t,) float32, rising.

    A threshold in the middle between two scores decides alike whatever rounding does to them.

    Args:
      scores: (n,) of one model.
      most: how many at the most.
    """
    ordered = np.unique(np.asarray(scores, np.float64)[np.isfinite(scores)])
    middles = (ordered[1:] + ordered[:-1]) / 2
    if len(middles) >= most:
        middles = middles[np.linspace(0, len(middles) - 1, most - 1).astype(int)]
    return np.unique(np.append(middles, 0.0).astype(np.float32))


def outcomes_at(
    split: Split,
    scores: NDArray[np.floating],
    thresholds: NDArray[np.floating],
    among: NDArray[np.bool_] | None = None,
) -> dict[Group | None, NDArray[np.float64]]:
    """Outcomes of everyone (None) and of each group, at the decision score > threshold.

    Args:
      split: whose labels and groups.
      scores: (n,), one for each example.
      thresholds: (t,).
      among: (n,) which examples are counted; None: all.

    Returns:
      (4, t) each: true and false positives, true and false negatives, at each threshold; numbers, or
      sums of what the examples count.
    """
    positive, weights = split.labels > 0, split.counted
    # A score that is no number is above no threshold.
    scores = np.where(np.isnan(scores), -np.inf, scores)
    counted = np.ones(len(split), bool) if among is None else among
    members = {None: counted} | {
        group: counted & (split.memberships[:, column] > 0)
        for column, group in enumerate(split.groups)
    }
    table = {}
    for group, of_group in members.items():
        tp, fn = _above_and_below(scores, weights, of_group & positive, thresholds)
        fp, tn = _above_and_below(scores, weights, of_group & ~positive, thresholds)
        table[group] = np.stack([tp, fp, tn, fn])
    return table


def _above_and_below(
    scores: NDArray[np.floating],
    weights: NDArray[np.float64] | None,
    among: NDArray[np.bool_],
    thresholds: NDArray[np.floating],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(t,) what those count who score above each threshold, and those who do not."""
    own = scores[among]
    if weights is None:
        below = np.searchsorted(np.sort(own), thresholds, side="right").astype(np.float64)
        return len(own) - below, below
    order = np.argsort(own, kind="stable")
    sums = np.append(0.0, np.cumsum(weights[among][order]))
    below = sums[np.searchsorted(own[order], thresholds, side="right")]
    return sums[-1] - below, below


def counts_at(
    split: Split, scores: NDArray[np.floating], thresholds: NDArray[np.floating]
) -> list[dict[Group | None, Counts]]:
    """The same as confusion counts, threshold by threshold."""
    table = outcomes_at(split, scores, thresholds)
    number = int if split.weights is None else float
    return [
        {group: Counts(*map(number, cells[:, t])) for group, cells in table.items()}
        for t in range(len(thresholds))
    ]


def uselessness(counts: dict[Group | None, Counts]) -> int:
    """0: a model of some use; 1: errs as often as the commonest answer would; 2: says next to nothing.

    Next to nothing: one answer to almost everybody (the rarer answer is given ten times more rarely
    than the rarer label comes up), or a group in which Yes is not said more often to positives than
    to negatives. Such a model keeps every limit on a gap, and nobody wants it.
    """
    everyone = counts[None]
    if any(group is not None and group.of for group in counts):
        return _uselessness_of_classes(counts)
    said_yes = everyone.tp + everyone.fp
    rarer_answer = min(said_yes, everyone.examples - said_yes)
    rarer_label = min(everyone.positives, everyone.negatives)
    if rarer_answer <= RARE * rarer_label:
        return 2
    told_apart = [
        each.rate("TPR") > each.rate("FPR")
        for each in counts.values()
        if each.positives and each.negatives
    ]
    if not all(told_apart):
        return 2
    return int(everyone.fp + everyone.fn >= rarer_label)


def error_of_the_commonest(counts: Measured) -> float:
    """How often the commonest label is wrong as the answer to everybody, whatever a model says."""
    everyone = counts[None]
    classes = [of for group, of in counts.items() if group and group.of and not group.feature]
    sizes = [of.negatives for of in classes] or [everyone.positives, everyone.negatives]
    return min(sizes) / max(everyone.examples, 1)


def _uselessness_of_classes(counts: dict[Group | None, Counts]) -> int:
    """The same of several classes: the commonest is said of almost all, or no class is told apart.

    A class that is never said makes no model useless: with a rare one that may be right.
    """
    of_all = [of for group, of in counts.items() if group and group.of and not group.feature]
    everyone = counts[None]
    commonest = max(of.positives for of in of_all)
    said = max(of.tp + of.fp for of in of_all)
    if everyone.examples - said <= RARE * (everyone.examples - commonest):
        return 2
    apart: dict[Group | None, bool] = {}
    for group, of in counts.items():
        if group is not None and group.of and of.positives and of.negatives:
            people = regardless(group)
            apart[people] = apart.get(people, False) or of.rate("TPR") > of.rate("FPR")
    if not all(apart.values()):
        return 2
    return int(everyone.fn >= everyone.examples - commonest)


def tells_nothing(labels: NDArray[np.floating], scores: NDArray[np.floating]) -> bool:
    """Whether the scores rank positives above negatives no better than chance could.

    By the one-sided test of Mann and Whitney (Annals of Mathematical Statistics 18, 1947) at 1%, for
    many snapshots are looked at. A threshold of a score that tells nothing keeps every limit on a gap
    sooner or later, and of many thresholds some look better than the commonest answer by luck.

    Args:
      labels: (n,), above 0 for positives; or places of classes.
      scores: (n,) of one model; its threshold plays no part. Or (n, classes): then each class's are
        looked at, beside the mean of all, at a share of the 1%.
    """
    if scores.ndim == 2:
        own = scores - scores.mean(axis=1, keepdims=True)
        kinds = range(scores.shape[1])
        chance = _CHANCE / scores.shape[1]
        return all(_ranks_nothing(labels == kind, own[:, kind], chance) for kind in kinds)
    return _ranks_nothing(labels > 0, scores, _CHANCE)


def _ranks_nothing(
    positive: NDArray[np.bool_], scores: NDArray[np.floating], chance: float
) -> bool:
    known = np.isfinite(scores)
    yes, no = scores[known & positive], scores[known & ~positive]
    if not len(yes) or not len(no):
        return False  # there is nothing to tell apart
    if np.ptp(scores[known]) == 0:
        return True
    return bool(mannwhitneyu(yes, no, alternative="greater").pvalue > chance)


def undominated(errors: NDArray[np.float64], beyond: NDArray[np.float64]) -> NDArray[np.intp]:
    """The places where no other has both a smaller error and a smaller violation; in order of error.

    Args:
      errors: (n,).
      beyond: (n,) how far the limits are exceeded; below 0 is as good as 0.
    """
    beyond = np.maximum(beyond, 0.0)
    kept: list[int] = []
    least = np.inf
    for place in np.lexsort((beyond, errors)):
        if beyond[place] < least:
            kept.append(int(place))
            least = float(beyond[place])
    return np.array(kept, dtype=np.intp)
