"""What limits a test split can keep at all: before any model is trained, and after one was gated."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairgate.constraints.expressions import Constraint, Expression, RateOf, rates_in
from fairgate.constraints.rates import Counts, Group, Measured
from fairgate.constraints.units import UnitCounts
from fairgate.gate import unit_draws
from fairgate.gate.prediction import Sizes, bound_of, simulated, sizes_of

_FEWEST, _UNITS = 4, 10_000
"""Splits of units that are bounded about the quantile: so few, or as many as have so many units."""
DECISION_RATES = ("PPR", "NPR")
"""Rates of what a model says, whatever the label."""


@dataclass(frozen=True)
class ModelRates:
    """A model by what it does to each label: its false and its true positive rate, in [0, 1]."""

    fpr: float
    tpr: float

    def __post_init__(self) -> None:
        if not (0 <= self.fpr <= 1 and 0 <= self.tpr <= 1):
            raise ValueError(f"rates are in [0, 1], got {self}")


def even_model(expression: Expression, share: float) -> ModelRates:
    """A model without any gap in what `expression` is about.

    Its errors are a share of each label of every group; or, where decisions are compared and not
    errors (PPR, NPR), it says Yes to that share of everyone.

    Args:
        expression: any.
        share: in [0, 1].

    Raises:
        ValueError: for another share.

    >>> from fairgate.constraints import RateOf
    >>> even_model(RateOf("FPR"), 0.25)
    ModelRates(fpr=0.25, tpr=0.75)
    >>> even_model(RateOf("PPR"), 0.25)  # says Yes to a quarter of everyone
    ModelRates(fpr=0.25, tpr=0.25)
    """
    decisions = any(
        isinstance(rate, RateOf) and rate.rate in DECISION_RATES for rate in rates_in(expression)
    )
    return ModelRates(fpr=share, tpr=share if decisions else 1 - share)


def limit_to_pass(
    constraint: Constraint,
    model: ModelRates | Mapping[Group | None, ModelRates],
    examples: Sizes | UnitCounts,
    delta: float,
    miss: float = 0.2,
    draws: int | None = None,
    bounded: int | None = None,
    seed: int = 0,
    alike: float = 0.0,
) -> float:
    """The tightest limit that a model with known true rates passes with probability 1 - `miss`.

    The quantile of the gate's bound over simulated test splits: of independent examples
    (`prediction.simulated`), or of units and weights (`unit_draws.drawn`).

    Args:
        constraint: the gate's; its limit plays no part.
        model: its true rates: the same in every group, or those of each group.
        examples: of each group on the test split; by unit, where bounds are over units (of these outcomes
            only the labels count).
        delta: the gate's allowed probability of error.
        miss: allowed probability of not passing, in (0, 1).
        draws: simulated splits; None: 1000, or 200 of units, whose bounds are slow.
        bounded: how many of them get a bound at once, 1 to `draws`, equally spaced in the order of a
            guess (an approximate bound; of units the value); None: 20, or 3. They tell how far bounds are
            from guesses, and so which of the other splits could be on either side of the quantile: these
            are all bounded, too; of units a few.
        seed: of the simulation; the same limits for the same seed.
        alike: the correlation of two outcomes of a unit, in [0, 1).

    Returns:
        The limit; inf (-inf for >=) where no limit is passed that often; NaN where a rate has no
        examples.

    Raises:
        ValueError: for a bad delta, miss or number of splits.

    >>> from fairgate.constraints import parse
    >>> from fairgate.gate.prediction import Size
    >>> gap = parse("max_gap(FPR, [sex]) <= 0.05", {"sex": ["Female", "Male"]})
    >>> sizes = {group: Size(positives=500, negatives=500) for group in gap.groups()}
    >>> fair = ModelRates(fpr=0.05, tpr=0.95)  # the same in both groups
    >>> round(limit_to_pass(gap, fair, sizes, delta=0.05), 2)
    0.04
    """
    usual, most = (1000, 20), None
    if isinstance(examples, UnitCounts):
        usual, most = (200, 3), max(_FEWEST, _UNITS // max(examples.units, 1))
    draws = usual[0] if draws is None else draws
    bounded = usual[1] if bounded is None else bounded
    if not (0 < miss < 1 and 1 <= bounded <= draws):
        raise ValueError(
            f"expected 0 < miss < 1 <= bounded <= draws, got {miss!r}, {bounded!r} and {draws!r}"
        )
    sizes = sizes_of(examples) if isinstance(examples, UnitCounts) else examples
    # With every outcome seen as often as it could be, only a missing denominator leaves no value.
    fullest = {
        group: Counts(size.positives, size.negatives, size.negatives, size.positives)
        for group, size in sizes.items()
    }
    if math.isnan(constraint.value(fullest)):
        return math.nan
    models = {group: model if isinstance(model, ModelRates) else model[group] for group in sizes}
    rng = np.random.default_rng(seed)
    drawn: Sequence[Measured]
    if isinstance(examples, UnitCounts):
        rates = {group: (of.fpr, of.tpr) for group, of in models.items()}
        drawn = [unit_draws.drawn(examples, rates, alike, rng) for _ in range(draws)]
    else:
        fpr, tpr = ({g: getattr(of, rate) for g, of in models.items()} for rate in ("fpr", "tpr"))
        drawn = simulated(fpr, tpr, examples, draws, rng)
    worse = 1.0 if constraint.sense == "<=" else -1.0
    guess = np.array([_last(worse * _guess(constraint, counts, delta)) for counts in drawn])
    order = np.argsort(guess, kind="stable")
    first = order[[int((index + 0.5) * draws / bounded) for index in range(bounded)]]
    found = {int(at): _last(worse * bound_of(constraint, drawn[at], delta)) for at in first}
    rank = math.ceil((1 - miss) * draws) - 1
    undecided = _undecided(guess, found, rank)
    undecided.sort(key=lambda at: abs(guess[at] - guess[order[rank]]))
    nearest = undecided[:most]
    for at in nearest:
        found[at] = _last(worse * bound_of(constraint, drawn[at], delta))
    # Of the others it is known on which side of the quantile they are, and no more is needed.
    told = np.array([found.get(at, value) for at, value in enumerate(guess.tolist())])
    unknown = np.array([at not in found for at in range(draws)])
    margin = float(np.median([found[at] - guess[at] for at in nearest or found]))
    # A ratio to nothing has no bound: such a split blocks, whatever the limit.
    return worse * float(np.sort(np.where(unknown, told + margin, told))[rank])


def _guess(constraint: Constraint, counts: Measured, delta: float) -> float:
    """About where the bound is, but for a line: a hundred times as quick to find."""
    if isinstance(counts, UnitCounts):
        return constraint.value(counts)
    return bound_of(constraint, counts, delta, "newcombe")


def _undecided(guess: NDArray[np.float64], found: Mapping[int, float], rank: int) -> list[int]:
    """Which draws without a bound could be on either side of the bounds' order statistic `rank`.

    Their bounds are taken to be as far from a line of the guesses as those that are known, and half as
    much again as these differ.
    """
    known, reached = guess[list(found)], np.array(list(found.values()))
    rest = [at for at in range(len(guess)) if at not in found]
    if not np.all(np.isfinite(reached)) or not np.all(np.isfinite(guess)) or np.ptp(known) == 0:
        return rest
    slope, start = np.polyfit(known, reached, 1)
    off = reached - (slope * known + start)
    slack = np.ptp(off) / 2
    line = slope * guess + start
    low, high = line + off.min() - slack, line + off.max() + slack
    for at, bound in found.items():
        low[at] = high[at] = bound
    least, most = np.sort(low)[rank], np.sort(high)[rank]
    return [at for at in rest if high[at] >= least and low[at] <= most]


def limit_today(
    constraint: Constraint, counts: Measured, delta: float, step: float = 0.001
) -> float:
    """The tightest limit, in whole `step`s, that these outcomes keep at confidence 1 - delta.

    Args:
        constraint: its limit plays no part.
        counts: the gate's outcomes.
        delta: the gate's allowed probability of error.
        step: what the bound is rounded to, on the safe side.

    Returns:
        The limit; infinite or NaN where the bound is.

    Raises:
        ValueError: as for `bounds.upper_bound`.

    >>> from fairgate.constraints import parse
    >>> limit_today(parse("FPR <= 0.01", {}), {None: Counts(tp=0, fp=0, tn=59, fn=0)}, delta=0.05)
    0.05
    """
    bound = bound_of(constraint, counts, delta)
    if not math.isfinite(bound):
        return bound
    worse = 1 if constraint.sense == "<=" else -1
    # A bound that is a whole number of steps, but for floating point, is not a step further.
    whole = worse * math.ceil(round(worse * bound / step, 9))
    limits = (round(steps * step, 12) for steps in (whole, whole + worse))
    return next(limit for limit in limits if constraint.with_limit(limit).is_satisfied(bound))


def _last(value: float) -> float:
    """For sorting, which NaN would confuse."""
    return math.inf if math.isnan(value) else value
