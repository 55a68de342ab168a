"""Test splits of people with several examples, drawn; and how far the examples of one are alike.

A model that errs on a share r of the examples errs on a unit's own share, Beta(r (1 / c - 1), (1 - r)
(1 / c - 1)): two examples of a unit have the correlation c. How many examples of each label a unit has
is taken from a split that is there: it is the same for every model.

Sources: Kish, Survey Sampling (1965), section 5.4 (the design effect); Ridout, Demetrio and Firth,
Biometrics 55 (1999), 137-148 (the correlation, by moments).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fairgate.constraints.expressions import Constraint, RateOf, rates_in
from fairgate.constraints.rates import OUTCOMES, Group
from fairgate.constraints.units import UnitCounts, UnitTable
from fairgate.gate.prediction import bound_of

_MOST_ALIKE = 0.999


def correlation(counts: UnitCounts, rate: RateOf) -> float:
    """Of two outcomes of one unit, in [0, 1): the moment estimate; 0 where it is less, or not known.

    Args:
        counts: outcomes by unit, without weights.
        rate: whose outcomes.
    """
    if rate.group not in counts:
        return 0.0
    trials = [outcome.trials(rate.rate) for outcome in OUTCOMES]
    events, members = (
        counts.sums(rate.group, tuple(float(each[of]) for each in trials))  # type: ignore[arg-type]
        for of in (0, 1)
    )
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
    """How many times as many examples a rate takes as independent ones would; at least 1.

        1 + c (sum n^2 / sum n - 1),   n the members of each unit

    Arguments: as for `correlation`. The examples, over this, are the effective number.
    """
    if rate.group not in counts:
        return 1.0
    costs = tuple(float(outcome.trials(rate.rate)[1]) for outcome in OUTCOMES)
    members = counts.sums(rate.group, costs)  # type: ignore[arg-type]
    total = float(members.sum())
    if not total:
        return 1.0
    return 1 + correlation(counts, rate) * (float((members**2).sum()) / total - 1)


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
    tables = {
        group: _drawn(table, *rates[group], alike, rng)
        for group, table in counts.tables.items()
        if group is not None
    }
    feature = next((group.feature for group in tables), None)
    inside = [table for group, table in tables.items() if group.feature == feature]
    everyone = counts.tables[None]
    total = np.zeros((counts.units, 4))
    for table in inside:
        total[table.places] += table.cells
    rest = np.zeros((counts.units, 4))
    rest[everyone.places] = everyone.cells[:, :4]
    for group in counts.tables:
        if group is not None and group.feature == feature:
            rest[counts.tables[group].places] -= counts.tables[group].cells[:, :4]
    if rest.any():
        others = _drawn(UnitTable.of(np.maximum(rest, 0)), *rates[None], alike, rng)
        total[others.places] += others.cells
    whole: dict[Group | None, UnitTable] = {None: UnitTable.of(total)}
    whole |= {group: table for group, table in tables.items()}
    return UnitCounts(counts.units, whole, counts.most, counts.method)


def _drawn(
    table: UnitTable, fpr: float, tpr: float, alike: float, rng: np.random.Generator
) -> UnitTable:
    tp, fp, tn, fn = table.cells[:, :4].T
    said_fp = _of_each(fp + tn, fpr, alike, rng)
    said_tp = _of_each(tp + fn, tpr, alike, rng)
    cells = [said_tp, said_fp, fp + tn - said_fp, tp + fn - said_tp]
    return UnitTable(table.places, np.stack(cells, axis=1))


def _of_each(
    members: NDArray[np.float64], rate: float, alike: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    own: float | NDArray[np.float64] = rate
    if alike > 0 and 0 < rate < 1:
        both = 1 / alike - 1
        own = rng.beta(rate * both, (1 - rate) * both, len(members))
    return rng.binomial(members.astype(np.int64), own).astype(np.float64)


def limit_to_pass(
    constraint: Constraint,
    rates: Mapping[Group | None, tuple[float, float]],
    counts: UnitCounts,
    alike: float,
    delta: float,
    miss: float = 0.2,
    draws: int = 200,
    bounded: int = 5,
    seed: int = 0,
) -> float:
    """The tightest limit, over units, that a model of known rates passes with probability 1 - `miss`.

    Splits are drawn and ordered by their values, which is nearly the order of their bounds: of `bounded`
    about the quantile the median bound is taken.

    Args:
        constraint: the gate's; its limit plays no part.
        rates, counts, alike: as for `drawn`.
        delta: the gate's allowed probability of error.
        miss: allowed probability of not passing, in (0, 1).
        draws, bounded: splits that are drawn, and those of them that are bounded.
        seed: of the draws.

    Returns:
        The limit; infinite where none is passed that often; NaN where a rate has no examples.
    """
    rng = np.random.default_rng(seed)
    worse = 1.0 if constraint.sense == "<=" else -1.0
    splits = [drawn(counts, rates, alike, rng) for _ in range(draws)]
    values = [worse * constraint.value(each) for each in splits]
    if any(map(math.isnan, values)):
        return math.nan
    order = np.argsort(values, kind="stable")
    place = math.ceil((1 - miss) * draws) - 1
    around = [place + step * draws // 50 for step in range(-(bounded // 2), bounded // 2 + 1)]
    chosen = [order[min(max(at, 0), draws - 1)] for at in around]
    reached = [worse * bound_of(constraint, splits[at], delta) for at in chosen]
    return worse * float(np.median([math.inf if math.isnan(each) else each for each in reached]))
