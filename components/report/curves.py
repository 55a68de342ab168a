"""From scores, labels and groups to curves, thresholds and comparisons; NumPy only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.report.data import AtThreshold, Bin, GroupCurve, GroupThreshold
from fairgate.constraints.paired import Changes
from fairgate.constraints.rates import Counts, Group, Measured
from fairgate.constraints.units import UnitCounts, UnitTable, order, order_of_rows
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
      groups: feature -> (n,) names; or (n, k), of all groups that each is in.
      names: feature -> its groups, in order.
      scores: model -> (n,) probability of the positive class.
      weights: (n,) what each example counts; None: one.
      units: (n,) names of whose example each is; None: each is its own.
      most: the most that the examples of a unit count, known beforehand; None: as much as the most here.
    """

    positive: Array
    groups: dict[str, Array]
    names: Mapping[str, Sequence[str]]
    scores: dict[str, Array]
    weights: Array | None = None
    units: Array | None = None
    most: float | None = None

    @property
    def counted(self) -> Array:
        """(n,) what each example counts."""
        return np.ones(len(self.positive)) if self.weights is None else self.weights

    def members(self) -> dict[tuple[str, str], Array]:
        """(feature, group) -> (n,) bool."""
        return {
            (feature, name): _in(self.groups[feature], name)
            for feature, names in self.names.items()
            for name in names
        }


def _in(names: Array, name: str) -> Array:
    found: Array = names == name
    return np.any(found, axis=1) if found.ndim == 2 else found


def outcomes(scored: Scored) -> dict[str, Measured]:
    """Model -> outcomes of each group, and at None of everybody, at the threshold that is served.

    With weights, or where people have several examples, by unit.
    """
    masks: dict[Group | None, Array] = {None: np.ones(len(scored.positive), bool)}
    masks |= {Group(*key): members for key, members in scored.members().items()}
    found: dict[str, Measured] = {}
    for model, scores in scored.scores.items():
        yes, positive = scores > DECISION_THRESHOLD, scored.positive
        cells = (yes & positive, yes & ~positive, ~yes & ~positive, ~yes & positive)
        by_row = np.stack(cells, axis=1)
        if scored.weights is not None or scored.units is not None:
            found[model] = _by_unit(scored, model, by_row, masks)
            continue
        found[model] = {
            group: Counts(
                *map(int, by_row[mask].sum(axis=0)), against=_changes(_changed(scored, model), mask)
            )
            for group, mask in masks.items()
        }
    return found


def _changes(changed: Array | None, mask: Array) -> Changes | None:
    return None if changed is None else Changes(*map(int, changed[mask].sum(axis=0)))


def _changed(scored: Scored, model: str) -> Array | None:
    """(n, 4) which field of `Changes` each example is, if any; None where there is no other model."""
    if model == BASELINE or BASELINE not in scored.scores:
        return None
    yes, other = (scored.scores[name] > DECISION_THRESHOLD for name in (model, BASELINE))
    fields: list[Array] = [
        (scored.positive == label) & (yes == now) & (other != now)
        for label in (True, False)
        for now in (True, False)
    ]
    found: Array = np.stack(fields, axis=1)
    return found


def _by_unit(
    scored: Scored, model: str, by_row: Array, masks: Mapping[Group | None, Array]
) -> UnitCounts:
    """Args: `by_row` bool (n, 4), which outcome each example is."""
    if scored.units is None:
        unit, places = np.arange(len(by_row)), order_of_rows(len(by_row))
    else:
        names, unit = np.unique(scored.units, return_inverse=True)
        places = order(names.tolist())

    def table(mask: Array, of: Array, counted: Array = scored.counted) -> UnitTable:
        cells = np.zeros((len(places), 4))
        np.add.at(cells, places[unit[mask]], (of * counted[:, None])[mask])
        return UnitTable.of(cells)

    tables = {group: table(mask, by_row) for group, mask in masks.items()}
    changed = _changed(scored, model)
    against = None
    if changed is not None:
        against = {group: table(mask, changed) for group, mask in masks.items()}
    numbers = None
    if scored.weights is not None:
        one = np.ones(len(by_row))
        numbers = {group: table(mask, by_row, one) for group, mask in masks.items()}
    most = scored.most or float(tables[None].cells.sum(axis=1).max(initial=1.0))
    return UnitCounts(len(places), tables, most, numbers=numbers, against=against)


def group_curves(scored: Scored) -> list[GroupCurve]:
    """ROC and calibration of every model on everybody and each group."""
    masks = {EVERYBODY: np.ones(len(scored.positive), bool)}
    for (feature, name), members in scored.members().items():
        masks[shown_name(feature, name, scored.names)] = members
    return [
        _curve(model, group, scores[mask], scored.positive[mask], scored.counted[mask])
        for model, scores in scored.scores.items()
        for group, mask in masks.items()
    ]


def _curve(model: str, group: str, scores: Array, positive: Array, weights: Array) -> GroupCurve:
    finite = np.isfinite(scores)
    scores, positive, weights = scores[finite], positive[finite], weights[finite]
    yes, no = (_Ordered.of(scores[label], weights[label]) for label in (positive, ~positive))
    roc: list[tuple[float, float]] = []
    decision = area = None
    if yes.total and no.total:
        every = np.concatenate([[np.inf], np.sort(scores)[::-1], [-np.inf]])
        fpr, tpr = no.above(every), yes.above(every)
        area = float(np.sum(np.diff(fpr) * (tpr[1:] + tpr[:-1])) / 2)
        kept = np.unique(np.linspace(0, len(every) - 1, _ROC_POINTS).round().astype(int))
        roc = [(round(float(fpr[i]), 4), round(float(tpr[i]), 4)) for i in kept]
        at = np.array([DECISION_THRESHOLD])
        decision = float(no.above(at)[0]), float(yes.above(at)[0])
    return GroupCurve(model, group, area, roc, decision, _calibration(scores, positive, weights))


@dataclass(frozen=True)
class _Ordered:
    """Scores from the lowest on, and what all up to each count together, from 0 on."""

    scores: Array
    sums: Array

    @classmethod
    def of(cls, scores: Array, weights: Array) -> _Ordered:
        ordered = np.argsort(scores, kind="stable")
        return cls(scores[ordered], np.append(0.0, np.cumsum(weights[ordered])))

    @property
    def total(self) -> float:
        return float(self.sums[-1])

    def above(self, thresholds: Array) -> Array:
        """The share that scores above each threshold."""
        return 1 - self.sums[np.searchsorted(self.scores, thresholds, side="right")] / self.total


def _calibration(scores: Array, positive: Array, weights: Array) -> list[Bin]:
    order = np.argsort(scores, kind="stable")
    bins = []
    for rows in np.array_split(order, _BINS):
        if not len(rows):
            continue
        own = weights[rows]
        if not own.any():
            continue
        share, n = float(np.average(positive[rows], weights=own)), len(rows)
        # As of the examples that would tell as much (Kish, Survey Sampling, 1965, section 11.7).
        told = round(float(own.sum() ** 2 / np.square(own).sum()))
        low, high = interval(round(share * told), told)
        mean = float(np.average(scores[rows], weights=own))
        bins.append(Bin(mean, share, min(low, share), max(high, share), n))
    return bins


def threshold_for(negative_scores: Array, target: float, weights: Array | None = None) -> float:
    """The lowest threshold at which at most `target` of the negatives score above it.

    Args:
      negative_scores: (n,).
      target: a share, in [0, 1].
      weights: (n,) what each of them counts; None: one.
    """
    own = np.ones(len(negative_scores)) if weights is None else weights
    falling = np.argsort(-negative_scores, kind="stable")
    upto = np.cumsum(own[falling])
    allowed = int(np.sum(upto <= target * upto[-1] * (1 + 1e-12) + 1e-9)) if len(upto) else 0
    return float(negative_scores[falling][allowed]) if allowed < len(upto) else 0.0


def equal_thresholds(scored: Scored) -> list[GroupThreshold]:
    """For each model, a threshold of each group's own at which all have the overall rate at 0.5."""
    rows = []
    for model, scores in scored.scores.items():
        target = _rate(scored, scores, ~scored.positive, DECISION_THRESHOLD)
        if target is None:
            continue
        for (feature, name), members in scored.members().items():
            negatives, positives = members & ~scored.positive, members & scored.positive
            if not negatives.any() or not positives.any():
                continue
            threshold = threshold_for(scores[negatives], target, scored.counted[negatives])
            fpr, tpr = (_rate(scored, scores, mask, threshold) for mask in (negatives, positives))
            if fpr is None or tpr is None:
                continue  # all of them have a weight of 0
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
    negative = ~scored.positive
    moved = threshold_for(
        scored.scores[BASELINE][negative], constrained.fpr, scored.counted[negative]
    )
    return [
        _at(scored, BASELINE, DECISION_THRESHOLD),
        _at(scored, BASELINE, moved),
        constrained,
    ]


def _at(scored: Scored, model: str, threshold: float) -> AtThreshold:
    scores = scored.scores[model]
    rates = {
        key: _rate(scored, scores, members & ~scored.positive, threshold)
        for key, members in scored.members().items()
    }
    gaps: dict[str, float | None] = {}
    for feature in scored.names:
        known = [rate for (of, _), rate in rates.items() if of == feature and rate is not None]
        whole = len(known) == len(scored.names[feature])
        gaps[feature] = max(known) - min(known) if whole else None
    overall = _rate(scored, scores, ~scored.positive, threshold)
    return AtThreshold(
        model,
        threshold,
        0.0 if overall is None else overall,
        float(np.average((scores > threshold) == scored.positive, weights=scored.counted)),
        {shown_name(*key, scored.names): rate for key, rate in rates.items()},
        gaps,
    )


def _rate(scored: Scored, scores: Array, mask: Array, threshold: float) -> float | None:
    weights = scored.counted[mask]
    return float(np.average(scores[mask] > threshold, weights=weights)) if weights.any() else None


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
