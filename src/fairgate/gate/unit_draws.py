"""Test splits of people with several examples, drawn; and how far the examples of one are alike.

A model that errs on a share r of the examples errs on a unit's own share, Beta(r (1 / c - 1), (1 - r)
(1 / c - 1)): two examples of a unit have the correlation c. How many examples of each label a unit has,
and what they weigh, is taken from a split that is there: it is the same for every model. The examples of
one unit, group and label are taken to weigh the same.

Sources: Kish, Survey Sampling (1965), sections 5.4 and 11.7 (design effects of clusters and of weights);
Ridout, Demetrio and Firth, Biometrics 55 (1999), 137-148 (the correlation, by moments).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fairgate.constraints.expressions import Constraint, RateOf, rates_in
from fairgate.constraints.rates import OUTCOMES, Group
from fairgate.constraints.units import Costs, UnitCounts, UnitTable

_MOST_ALIKE = 0.999


def correlation(counts: UnitCounts, rate: RateOf) -> float:
    """Of two outcomes of one unit, in [0, 1): the moment estimate; 0 where it is less, or not known.

    Args:
        counts: outcomes by unit; what they weigh plays no part.
        rate: whose outcomes.
    """
    if rate.group not in counts:
        return 0.0
    events, members = (counts.examples(rate.group, costs) for costs in _costs(rate))
    pairs = float((members * (members - 1)).sum())
    total = float(members.sum())
    if not pairs or not 0 < events.sum() < total:
        return 0.0
    mean = float(events.sum()) / total
    off = events - mean * members
    # Of each unit the square of the sum, less the squares: what pairs of different examples make.
    alone = events * (1 - mean) ** 2 + (members - events) * mean**2
    found = float((off**2 - alone).sum()) / pairs / (mean * (1 - mean))
    return min(max(found, 0.0), _MOST_ALIKE)


def design_effect(counts: UnitCounts, rate: RateOf) -> float:
    """How many times as many examples a rate takes as independent ones without weights would.

        sum n  sum W^2 (1 + c (n - 1)) / n  /  (sum W)^2,   n the members of each unit, W their weight

    Without weights that is 1 + c (sum n^2 / sum n - 1), and of units with one example each what Kish says
    of weights. Arguments: as for `correlation`. The examples, over this, are the effective number.
    """
    if rate.group not in counts:
        return 1.0
    _, costs = _costs(rate)
    members, weight = counts.examples(rate.group, costs), counts.sums(rate.group, costs)
    there = weight > 0
    if not there.any():
        return 1.0
    n, w = members[there], weight[there]
    spread = float((w**2 * (1 + correlation(counts, rate) * (n - 1)) / n).sum())
    return max(float(members.sum()) * spread / float(w.sum()) ** 2, 1.0)


def _costs(rate: RateOf) -> tuple[Costs, Costs]:
    """What each outcome counts as an event and as a member of a rate."""
    events, members = zip(*(outcome.trials(rate.rate) for outcome in OUTCOMES), strict=True)
    return tuple(map(float, events)), tuple(map(float, members))  # type: ignore[return-value]


def alike(constraint: Constraint, counts: UnitCounts) -> float:
    """The largest correlation among the rates of a constraint."""
    rates = [rate for rate in rates_in(constraint.expression) if isinstance(rate, RateOf)]
    return max((correlation(counts, rate) for rate in rates), default=0.0)


def drawn(
    counts: UnitCounts,
    rates: Mapping[Group | None, tuple[float, float]],
    alike: float,
    rng: np.random.Generator,
) -> UnitCounts:
    """Outcomes of another model on the same examples.

    Args:
        counts: whose examples they are; of its outcomes only the labels count.
        rates: of each group, and at None of those in none: false and true positive rate.
        alike: the correlation of two outcomes of a unit, in [0, 1).
        rng: what is drawn from.
    """
    numbers: dict[Group | None, UnitTable] = {}
    weights: dict[Group | None, UnitTable] = {}
    for group in counts.tables:
        if group is not None:
            examples = counts.numbers[group]
            numbers[group], weights[group] = _drawn(
                examples, _weight(counts, group, examples.places), *rates[group], alike, rng
            )
    # Of the groups of one feature each example is in one at the most; those in none are drawn besides.
    feature = next((group.feature for group in numbers if group is not None), None)
    inside = [group for group in numbers if group is not None and group.feature == feature]
    everyone = counts.numbers[None]
    rest, heavy = np.zeros((2, counts.units, 4))
    rest[everyone.places] = everyone.cells[:, :4]
    heavy[everyone.places] = _weight(counts, None, everyone.places)
    for group in inside:
        places = counts.numbers[group].places
        rest[places] -= counts.numbers[group].cells[:, :4]
        heavy[places] -= _weight(counts, group, places)
    others = UnitTable.of(np.maximum(rest, 0))
    of_others = rates[None] if len(others.places) else (0.0, 0.0)
    drawn_others = _drawn(others, np.maximum(heavy[others.places], 0), *of_others, alike, rng)
    for found, own in zip((numbers, weights), drawn_others, strict=True):
        total = np.zeros((counts.units, 4))
        for table in (own, *(found[group] for group in inside)):
            total[table.places] += table.cells
        found[None] = UnitTable.of(total)
    told = numbers if counts.weighted else None
    return UnitCounts(counts.units, weights, counts.most, counts.method, told)


def _weight(
    counts: UnitCounts, group: Group | None, places: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(m, 4) what the examples of a group weigh in the units at `places`."""
    found = np.zeros((counts.units, 4))
    found[counts.tables[group].places] = counts.tables[group].cells[:, :4]
    return found[places]


def _drawn(
    examples: UnitTable,
    weight: NDArray[np.float64],
    fpr: float,
    tpr: float,
    alike: float,
    rng: np.random.Generator,
) -> tuple[UnitTable, UnitTable]:
    """Outcomes in numbers, and in weights."""

    def outcomes(label: slice, rate: float) -> tuple[NDArray[np.float64], ...]:
        members, heavy = examples.cells[:, label].sum(axis=1), weight[:, label].sum(axis=1)
        said = _of_each(members, rate, alike, rng)
        each = heavy / np.maximum(members, 1)
        return said, members - said, said * each, (members - said) * each

    (fp, tn, fp_heavy, tn_heavy) = outcomes(slice(1, 3), fpr)
    (tp, fn, tp_heavy, fn_heavy) = outcomes(slice(0, 4, 3), tpr)
    numbers = np.stack([tp, fp, tn, fn], axis=1)
    heavy = np.stack([tp_heavy, fp_heavy, tn_heavy, fn_heavy], axis=1)
    return UnitTable(examples.places, numbers), UnitTable(examples.places, heavy)


def _of_each(
    members: NDArray[np.float64], rate: float, alike: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    own: float | NDArray[np.float64] = rate
    if alike > 0 and 0 < rate < 1:
        both = 1 / alike - 1
        own = rng.beta(rate * both, (1 - rate) * both, len(members))
    return rng.binomial(members.astype(np.int64), own).astype(np.float64)
