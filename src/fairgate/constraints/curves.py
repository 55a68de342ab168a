"""Measures of scores over all thresholds: areas under curves, and rates where another one is met.

For thresholds at every score, with precision and recall of predicting positive from there on up:

    AUC                     P(score of a positive > score of a negative), ties half
    PR_AUC                  sum_k (recall_k - recall_(k-1)) precision_k      (average precision)
    recall_at_precision(p)  the largest recall of the thresholds with precision >= p, or 0
    precision_at_recall(r)  the largest precision of the thresholds with recall >= r

Counts of decisions at one threshold do not tell them, so a gate over counts cannot hold them;
`Scored` can, and a model can be trained on them (`problems.thresholds`).

Source: Fawcett, "An introduction to ROC analysis", Pattern Recognition Letters 27 (2006), 861-874;
Davis and Goadrich, "The relationship between precision-recall and ROC curves", ICML 2006.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fairgate.constraints.rates import Counts, Group, count_outcomes

CURVES: Mapping[str, bool] = MappingProxyType(
    {"AUC": False, "PR_AUC": False, "recall_at_precision": True, "precision_at_recall": True}
)
"""Name in the constraint language -> whether it has a target, as in recall_at_precision(0.9)."""

CURVE_ALIASES: Mapping[str, str] = MappingProxyType(
    {"auc": "AUC", "ROC_AUC": "AUC", "roc_auc": "AUC", "pr_auc": "PR_AUC"}
    | {"average_precision": "PR_AUC"}
)
"""Other spellings that the language accepts -> the name in `CURVES`."""


def check_curve(measure: str, target: float | None) -> None:
    """ValueError for an unknown measure, or a target that is missing, needless or not in (0, 1)."""
    if measure not in CURVES:
        raise ValueError(f"unknown measure {measure!r}; there are {', '.join(CURVES)}")
    if CURVES[measure] and (target is None or not 0 < target < 1):
        raise ValueError(f"{measure} needs a target in (0, 1), got {target!r}")
    if not CURVES[measure] and target is not None:
        raise ValueError(f"{measure} has no target, got {target!r}")


class Scored:
    """Scores of examples: what `Counts` tells at one threshold, and the measures of this module.

    Args:
        scores: (n,) finite.
        labels: (n,) > 0 is positive.
        weights: (n,) non-negative; None: every example counts one.
        threshold: scores above it are predicted positive.

    Attributes:
        counts: the outcomes at the threshold.

    Raises:
        ValueError: if the shapes differ or are not rank 1, or a score is not finite.
    """

    def __init__(
        self,
        scores: ArrayLike,
        labels: ArrayLike,
        weights: ArrayLike | None = None,
        threshold: float = 0.0,
    ) -> None:
        self._scores = np.asarray(scores, dtype=np.float64)
        if not np.isfinite(self._scores).all():
            raise ValueError("a score is not finite")
        self.counts: Counts = count_outcomes(self._scores > threshold, labels, None, weights)
        self._positive = np.asarray(labels) > 0
        self._weights = (
            np.ones(self._scores.shape)
            if weights is None
            else np.asarray(weights, dtype=np.float64)
        )

    def rate(self, name: str) -> float:
        """The rate `name` at the threshold; NaN when its denominator is 0."""
        return self.counts.rate(name)

    def curve(self, measure: str, target: float | None = None) -> float:
        """The measure; NaN without positives (AUC: or negatives).

        Raises:
            ValueError: for an unknown measure or a target that does not fit.
        """
        check_curve(measure, target)
        tp, fp = self._sweep
        positives, negatives = float(tp[-1]), float(fp[-1])
        if positives == 0 or (measure == "AUC" and negatives == 0):
            return math.nan
        recall = tp / positives
        if measure == "AUC":
            return float(np.sum(np.diff(fp / negatives) * (recall[1:] + recall[:-1]) / 2.0))
        # Where nothing is predicted positive there is no precision.
        precision = np.divide(tp, tp + fp, out=np.zeros_like(tp), where=tp + fp > 0)
        if measure == "PR_AUC":
            return float(np.sum(np.diff(recall) * precision[1:]))
        # Sums of weights round: a target that is met exactly must count as met.
        by, of = (precision, recall) if measure == "recall_at_precision" else (recall, precision)
        return float(np.max(of, where=by >= target - 1e-12, initial=0.0))  # type: ignore[operator]

    @cached_property
    def _sweep(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weights of true and of false positives: above all scores, then from each score on up."""
        order = np.argsort(-self._scores, kind="stable")
        ends = np.append(np.flatnonzero(np.diff(self._scores[order])), order.size - 1)

        def cumulated(members: NDArray[Any]) -> NDArray[np.float64]:
            sums = np.cumsum((self._weights * members)[order])
            return np.concatenate([[0.0], sums[ends] if order.size else []])

        return cumulated(self._positive), cumulated(~self._positive)


def scored_groups(
    scores: ArrayLike,
    labels: ArrayLike,
    members: Mapping[Group, ArrayLike],
    weights: ArrayLike | None = None,
    threshold: float = 0.0,
) -> dict[Group | None, Scored]:
    """The scores of everyone (None) and of each group: what constraints are measured on.

    Args:
        scores: as for `Scored`, over all examples; so are labels, weights and threshold.
        labels: (n,) 0 or 1.
        members: (n,) nonzero where an example belongs to the group.
        weights: (n,) non-negative; None: all 1.
        threshold: a score above it is a Yes.

    >>> women = Group("sex", "Female")
    >>> scored = scored_groups([0.9, -0.2, 0.4, -0.5], [1, 1, 0, 0], {women: [1, 1, 0, 0]})
    >>> scored[None].curve("AUC")  # 3 of the 4 pairs of a positive and a negative are in order
    0.75
    >>> scored[women].rate("TPR")  # one of two is above the threshold of 0
    0.5
    """
    everyone = [np.asarray(scores), np.asarray(labels)]
    everyone += [] if weights is None else [np.asarray(weights)]

    def chosen(rows: Any) -> Scored:
        values, truths, *rest = (array[rows] for array in everyone)
        return Scored(values, truths, rest[0] if rest else None, threshold)

    groups = {group: np.asarray(rows).astype(bool) for group, rows in members.items()}
    return {None: chosen(slice(None)), **{group: chosen(rows) for group, rows in groups.items()}}
