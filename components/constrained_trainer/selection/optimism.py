"""What a model does on examples that nobody has seen, estimated from both splits.

A small validation split tells little of a rare group: of m examples a rate has a standard error of up
to 1 / (2 sqrt(m)), and of many candidates the luckiest is chosen. The training examples are several times
as many, but a network remembers some of them. By how much is seen where examples are plenty, on
everybody: it errs by

    d = max(0, error on the validation split - error on the training split)

less there (the optimism of the training error: Efron, JASA 1986). Let a rate of a group be off by about
as much. Then the best weight of n training examples next to those of the validation split, that of the
inverse mean squared errors 1/(4n) + d^2 and 1/(4m), is that of

    n / (1 + 4 n d^2)

examples that nobody has seen: all of them where nothing was remembered, 1 / (4 d^2) at the most. What
the multipliers pull at may be remembered though the rest is not, so they are never worth more than twice
the validation split's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from components.constrained_trainer.examples.data import Split
from components.constrained_trainer.resolving import rarest_set
from components.transform.inputs import IMAGE
from fairgate.constraints.rates import Counts, Measured

# So many examples of the rarest set on the validation split tell enough: s is 0.011.
_ENOUGH = 2000
# What training examples are worth at the most, as a multiple of the validation split's.
_WORTH = 2.0
# The luckiest of many candidates is chosen, so its estimate is likely too good: one standard error is to
# be left to the limit, but no more than this share of it.
_SHARE = 0.5
# Training examples that are looked at, at the most.
_MOST = 200_000


def worth_a_look(training: Split, validation: Split, constraints: Sequence[str]) -> Split | None:
    """The training examples that estimates are to be made of, next to the validation split's; or None.

    None where that split tells enough, nothing is constrained, or scoring is costly (pictures).
    """
    rarest = rarest_set(constraints, validation)
    if rarest is None or rarest.examples >= _ENOUGH or IMAGE in training.inputs:
        return None
    step = -(-len(training) // _MOST)
    return training if step == 1 else training.take(np.arange(0, len(training), step))


def spread(validation: Split, learned: Split | None, constraints: Sequence[str]) -> float:
    """The standard error that an estimate of a rate may have, 1 / (2 sqrt(m)); 0 without constraints.

    Args:
      validation: the split.
      learned: from `worth_a_look`; its examples count for as much as they may.
      constraints: lines of the language; m is of the rarest set that they need.
    """
    rarest = rarest_set(constraints, validation)
    if rarest is None:
        return 0.0
    m = rarest.examples * (1 if learned is None else 1 + _WORTH)
    return 1 / (2 * math.sqrt(max(m, 1.0)))


def room(limits: np.ndarray, spread: float) -> np.ndarray:
    """(k,) float64: how far inside its limit each violation is to be estimated, if it can be had.

    Args:
      limits: (k,).
      spread: of an estimate, as above.
    """
    return np.minimum(spread, _SHARE * np.abs(limits))


def of(measured: Measured, learned: Measured) -> float:
    """By how much a model errs more where it has not learned. Arguments as for `estimated`."""
    return max(0.0, measured[None].rate("ERR") - learned[None].rate("ERR"))


def estimated(
    measured: Measured, learned: Measured | None, optimism: float | None = None
) -> Measured:
    """Outcomes with the rates that are estimated, of as many examples as there are in both.

    Args:
      measured: on the validation split, of every group and everyone (None).
      learned: the same on training examples; None: there are none.
      optimism: of the network, where it is known better than from these outcomes.
    """
    if learned is None:
        return measured
    known = of(measured, learned) if optimism is None else optimism
    return {group: _blended(measured[group], learned[group], known) for group in measured}


def factors(measured: float, learned: float, optimism: float) -> tuple[float, float]:
    """What an outcome counts on the validation split and among training examples, in an estimate.

    Args:
      measured: examples of the label on the validation split.
      learned: the same among training examples.
      optimism: of the network.
    """
    worth = learned / (1 + 4 * learned * optimism**2)
    weight = min(worth, _WORTH * measured) / max(learned, 1)
    total, examples = measured + weight * learned, measured + learned
    return (examples / total, weight * examples / total) if total else (0.0, 0.0)


def _blended(measured: Counts, learned: Counts, optimism: float) -> Counts:
    tp, fn = _pair((measured.tp, measured.fn), (learned.tp, learned.fn), optimism)
    fp, tn = _pair((measured.fp, measured.tn), (learned.fp, learned.tn), optimism)
    return Counts(tp, fp, tn, fn)


def _pair(
    measured: tuple[float, float], learned: tuple[float, float], optimism: float
) -> tuple[float, float]:
    """Two outcomes of the examples of one label: their share blended, their number that of both."""
    own, other = factors(sum(measured), sum(learned), optimism)
    first, second = (own * m + other * n for m, n in zip(measured, learned, strict=True))
    return first, second
