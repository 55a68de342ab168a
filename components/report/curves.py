"""From scores, labels and groups to curves, thresholds and comparisons; NumPy only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.report.data import AtThreshold, Bin, GroupCurve, GroupThreshold
from fairgate.constraints.rates import Counts, Group
from fairgate.gate.judgement import BASELINE, CONSTRAINED, EVERYBODY, shown_name
from fairgate.report.sections import interval

Array = NDArray[Any]

DECISION_THRESHOLD = 0.5  # of the served probability
_ROC_POINTS = 101
_BINS = 10


@dataclass(frozen=True)
class Scored:
    """A split as the models see it.

    Attributes:
      positive: (n,) bool, the label.
      groups: feature -> (n,) names.
      names: feature -> its groups, in order.
      scores: model -> (n,) probability of the positive class.
    """

    positive: Array
    groups: dict[str, Array]
    names: Mapping[str, Sequence[str]]
    scores: dict[str, Array]

    def members(self) -> dict[tuple[str, str], Array]:
        """(feature, group) -> (n,) bool."""
        return {
            (feature, name): self.groups[feature] == name
            for feature, names in self.names.items()
            for name in names
        }


def outcomes(scored: Scored) -> dict[str, dict[Group | None, Counts]]:
    """Model -> outcomes of each group, and at None of everybody, at the threshold that is served."""
    masks: dict[Group | None, Array] = {None: np.ones(len(scored.positive), bool)}
    masks |= {Group(*key): members for key, members in scored.members().items()}
    found = {}
    for model, scores in scored.scores.items():
        yes, positive = scores > DECISION_THRESHOLD, scored.positive
        cells = (yes & positive, yes & ~positive, ~yes & ~positive, ~yes & positive)
        found[model] = {
            group: Counts(*(int(np.sum(cell & mask)) for cell in cells))
            for group, mask in masks.items()
        }
    return found


def group_curves(scored: Scored) -> list[GroupCurve]:
    """ROC and calibration of every model on everybody and each group."""
    masks = {EVERYBODY: np.ones(len(scored.positive), bool)}
    for (feature, name), members in scored.members().items():
        masks[shown_name(feature, name, scored.names)] = members
    return [
        _curve(model, group, scores[mask], scored.positive[mask])
        for model, scores in scored.scores.items()
        for group, mask in masks.items()
    ]


def _curve(model: str, group: str, scores: Array, positive: Array) -> GroupCurve:
    finite = np.isfinite(scores)
    scores, positive = scores[finite], positive[finite]
    yes, no = np.sort(scores[positive]), np.sort(scores[~positive])
    roc: list[tuple[float, float]] = []
    decision = area = None
    if len(yes) and len(no):
        every = np.concatenate([[np.inf], np.sort(scores)[::-1], [-np.inf]])
        fpr, tpr = _above(no, every), _above(yes, every)
        area = float(np.sum(np.diff(fpr) * (tpr[1:] + tpr[:-1])) / 2)
        kept = np.unique(np.linspace(0, len(every) - 1, _ROC_POINTS).round().astype(int))
        roc = [(round(float(fpr[i]), 4), round(float(tpr[i]), 4)) for i in kept]
        at = np.array([DECISION_THRESHOLD])
        decision = float(_above(no, at)[0]), float(_above(yes, at)[0])
    return GroupCurve(model, group, area, roc, decision, _calibration(scores, positive))


def _above(ordered: Array, thresholds: Array) -> Array:
    """Share of the ordered scores above each threshold."""
    return 1 - np.searchsorted(ordered, thresholds, side="right") / len(ordered)


def _calibration(scores: Array, positive: Array) -> list[Bin]:
    order = np.argsort(scores, kind="stable")
    bins = []
    for rows in np.array_split(order, _BINS):
        if not len(rows):
            continue
        k, n = int(positive[rows].sum()), len(rows)
        low, high = interval(k, n)
        bins.append(Bin(float(scores[rows].mean()), k / n, low, high, n))
    return bins


def threshold_for(negative_scores: Array, target: float) -> float:
    """The lowest threshold at which at most `target` of the negatives score above it."""
    ordered = np.sort(negative_scores)[::-1]
    allowed = int(np.floor(target * len(ordered) + 1e-9))
    return float(ordered[allowed]) if allowed < len(ordered) else 0.0


def equal_thresholds(scored: Scored) -> list[GroupThreshold]:
    """For each model, a threshold of each group's own at which all have the overall rate at 0.5."""
    rows = []
    for model, scores in scored.scores.items():
        target = _rate(scores, ~scored.positive, DECISION_THRESHOLD)
        if target is None:
            continue
        for (feature, name), members in scored.members().items():
            negatives, positives = members & ~scored.positive, members & scored.positive
            if not negatives.any() or not positives.any():
                continue
            threshold = threshold_for(scores[negatives], target)
            fpr, tpr = (_rate(scores, mask, threshold) for mask in (negatives, positives))
            assert fpr is not None and tpr is not None
            shown = shown_name(feature, name, scored.names)
            rows.append(GroupThreshold(model, feature, shown, target, threshold, fpr, 1 - tpr))
    return rows


def equal_overall(scored: Scored) -> list[AtThreshold]:
    """Both models as served, and the baseline where its overall rate is the constrained model's.

    A lower threshold raises every group's rate: only at equal overall rates does a smaller gap speak of
    the model and not of its threshold.
    """
    if set(scored.scores) != {BASELINE, CONSTRAINED} or scored.positive.all():
        return []
    constrained = _at(scored, CONSTRAINED, DECISION_THRESHOLD)
    moved = threshold_for(scored.scores[BASELINE][~scored.positive], constrained.fpr)
    return [
        _at(scored, BASELINE, DECISION_THRESHOLD),
        _at(scored, BASELINE, moved),
        constrained,
    ]


def _at(scored: Scored, model: str, threshold: float) -> AtThreshold:
    scores = scored.scores[model]
    rates = {
        key: _rate(scores, members & ~scored.positive, threshold)
        for key, members in scored.members().items()
    }
    gaps: dict[str, float | None] = {}
    for feature in scored.names:
        known = [rate for (of, _), rate in rates.items() if of == feature and rate is not None]
        whole = len(known) == len(scored.names[feature])
        gaps[feature] = max(known) - min(known) if whole else None
    overall = _rate(scores, ~scored.positive, threshold)
    return AtThreshold(
        model,
        threshold,
        0.0 if overall is None else overall,
        float(np.mean((scores > threshold) == scored.positive)),
        {shown_name(*key, scored.names): rate for key, rate in rates.items()},
        gaps,
    )


def _rate(scores: Array, mask: Array, threshold: float) -> float | None:
    return float(np.mean(scores[mask] > threshold)) if mask.any() else None


def worst_mistakes(scored: Scored, most: int) -> list[tuple[int, str, str]]:
    """(row, group, kind) of the constrained model's most confident mistakes.

    There are at most `most` of them for each group and kind.
    """
    scores = scored.scores[CONSTRAINED]
    said_yes = scores > DECISION_THRESHOLD
    found = []
    for (feature, name), members in scored.members().items():
        shown = shown_name(feature, name, scored.names)
        for kind, wrong, sign in (
            ("false positive", said_yes & ~scored.positive, -1),
            ("false negative", ~said_yes & scored.positive & np.isfinite(scores), 1),
        ):
            rows = np.flatnonzero(members & wrong)
            order = np.argsort(sign * scores[rows], kind="stable")
            found += [(int(row), shown, kind) for row in rows[order[:most]]]
    return found
