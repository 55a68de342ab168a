"""How many more examples, and of which group, would let a model pass its gate 4 times in 5."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from fairgate.constraints.expressions import Constraint, RateOf, rates_in
from fairgate.constraints.rates import RATES, Group, Measured
from fairgate.constraints.units import UnitCounts
from fairgate.gate.prediction import (
    Likeness,
    Size,
    Sizes,
    bound_of,
    margin,
    projected_bound,
    simulated,
    sizes_of,
)

Label = Literal["negatives", "positives", "examples"]

# More than this times the data is no advice.
_MOST = 1000
# Drawn test splits; of them, about the one that decides, those that are bounded.
_DRAWS, _BOUNDED = 600, 3


@dataclass(frozen=True)
class Addition:
    """Examples to add, as they come: the rates stay what they were measured to be.

    Attributes:
        group: whose; None: of everyone, in proportion.
        label: which of its examples count for the constraint.
        examples: how many of these to add.
        factor: what their number is multiplied by.
    """

    group: Group | None
    label: Label
    examples: int
    factor: float


def more_examples(
    constraint: Constraint, counts: Measured, delta: float, miss: float = 0.2
) -> Addition | None:
    """The smallest addition with which a test split would let the model pass with probability 1 - `miss`.

    Its true rates are taken to be those that were measured, and the split to be drawn anew, with so many
    examples (`passing_bound`). The addition is to a single group; or as much more of every group, where
    no single one is enough or that takes fewer examples.

    Args:
        constraint: the gate's.
        counts: the gate's outcomes.
        delta: the gate's allowed probability of error.
        miss: allowed probability of not passing.

    Returns:
        The addition, of 0 examples where these outcomes pass; None where no thousandfold of the
        data would do: the value itself is over the limit, or a rate has no examples.

    Raises:
        ValueError: as for `bounds.upper_bound`.

    >>> from fairgate.constraints import Counts, parse
    >>> more_examples(parse("FPR <= 0.05", {}), {None: Counts(tp=0, fp=0, tn=50, fn=0)}, delta=0.05)
    Addition(group=None, label='negatives', examples=9, factor=1.18)

    59 negatives without an error are the fewest whose bound is within 0.05: 0.95 ** 59 < 0.05.
    """
    labels = labels_needed(constraint)
    sizes = sizes_of(counts)

    def beyond(supposed: Sizes) -> float:
        def over(bound: float) -> float:
            found = constraint.violation(bound)
            return math.inf if math.isnan(found) else found

        as_measured = over(projected_bound(constraint, counts, supposed, delta))
        # Where even the measured value would not pass, no draws are needed to know it.
        if as_measured > 0:
            return as_measured
        return over(passing_bound(constraint, counts, supposed, delta, miss))

    if beyond(sizes) <= 0:
        return Addition(None, "examples", 0, 1.0)
    if not constraint.is_satisfied(constraint.value(counts)):
        return None
    alone = [
        found
        for group, label in labels.items()
        if group in sizes
        for found in _alone(beyond, sizes, group, label)
    ]
    # Of one group alone that would be the same.
    together = _together(beyond, sizes, labels) if len(labels) > 1 else None
    found = [*alone, *([together] if together else [])]
    return min(found, key=lambda addition: addition.examples, default=None)


def passing_bound(
    constraint: Constraint, counts: Measured, sizes: Sizes, delta: float, miss: float, seed: int = 0
) -> float:
    """What the gate's bound will not exceed on a new test split, but with probability about `miss`.

    True rates are those of `counts`. Splits are drawn and ordered by their values, which is nearly the
    order of their bounds: of those about the quantile the median bound is taken.

    Args:
        constraint: the gate's.
        counts: outcomes, whose rates are taken for the true ones.
        sizes: examples of each group on the new split.
        delta: the gate's allowed probability of error.
        miss: see above, in (0, 1).
        seed: of the draws.

    Returns:
        The bound; infinite or NaN where it is so. Over units (`UnitCounts`) it is the value of the split
        at the quantile, and beyond it the margin, as much wider as it is on `counts`.
    """
    like = _likeness(counts) if isinstance(counts, UnitCounts) else None
    known = {group: counts[group] for group in sizes if group in counts}
    rates = [
        {group: 0.0 if math.isnan(r := of.rate(name)) else r for group, of in known.items()}
        for name in ("FPR", "TPR")
    ]
    wanted = {group: sizes[group] for group in known}
    drawn = simulated(rates[0], rates[1], wanted, _DRAWS, np.random.default_rng(seed), like)
    worse = 1.0 if constraint.sense == "<=" else -1.0

    def last(value: float) -> float:
        return math.inf if math.isnan(value) else worse * value

    drawn.sort(key=lambda outcomes: last(constraint.value(outcomes)))
    place = math.ceil((1 - miss) * _DRAWS) - 1
    if like is not None:
        reached_there = last(constraint.value(drawn[place])) + margin(
            constraint, counts, sizes, delta
        )
        return worse * reached_there
    around = [place + step * _DRAWS // 50 for step in range(-(_BOUNDED // 2), _BOUNDED // 2 + 1)]
    around = [min(max(index, 0), _DRAWS - 1) for index in around]
    reached = sorted(last(bound_of(constraint, drawn[index], delta)) for index in around)
    return worse * reached[len(reached) // 2]


@lru_cache(maxsize=8)
def _likeness(counts: UnitCounts) -> Likeness:
    return Likeness(counts, sizes_of(counts))


def labels_needed(constraint: Constraint) -> dict[Group | None, Label]:
    """Of each group in a constraint (None: everyone), which examples its rates are over.

    >>> from fairgate.constraints import parse
    >>> labels_needed(parse("FPR <= 0.05", {})), labels_needed(parse("PPR <= 0.5", {}))
    ({None: 'negatives'}, {None: 'examples'})
    """
    found: dict[Group | None, set[str]] = {}
    for rate in rates_in(constraint.expression):
        denominator = RATES[rate.rate].denominator if isinstance(rate, RateOf) else "all"
        found.setdefault(rate.group, set()).add(denominator)

    def label(denominators: set[str]) -> Label:
        if denominators == {"negatives"}:
            return "negatives"
        return "positives" if denominators == {"positives"} else "examples"

    return {group: label(denominators) for group, denominators in found.items()}


def _alone(
    beyond: Callable[[Sizes], float],
    sizes: Sizes,
    group: Group | None,
    label: Label,
) -> Iterator[Addition]:
    """The least addition to one group, if any is enough."""
    present: int = getattr(sizes[group], label)

    def supposed(added: int) -> Sizes:
        own = _grown(sizes[group], label, added)
        grown = dict(sizes) | {group: own}
        if None in sizes and group is not None:  # they are part of everyone
            more = own.positives - sizes[group].positives, own.negatives - sizes[group].negatives
            grown[None] = Size(sizes[None].positives + more[0], sizes[None].negatives + more[1])
        return grown

    most = present * _MOST
    if present and beyond(supposed(most)) <= 0:
        added = _least(lambda n: beyond(supposed(n)), present, most)
        yield Addition(group, label, added, (present + added) / present)


def _together(
    beyond: Callable[[Sizes], float],
    sizes: Sizes,
    labels: dict[Group | None, Label],
) -> Addition | None:
    """The least common factor, in percent."""

    def supposed(percent: int) -> Sizes:
        return {
            group: Size(
                math.ceil(size.positives * (1 + percent / 100)),
                math.ceil(size.negatives * (1 + percent / 100)),
            )
            for group, size in sizes.items()
        }

    most = (_MOST - 1) * 100
    if beyond(supposed(most)) > 0:
        return None
    grown = supposed(_least(lambda n: beyond(supposed(n)), 100, most))
    kinds = set(labels.values())
    label: Label = kinds.pop() if len(kinds) == 1 else "examples"
    counted: list[Group | None] = [group for group in labels if group is not None] or [None]
    before = sum(getattr(sizes[group], label) for group in counted)
    after = sum(getattr(grown[group], label) for group in counted)
    return Addition(None, label, after - before, after / before)


def _grown(size: Size, label: Label, added: int) -> Size:
    if label == "negatives":
        return Size(size.positives, size.negatives + added)
    if label == "positives":
        return Size(size.positives + added, size.negatives)
    positives = round(added * size.positives / size.examples)
    return Size(size.positives + positives, size.negatives + added - positives)


def _least(beyond: Callable[[int], float], present: int, most: int) -> int:
    """The least number to add that is enough, `most` being so and 0 not.

    A margin is about a + b / sqrt(present + added): between a number that is too few and one that is
    enough, the next to try is where that line is 0, and every third time the middle by that measure.

    Args:
        beyond: how far the bound on so many more is beyond the limit; at most 0 where they are enough.
        present: how many there are.
        most: a number that is enough.
    """

    def margin(added: int) -> float:
        return 1 / math.sqrt(present + added)

    few, over = 0, beyond(0)
    enough, under = most, beyond(most)
    tries = 0
    while enough - few > 1:
        tries += 1
        share = over / (over - under) if tries % 3 and math.isfinite(over - under) else 0.5
        wanted = margin(few) + share * (margin(enough) - margin(few))
        middle = min(max(round(wanted**-2 - present), few + 1), enough - 1)
        found = beyond(middle)
        if found > 0:
            few, over = middle, found
            under /= 2  # Illinois: an end that stays must not hold the other back
        else:
            enough, under = middle, found
            over /= 2
    return enough
